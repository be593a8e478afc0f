/**
 * What `up` was asked for, and what follows from it before anything is started. It must not start anything.
 */
import type { Configuration } from "../configuration.ts";
import type { StorageWish } from "../storage-choice.ts";
import type { Layout } from "./layout.ts";
import type { WantedPort } from "./ports.ts";
import type { ShardPlan } from "./shard-part.ts";

/** The options of `up`. Null means that the configuration, or the shard, decides. */
export interface UpOptions {
  readonly port: number;
  readonly shardPort: number;
  readonly data: string;
  readonly workers: number | null;
  readonly shards: number | null;
  readonly storage: StorageWish;
  readonly withSample: boolean;
  readonly config: string;
}

/** A directory that was made with `--shards N` keeps N until something else is asked for. */
export function withOwnShards(options: UpOptions, layout: Layout | null): UpOptions {
  return { ...options, shards: options.shards ?? layout?.asked ?? null };
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
 * A line about shards of the file that do not run because the directory keeps the number it was made with; null when there are
 * none, or when the number was given just now.
 */
export function leftOutNote(asked: UpOptions, file: Configuration, local: Configuration): string | null {
  const own = [...local.config.shards.keys()];
  const left = [...file.config.shards.keys()].filter((id) => !local.config.shards.has(id));
  if (asked.shards !== null || left.length === 0) return null;
  const isMore = own.every((id) => file.config.shards.has(id));
  const add = isMore ? `; --shards ${file.config.shards.size} adds ${left.length === 1 ? "it" : "them"}` : "";
  return `the configuration's ${left.join(", ")} is not used: this directory was made with --shards ${own.length}${add}`;
}
