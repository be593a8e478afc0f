/**
 * Half-open ranges `[start, end)` of sort keys, cut only at slot boundaries.
 * It must not know shards.
 */
import { quote } from "./ids.ts";
import { accepted, type Result, refused } from "./result.ts";
import { type Placement, prefixesOf, prefixOf } from "./slot.ts";
import { compareCodePoints } from "./text.ts";

/** `start` "" is the empty end of the alphabet, `end` null the other end. */
export interface KeyRange {
  readonly start: string;
  readonly end: string | null;
}

/** Everything. */
export const WHOLE_RANGE: KeyRange = { start: "", end: null };

/** Order of two exclusive upper bounds, null being the highest. */
export function compareEnds(left: string | null, right: string | null): number {
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  return compareCodePoints(left, right);
}

/** Whether `sortKey` lies in `range`. */
export function contains(range: KeyRange, sortKey: string): boolean {
  return (
    compareCodePoints(range.start, sortKey) <= 0 && (range.end === null || compareCodePoints(sortKey, range.end) < 0)
  );
}

/** Whether no key can lie in `range`. */
export function isEmpty(range: KeyRange): boolean {
  return range.end !== null && compareCodePoints(range.start, range.end) >= 0;
}

/** What two ranges share, or null. */
export function intersect(left: KeyRange, right: KeyRange): KeyRange | null {
  const start = compareCodePoints(left.start, right.start) >= 0 ? left.start : right.start;
  const end = compareEnds(left.end, right.end) <= 0 ? left.end : right.end;
  const both = { start, end };
  return isEmpty(both) ? null : both;
}

/**
 * The smallest text above every text that begins with `prefix`; null when there is none.
 * The last symbol is raised by one, over the gap of the surrogates.
 */
export function endOfPrefix(prefix: string): string | null {
  const symbols = [...prefix];
  for (let last = symbols.pop(); last !== undefined; last = symbols.pop()) {
    const point = Number(last.codePointAt(0));
    if (point < 0x10ffff) return symbols.join("") + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return null;
}

/** Untrusted text to a place where a range may begin or end: "" or the lower bound of a prefix. */
export function parseBoundary(placement: Placement, text: string): Result<string, "NOT_A_BOUNDARY"> {
  const prefixes = prefixesOf(placement);
  if (text === "" || text === prefixes[0]) return accepted("");
  const below = prefixOf(placement, text);
  if (below === text) return accepted(text);
  const above = prefixes[prefixes.indexOf(below) + 1];
  const nearest = above === undefined ? quote(below) : `${quote(below)} or ${quote(above)}`;
  return refused("NOT_A_BOUNDARY", `expected a slot boundary, got ${quote(text)}; the nearest are ${nearest}`);
}

/** Untrusted texts to a range that is not empty and lies on slot boundaries. */
export function parseRange(placement: Placement, range: KeyRange): Result<KeyRange, "NOT_A_BOUNDARY" | "EMPTY_RANGE"> {
  const start = parseBoundary(placement, range.start);
  if (!start.ok) return start;
  const end = range.end === null ? accepted(null) : parseBoundary(placement, range.end);
  if (!end.ok) return end;
  const parsed = { start: start.value, end: end.value };
  if (!isEmpty(parsed)) return accepted(parsed);
  return refused("EMPTY_RANGE", `expected start below end, got ${describeRange(parsed)}`);
}

/** A range for people: `["a", "m")`, the open end as `∞`. */
export function describeRange(range: KeyRange): string {
  return `[${quote(range.start)}, ${range.end === null ? "∞" : quote(range.end)})`;
}
