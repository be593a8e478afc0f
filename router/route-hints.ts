/**
 * What an edge believes about ownership: the newest map it has seen, and slots it has been taught by a 421.
 * Hints only: a wrong one costs a hop, never an answer. It must never go back to something older (I9).
 */
import type { NotOwned } from "./contract.ts";
import type { ShardId, SlotId } from "./ids.ts";
import { isNewer, rangeOf, type ShardMap } from "./shard-map.ts";
import { type Placement, prefixOfSlot, type SortKey } from "./slot.ts";

/** Most slots remembered besides the map; the one learned first goes first. */
export const LEARNED_SLOTS_MAX = 2048;

/** A slot's owner as of `epoch`. */
export interface LearnedOwner {
  readonly epoch: number;
  readonly owner: ShardId;
}

/** Immutable; `adoptMap` and `learnOwner` give new hints or the same ones. */
export interface RouteHints {
  readonly placement: Placement;
  readonly map: ShardMap | null;
  readonly learned: ReadonlyMap<SlotId, LearnedOwner>;
}

/** Where to send a request. `epoch` 0: nothing known of the slot but the map. */
export interface Route {
  readonly shard: ShardId;
  readonly epoch: number;
  readonly mapVersion: number;
}

/** An edge that knows nothing yet. */
export function noHints(placement: Placement): RouteHints {
  return { placement, map: null, learned: new Map() };
}

/** Takes a newer map; keeps what was learned where the map does not say the same. */
export function adoptMap(hints: RouteHints, map: ShardMap): RouteHints {
  if (!isNewer(map, hints.map)) return hints;
  const kept = [...hints.learned].filter(
    ([slot, known]) => rangeOf(map, prefixOfSlot(hints.placement, slot)).shard !== known.owner,
  );
  return { ...hints, map, learned: new Map(kept) };
}

/** Takes what a 421 says, if it names an owner at a higher epoch than is known. */
export function learnOwner(hints: RouteHints, told: NotOwned): RouteHints {
  const known = hints.learned.get(told.slot)?.epoch ?? 0;
  if (told.owner === null || told.epoch <= known) return hints;
  const learned = new Map(hints.learned);
  learned.delete(told.slot);
  learned.set(told.slot, { epoch: told.epoch, owner: told.owner });
  const oldest = learned.keys().next();
  if (learned.size > LEARNED_SLOTS_MAX && oldest.done !== true) learned.delete(oldest.value);
  return { ...hints, learned };
}

/** The shard believed to own `slot`; null while there is no map. */
export function routeOf(hints: RouteHints, slot: SlotId, sortKey: SortKey): Route | null {
  if (hints.map === null) return null;
  const mapVersion = hints.map.version;
  const known = hints.learned.get(slot);
  if (known !== undefined) return { shard: known.owner, epoch: known.epoch, mapVersion };
  return { shard: rangeOf(hints.map, sortKey).shard, epoch: 0, mapVersion };
}
