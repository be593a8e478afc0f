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

/**
 * Immutable; `adoptMap` and `learnOwner` give new hints or the same ones. `learned` goes before the map. `settled` holds
 * epochs that a map has caught up with: the map's word goes there, and anything older is turned away.
 */
export interface RouteHints {
  readonly placement: Placement;
  readonly map: ShardMap | null;
  readonly learned: ReadonlyMap<SlotId, LearnedOwner>;
  readonly settled: ReadonlyMap<SlotId, number>;
}

/** Where to send a request. `epoch` 0: nothing known of the slot but the map. */
export interface Route {
  readonly shard: ShardId;
  readonly epoch: number;
  readonly mapVersion: number;
}

/** An edge that knows nothing yet. */
export function noHints(placement: Placement): RouteHints {
  return { placement, map: null, learned: new Map(), settled: new Map() };
}

/** Takes a newer map; of what was learned, only the epoch stays where the map says the same. */
export function adoptMap(hints: RouteHints, map: ShardMap): RouteHints {
  if (!isNewer(map, hints.map)) return hints;
  const learned = new Map(hints.learned);
  const settled = new Map(hints.settled);
  for (const [slot, known] of hints.learned) {
    if (rangeOf(map, prefixOfSlot(hints.placement, slot)).shard !== known.owner) continue;
    learned.delete(slot);
    remember(settled, slot, known.epoch);
  }
  return { ...hints, map, learned, settled };
}

/** Takes what a 421 says, if it names an owner at a higher epoch than is known. */
export function learnOwner(hints: RouteHints, told: NotOwned): RouteHints {
  if (told.owner === null || told.epoch < lowestNews(hints, told.slot)) return hints;
  const learned = new Map(hints.learned);
  remember(learned, told.slot, { epoch: told.epoch, owner: told.owner });
  return { ...hints, learned };
}

/** Hearing a settled epoch again is news: it says that the map of now is behind. */
function lowestNews(hints: RouteHints, slot: SlotId): number {
  const known = hints.learned.get(slot)?.epoch ?? 0;
  return Math.max(known + 1, hints.settled.get(slot) ?? 0);
}

function remember<Value>(slots: Map<SlotId, Value>, slot: SlotId, value: Value): void {
  slots.delete(slot);
  slots.set(slot, value);
  const oldest = slots.keys().next();
  if (slots.size > LEARNED_SLOTS_MAX && oldest.done !== true) slots.delete(oldest.value);
}

/** The shard believed to own `slot`; null while there is no map. */
export function routeOf(hints: RouteHints, slot: SlotId, sortKey: SortKey): Route | null {
  if (hints.map === null) return null;
  const mapVersion = hints.map.version;
  const known = hints.learned.get(slot);
  if (known !== undefined) return { shard: known.owner, epoch: known.epoch, mapVersion };
  return { shard: rangeOf(hints.map, sortKey).shard, epoch: 0, mapVersion };
}
