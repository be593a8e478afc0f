/**
 * A naive model of a list page: looks at every prefix and every key in turn.
 * It must not use the store's own arithmetic of windows.
 */
import type { SlotId } from "../../router/ids.ts";
import { type Placement, prefixesOf, prefixOfSlot, type SortKey } from "../../router/slot.ts";
import { compareCodePoints } from "../../router/text.ts";
import type { ListRequest } from "../../shards/store/port.ts";

/** What a collection holds: all its sort keys in order, and the slots that are not readable. */
export interface ModelState {
  readonly placement: Placement;
  readonly sortKeys: readonly SortKey[];
  readonly closed: readonly SlotId[];
}

/** A page, or the prefix of the first slot when that is not readable. */
export type ModelPage =
  | { readonly sortKeys: readonly SortKey[]; readonly coveredTo: SortKey | null }
  | { readonly refusedIn: string };

/** What `request` should be answered. */
export function modelPage(state: ModelState, request: ListRequest): ModelPage {
  const start = request.from ?? `${request.after} `;
  if (!isBelow(start, request.to)) return { sortKeys: [], coveredTo: null };
  const closed = new Set(state.closed.map((slot) => prefixOfSlot(state.placement, slot)));
  const window = prefixesIn(state.placement, start, request.to);
  const hole = window.find((prefix) => closed.has(prefix));
  if (hole !== undefined && hole === window[0]) return { refusedIn: hole };
  const end = hole ?? request.to;
  const all = state.sortKeys.filter((key) => compareCodePoints(start, key) <= 0 && isBelow(key, end));
  const sortKeys = all.slice(0, request.limit);
  return { sortKeys, coveredTo: sortKeys.length < all.length ? `${sortKeys.at(-1)} ` : (hole ?? null) };
}

/** The prefixes some of whose keys could lie in the window. Keys below the first prefix would be its own. */
function prefixesIn(placement: Placement, start: SortKey, to: SortKey | null): readonly string[] {
  const prefixes = prefixesOf(placement);
  return prefixes.filter((prefix, index) => isBelow(start, prefixes[index + 1] ?? null) && isBelow(prefix, to));
}

function isBelow(key: string, end: string | null): boolean {
  return end === null || compareCodePoints(key, end) < 0;
}
