// Names and sizes of a simulated world: its shards, its one collection, its keys, the ranges that move.
// Must not depend on chance.
import type { CollectionConfig, GatewayConfig, ShardConfig } from "../../config/config.ts";
import type { CanonicalKey, CollectionName, MapVersion, ShardId, SlotId } from "../../router/ids.ts";
import { slotsIn } from "../../router/move-plan.ts";
import type { KeyRange } from "../../router/range.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import { slotOf, sortKeyOf } from "../../router/slot.ts";
import type { RowAddress } from "../../shards/store/port.ts";
import type { Scenario } from "./scenario.ts";

/** What does not change during a run. */
export interface Town {
  readonly collection: CollectionConfig;
  readonly collections: ReadonlyMap<string, CollectionConfig>;
  readonly shards: readonly ShardId[];
  readonly shardSet: ReadonlySet<string>;
  readonly addresses: readonly RowAddress[];
  /** All slots that ever move. */
  readonly slots: readonly SlotId[];
  readonly config: GatewayConfig;
}

const KEYS = ["la-1", "lb-1", "la-2"] as const;

/** Tombstones are swept when they are this old, in milliseconds: early, so that it happens. */
const TOMBSTONE_MS = 400;

/** What moves: one prefix, or two. */
export const NARROW: KeyRange = { start: "la", end: "lb" };
export const WIDE: KeyRange = { start: "la", end: "lc" };

/** The name of a shard by its number. */
export const shardName = (index: number): ShardId => `shard-${index}` as ShardId;

/** The world of a scenario. */
export function layOut(scenario: Scenario): Town {
  const name = (scenario.isStriped ? "striped" : "plain") as CollectionName;
  const placement = { kind: "range", stripes: scenario.isStriped ? 2 : 1 } as const;
  const shards = Array.from({ length: scenario.shards }, (_, index) => shardName(index));
  const collection: CollectionConfig = {
    ...{ name, placement, isPublic: true, requiresIfMatch: false, documentBytesMax: 10_000 },
    ...{ idempotencyRetentionMs: 86_400_000, tombstoneRetentionMs: TOMBSTONE_MS, cache: null, cors: null },
    initialMap: firstMap(name),
  };
  const collections = new Map([[name, collection]]);
  return {
    ...{ collection, collections, shards, shardSet: new Set<string>(shards) },
    addresses: KEYS.slice(0, scenario.keys).map((key) => addressOf(collection, key as CanonicalKey)),
    slots: slotsOfRange(collection),
    config: configOf(collections, shards),
  };
}

const slotLists = new Map<string, readonly SlotId[]>();

function slotsOfRange({ name, placement }: CollectionConfig): readonly SlotId[] {
  const slots = slotLists.get(name) ?? slotsIn(placement, WIDE);
  slotLists.set(name, slots);
  return slots;
}

function firstMap(collection: CollectionName): ShardMap {
  return { collection, version: 1 as MapVersion, parent: 0, ranges: [{ start: "", end: null, shard: shardName(0) }] };
}

function addressOf({ name, placement }: CollectionConfig, key: CanonicalKey): RowAddress {
  return { collection: name, slot: slotOf(placement, key), key, sortKey: sortKeyOf(placement, key) };
}

function configOf(collections: Town["collections"], shards: readonly ShardId[]): GatewayConfig {
  const entries = shards.map((id): [string, ShardConfig] => {
    return [id, { id, origins: [`http://${id}`] } as unknown as ShardConfig];
  });
  return {
    collections,
    shards: new Map(entries),
    catalog: { kind: "sqlite" } as unknown as GatewayConfig["catalog"],
    issuers: [],
    edge: { shardTimeoutMs: 5000, totalTimeoutMs: 10_000, mapRefreshMs: 1500 },
  };
}
