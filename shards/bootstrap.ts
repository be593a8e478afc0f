/**
 * First owners: a shard claims its slots of version 1 once, when a collection is created.
 * It must never claim again: a store that comes back empty serves nothing.
 */
import { randomUUID } from "node:crypto";
import type { CollectionConfig } from "../config/config.ts";
import type { MapVersion, ShardId } from "../router/ids.ts";
import { contains } from "../router/range.ts";
import type { ShardMap } from "../router/shard-map.ts";
import { type Placement, prefixesOf, slotsOfPrefix } from "../router/slot.ts";
import type { Catalog } from "./catalog/port.ts";
import type { Clock } from "./clock.ts";
import type { Logger } from "./log.ts";
import type { Store } from "./store/port.ts";

/** What claiming stands on. */
export interface ClaimContext {
  readonly shard: ShardId;
  readonly store: Pick<Store, "claimFirst">;
  readonly catalog: Pick<Catalog, "hasClaimed" | "recordClaim" | "version">;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Logger;
}

const FIRST = 1;

/** Claims what `shard` is to own first of each collection, where that has not happened yet. */
export async function claimFirstSlots(context: ClaimContext, collections: Iterable<CollectionConfig>): Promise<void> {
  for (const collection of collections) await claimCollection(context, collection);
}

async function claimCollection(context: ClaimContext, { name, placement }: CollectionConfig): Promise<void> {
  const { shard, catalog, log } = context;
  if (await catalog.hasClaimed(name, shard)) return;
  const map = await catalog.version(name, parseFirst());
  if (map === null) {
    log("warn", "collection-not-created", { collection: name });
    return;
  }
  const claimed = await context.store.claimFirst(name, slotsOfShard(map, placement, shard));
  await catalog.recordClaim(name, shard, { actor: shard, writer: randomUUID(), atMs: context.clock.nowMs() });
  log("info", "slots-claimed", { collection: name, slots: claimed });
}

function parseFirst(): MapVersion {
  return FIRST as MapVersion;
}

/** The slots that `map` gives to `shard`. */
function slotsOfShard(map: ShardMap, placement: Placement, shard: ShardId) {
  const ranges = map.ranges.filter((range) => range.shard === shard);
  return prefixesOf(placement)
    .filter((prefix) => ranges.some((range) => contains(range, prefix)))
    .flatMap((prefix) => slotsOfPrefix(placement, prefix));
}
