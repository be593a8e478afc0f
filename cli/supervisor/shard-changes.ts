/**
 * Which shards a start adds to its data directory, and which it leaves out. A new one owns nothing until something is moved to it;
 * one that is still needed must not be left out.
 */
import { join } from "node:path";
import { parseShardId, type ShardId } from "../../router/ids.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import type { LocalConfiguration } from "../configuration.ts";
import { type DataDirectory, displayPath, isThere } from "../data-directory.ts";
import { shardIds } from "../even-map.ts";
import { CliFailure } from "../failure.ts";
import type { ShardClient } from "../shard-client.ts";
import { describeHoldings, holdingsOf } from "../shards/holdings.ts";
import { placeOf, type StorageChoice } from "../storage-choice.ts";
import { type Layout, readLayout } from "./layout.ts";

/**
 * A start, before it has changed anything. `asked`: the number of shards that was asked for, now or earlier; else null. `leaving`
 * answers for shards that are to be left out.
 */
export interface ShardsWanted {
  readonly leaving: Pick<ShardClient, "slots">;
  readonly directory: DataDirectory;
  readonly local: LocalConfiguration;
  readonly storage: StorageChoice;
  readonly asked: number | null;
}

/** What becomes of the directory's shards. */
export interface ShardChanges {
  readonly added: readonly ShardId[];
  readonly removed: readonly ShardId[];
}

/**
 * What a start on this directory adds and leaves out. Shards that a map names count as the directory's, too: its layout may have been
 * lost. Throws `CliFailure` when a shard is left out that owns something, or that a live move needs. Changes nothing.
 */
export async function checkShardChanges(wanted: ShardsWanted, catalog: Catalog): Promise<ShardChanges> {
  const { directory, local } = wanted;
  const layout = readLayout(directory);
  const known = new Set([...(layout?.shards ?? []), ...(await shardsInMaps(wanted, catalog))]);
  const removed = [...known].filter((id) => !local.config.shards.has(id)).flatMap(asShardId);
  const needed: Needed[] = [];
  for (const shard of removed) {
    const reasons = await reasonsToKeep(wanted, catalog, shard);
    if (reasons.length > 0) needed.push({ shard, reasons });
  }
  if (needed.length > 0) throw stillNeeded(wanted, layout, needed);
  // Before the first maps every shard is new.
  const isNew = layout?.isCreated !== true;
  const added = isNew ? [] : [...local.config.shards.values()].map(({ id }) => id).filter((id) => !known.has(id));
  return { added, removed };
}

async function shardsInMaps({ local }: ShardsWanted, catalog: Catalog): Promise<readonly ShardId[]> {
  const maps = await Promise.all([...local.config.collections.values()].map(({ name }) => catalog.current(name)));
  return maps.flatMap((map) => map?.ranges.map(({ shard }) => shard) ?? []);
}

function asShardId(text: string): readonly ShardId[] {
  const id = parseShardId(text);
  return id.ok ? [id.value] : [];
}

/** A shard that must not be left out, and why, a line each. */
interface Needed {
  readonly shard: ShardId;
  readonly reasons: readonly string[];
}

async function reasonsToKeep(
  { leaving, local }: ShardsWanted,
  catalog: Catalog,
  shard: ShardId,
): Promise<readonly string[]> {
  const holdings = await holdingsOf({ config: local.config, catalog, shards: leaving }, shard);
  return describeHoldings(holdings).map((reason) => `${shard}: ${reason}`);
}

function stillNeeded({ asked }: ShardsWanted, layout: Layout | null, needed: readonly Needed[]): CliFailure {
  const isOne = needed.length === 1;
  const names = needed.map(({ shard }) => shard).join(", ");
  const text = `${names} would be left out, and ${isOne ? "is" : "are"} still needed:`;
  const lines = needed.flatMap(({ reasons }) => reasons.map((reason) => `  ${reason}`));
  const drains = needed.map(({ shard }) => `\`zgate shard drain ${shard} --wait\``).join(", ");
  return new CliFailure([text, ...lines].join("\n"), {
    hint: `${wayBack(layout, asked)}, and empty ${isOne ? "it" : "them"} first: ${drains}`,
    exitCode: 3,
  });
}

/** How to start the instance as it was. */
function wayBack(layout: Layout | null, asked: number | null): string {
  const made = layout?.shards ?? [];
  const isNumbered = made.join() === shardIds(made.length).join();
  if (isNumbered && (layout?.asked ?? null) !== null && asked !== made.length) {
    return `start with --shards ${made.length}`;
  }
  return asked !== null && (layout?.asked ?? null) === null ? "leave out --shards" : "configure the shard again";
}

/** What people should know of a change, a line each. `maps` are the current ones. */
export function describeShardChanges(
  { added, removed }: ShardChanges,
  { directory, local, storage }: ShardsWanted,
  maps: Iterable<ShardMap>,
): readonly string[] {
  const all = [...maps];
  const isOwner = (id: ShardId): boolean => all.some(({ ranges }) => ranges.some(({ shard }) => shard === id));
  const [first] = local.config.collections.keys();
  return [
    ...added.filter((id) => !isOwner(id)).map((id) => newcomer(id, first ?? "COLLECTION")),
    ...added.filter((id) => placeOf(storage, id) === "configured" && isOnCassandra(local, id)).map(schemaNote),
    ...removed.map((id) => {
      const kept = isThere(join(directory.root, id))
        ? `; its store stays in ${displayPath(join(directory.root, id))}`
        : "";
      return `${id} is left out: nothing depends on it any more${kept}`;
    }),
  ];
}

function newcomer(id: ShardId, collection: string): string {
  return `${id} is new and owns nothing yet: zgate move ${collection} --start KEY --end KEY --to ${id}`;
}

function isOnCassandra({ config }: LocalConfiguration, id: ShardId): boolean {
  return config.shards.get(id)?.store.kind === "cassandra";
}

function schemaNote(id: ShardId): string {
  return `${id} needs its keyspace: zgate schema apply --shard ${id}, with the same --config`;
}
