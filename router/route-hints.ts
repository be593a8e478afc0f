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
  /** A map has said the same since: from then on the map's word goes, and the epoch only turns away older 421s. */
  readonly isInMap: boolean;
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

/** Takes a newer map. What was learned stays, marked where the map says the same. */
export function adoptMap(hints: RouteHints, map: ShardMap): RouteHints {
  if (!isNewer(map, hints.map)) return hints;
  const learned = new Map(hints.learned);
  for (const [slot, known] of learned) {
    const { shard } = rangeOf(map, prefixOfSlot(hints.placement, slot));
    if (shard === known.owner) learned.set(slot, { ...known, isInMap: true });
  }
  return { ...hints, map, learned };
}

/** Takes what a 421 says, if it names an owner at a higher epoch than is known. */
export function learnOwner(hints: RouteHints, told: NotOwned): RouteHints {
  if (told.owner === null || told.epoch < lowestNews(hints.learned.get(told.slot))) return hints;
  const learned = new Map(hints.learned);
  learned.delete(told.slot);
  learned.set(told.slot, { epoch: told.epoch, owner: told.owner, isInMap: false });
  const oldest = learned.keys().next();
  if (learned.size > LEARNED_SLOTS_MAX && oldest.done !== true) learned.delete(oldest.value);
  return { ...hints, learned };
}

/** The same epoch again is news once the map has spoken: it says that the map is behind. */
function lowestNews(known: LearnedOwner | undefined): number {
  if (known === undefined) return 1;
  return known.isInMap ? known.epoch : known.epoch + 1;
}

/** The shard believed to own `slot`; null while there is no map. */
export function routeOf(hints: RouteHints, slot: SlotId, sortKey: SortKey): Route | null {
  if (hints.map === null) return null;
  const mapVersion = hints.map.version;
  const { shard } = rangeOf(hints.map, sortKey);
  const known = hints.learned.get(slot);
  if (known === undefined || (known.isInMap && known.owner !== shard)) return { shard, epoch: 0, mapVersion };
  return { shard: known.owner, epoch: known.epoch, mapVersion };
}
