/**
 * The part of a collection that one list request looks at: its bounds in sort keys and its slots by their number in key order.
 * It must not read anything.
 */
import { floorIndex, type Placement, prefixesOf, type SortKey } from "../../router/slot.ts";
import { compareCodePoints } from "../../router/text.ts";
import type { ListRequest } from "./port.ts";

/** Above every key: the highest code point is a non-character for ever, and no key holds one. */
export const END_OF_KEYS: SortKey = "\u{10ffff}";

/** Sort keys `[start, end)`, and the numbers of the first and the last prefix that they fall into. */
export interface ListWindow {
  readonly start: SortKey;
  readonly end: SortKey;
  readonly firstPrefix: number;
  readonly lastPrefix: number;
}

/**
 * The smallest sort key that can come after `sortKey`. No key holds a symbol below the space (they are control
 * characters), so nothing lies between the two.
 */
export function successorOf(sortKey: SortKey): SortKey {
  return `${sortKey} `;
}

/** The window of `request`; null when no key can lie in it. */
export function windowOf(placement: Placement, request: ListRequest): ListWindow | null {
  const start = request.from ?? successorOf(request.after ?? "");
  const end = request.to ?? END_OF_KEYS;
  const prefixes = prefixesOf(placement);
  const firstPrefix = Math.max(0, floorIndex(prefixes, start));
  const below = floorIndex(prefixes, end);
  const lastPrefix = prefixes[below] === end ? below - 1 : below;
  const isEmpty = compareCodePoints(start, end) >= 0 || lastPrefix < firstPrefix;
  return isEmpty ? null : { start, end, firstPrefix, lastPrefix };
}

/** The window without the prefix of that number and all that follows; null when nothing stays. */
export function clipBefore(window: ListWindow, placement: Placement, prefix: number): ListWindow | null {
  const end = prefixesOf(placement)[prefix];
  if (prefix <= window.firstPrefix || end === undefined) return null;
  return { ...window, end, lastPrefix: prefix - 1 };
}

/**
 * A text that is no key, with all keys from `position` on above it and all others below: what to go on behind. Null for the
 * beginning.
 */
export function boundBelow(position: string): string | null {
  const last = [...position].at(-1);
  if (last === undefined) return null;
  const head = position.slice(0, -last.length);
  const point = last.codePointAt(0) ?? 0;
  // Below the lowest symbol a key can hold there is nothing but the head itself, which may be a key: it stays below.
  if (point <= LOWEST_POINT) return head === "" ? null : head;
  const before = point === FIRST_BEHIND_SURROGATES ? LAST_BEFORE_SURROGATES : point - 1;
  return head + String.fromCodePoint(before) + END_OF_KEYS;
}

const LOWEST_POINT = 0x20;
const LAST_BEFORE_SURROGATES = 0xd7ff;
const FIRST_BEHIND_SURROGATES = 0xe000;
