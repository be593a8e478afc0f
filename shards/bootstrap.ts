/**
 * First owners: a shard claims its slots of version 1 once, when a collection is created.
 * It must never claim again: a store that comes back empty serves nothing and says so, and a catalog that comes back
 * empty hands nothing out a second time.
 */
import { randomUUID } from "node:crypto";
import type { CollectionConfig } from "../config/config.ts";
import { type CollectionName, nextVersion, type ShardId, type SlotId } from "../router/ids.ts";
import { contains } from "../router/range.ts";
import type { ShardMap } from "../router/shard-map.ts";
import { type Placement, prefixesOf, slotsOfPrefix } from "../router/slot.ts";
import type { Clock } from "./clock.ts";
import { FatalError } from "./fatal-error.ts";
import type { ShardCatalog } from "./lazy-catalog.ts";
import type { Logger } from "./log.ts";
import type { Store } from "./store/port.ts";

/** What claiming stands on. */
export interface ClaimContext {
  readonly shard: ShardId;
  readonly store: Pick<Store, "claimFirst" | "hasHeld">;
  readonly catalog: Pick<ShardCatalog, "hasClaimed" | "recordClaim" | "version">;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Logger;
}

/**
 * Claims what `shard` is to own first of each collection, where that has not happened yet. Resolves to the collections
 * that were claimed once and of which the store holds nothing any more. Throws `FatalError` CATALOG_LOST.
 */
export async function claimFirstSlots(
  context: ClaimContext,
  collections: Iterable<CollectionConfig>,
): Promise<readonly CollectionName[]> {
  const lost: CollectionName[] = [];
  for (const collection of collections) {
    if ((await claimCollection(context, collection)) === "store-lost") lost.push(collection.name);
  }
  return lost;
}

async function claimCollection(context: ClaimContext, collection: CollectionConfig): Promise<"settled" | "store-lost"> {
  const { shard, catalog, log } = context;
  const { name, placement } = collection;
  const map = await catalog.version(name, nextVersion(0));
  if (map === null) {
    log("warn", "collection-not-created", { collection: name });
    return "settled";
  }
  const slots = slotsOfShard(map, placement, shard);
  if (await catalog.hasClaimed(name, shard)) return checkHeld(context, name, slots);
  const claimed = await claimOnce(context, name, slots);
  await catalog.recordClaim(name, shard, { actor: shard, writer: randomUUID(), atMs: context.clock.nowMs() });
  log("info", "slots-claimed", { collection: name, slots: claimed });
  return "settled";
}

async function claimOnce({ shard, store }: ClaimContext, name: CollectionName, slots: readonly SlotId[]) {
  const claim = await store.claimFirst(name, slots);
  if (claim.kind === "claimed") return claim.slots;
  const held = `the store of ${shard} holds ${claim.heldSlots} slots of "${name}"`;
  const given = `other ones than the ${slots.length} that the catalog's version 1 gives it`;
  throw new FatalError("CATALOG_LOST", `${held}, ${given}: this is not their catalog; restore it from its backup`);
}

async function checkHeld({ store, log }: ClaimContext, name: CollectionName, slots: readonly SlotId[]) {
  if (slots.length === 0 || (await store.hasHeld(name))) return "settled";
  log("error", "store-lost", { collection: name });
  return "store-lost";
}

/** The slots that `map` gives to `shard`. */
function slotsOfShard(map: ShardMap, placement: Placement, shard: ShardId) {
  const ranges = map.ranges.filter((range) => range.shard === shard);
  return prefixesOf(placement)
    .filter((prefix) => ranges.some((range) => contains(range, prefix)))
    .flatMap((prefix) => slotsOfPrefix(placement, prefix));
}
