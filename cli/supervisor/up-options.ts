/**
 * What `up` was asked for, and what follows from it before anything is started. It must not start anything.
 */
import type { Configuration } from "../configuration.ts";
import { type DataDirectory, displayPath, readFields, writeWhole } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import type { WantedPort } from "./ports.ts";
import type { ShardPlan } from "./shard-part.ts";

/** The options of `up`. Null means that the configuration, or the shard, decides. */
export interface UpOptions {
  readonly port: number;
  readonly shardPort: number;
  readonly data: string;
  readonly workers: number | null;
  readonly shards: number | null;
  readonly withSample: boolean;
  readonly config: string;
}

/** The shards to start, one port after the other. */
export function shardPlans(options: UpOptions, local: Configuration): readonly ShardPlan[] {
  return [...local.config.shards.keys()].map((id, index) => ({
    id,
    port: options.shardPort + index,
    workers: options.workers,
  }));
}

/** All ports an instance needs. */
export function wantedPorts(options: UpOptions, shards: readonly ShardPlan[]): readonly WantedPort[] {
  return [
    { port: options.port, use: "edge", option: "--port" },
    ...shards.map(({ id, port }) => ({ port, use: id, option: "--shard-port" })),
  ];
}

/**
 * Refuses a directory that was created with other shards: their keys would have no owner. A new directory remembers
 * its shards from now on. Throws `CliFailure`.
 */
export function settleLayout(directory: DataDirectory, ids: readonly string[]): void {
  const created = parseLayout(readFields(directory.layout));
  if (created === null) {
    writeWhole(directory.layout, `${JSON.stringify({ shards: ids })}\n`);
    return;
  }
  if (created.join() === ids.join()) return;
  const where = displayPath(directory.root);
  throw new CliFailure(
    `${where} was created with ${described(created)}, not with ${described(ids)}: its keys belong to those shards`,
    { hint: `start it with --shards ${created.length}, or start a new directory with --data DIR`, exitCode: 2 },
  );
}

function described(ids: readonly string[]): string {
  return `${ids.length} ${ids.length === 1 ? "shard" : "shards"} (${ids.join(", ")})`;
}

/** What a directory was created with; null when it is new. */
export function parseLayout(fields: Readonly<Record<string, unknown>> | null): readonly string[] | null {
  const shards = fields?.["shards"];
  return Array.isArray(shards) && shards.every((id) => typeof id === "string") ? shards : null;
}
