/**
 * The shard map: which shard is believed to own which range. A hint; the truth is in the slots.
 * It must not be trusted before `parseShardMap` has checked it.
 */
import { type CollectionName, type MapVersion, parseCollectionName, parseShardId, quote, type ShardId } from "./ids.ts";
import { compareEnds, describeRange, type KeyRange, parseRange } from "./range.ts";
import { accepted, type Result, refused } from "./result.ts";
import type { Placement, SortKey } from "./slot.ts";
import { compareCodePoints } from "./text.ts";

/** One range and its shard. */
export interface MapRange extends KeyRange {
  readonly shard: ShardId;
}

/** One immutable version of a collection's map. `parent` is the version it was planned from, 0 for the first. */
export interface ShardMap {
  readonly collection: CollectionName;
  readonly version: MapVersion;
  readonly parent: number;
  readonly ranges: readonly MapRange[];
}

/** Why a map is refused. */
export type MapRefusal =
  | "NOT_A_MAP"
  | "INVALID_COLLECTION"
  | "INVALID_SHARD_ID"
  | "UNKNOWN_SHARD"
  | "NOT_A_BOUNDARY"
  | "EMPTY_RANGE"
  | "NOT_SORTED"
  | "OVERLAP"
  | "GAP";

/** What a map is checked against. `shards` null accepts every well-formed shard id. */
export interface MapRules {
  readonly placement: Placement;
  readonly shards: ReadonlySet<string> | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** Untrusted data to a map that covers everything exactly once with known shards. */
export function parseShardMap(input: unknown, rules: MapRules): Result<ShardMap, MapRefusal> {
  if (!isFields(input)) return refused("NOT_A_MAP", `expected an object with ranges, got ${quote(input)}`);
  const { collection, version, parent, ranges } = input as Fields & { readonly [name: string]: unknown };
  if (!isCounter(version) || !isCounter(parent) || version < 1 || parent >= version || !Array.isArray(ranges)) {
    const came = quote({ version, parent });
    return refused("NOT_A_MAP", `expected {collection, version >= 1, parent < version, ranges: []}, got ${came}`);
  }
  const name = parseCollectionName(typeof collection === "string" ? collection : "");
  if (!name.ok) return name;
  const parsed = parseRanges(ranges, rules);
  if (!parsed.ok) return parsed;
  return accepted({ collection: name.value, version: version as MapVersion, parent, ranges: parsed.value });
}

/** Untrusted ranges to a sorted list without gap or overlap. */
export function parseRanges(input: readonly unknown[], rules: MapRules): Result<readonly MapRange[], MapRefusal> {
  const ranges: MapRange[] = [];
  for (const [index, candidate] of input.entries()) {
    const range = parseMapRange(candidate, rules);
    if (!range.ok) return refused(range.reason, `ranges[${index}]: ${range.detail}`);
    const fault = faultBetween(ranges.at(-1), range.value);
    if (fault !== null) return refused(fault, `ranges[${index}]: ${describeFault(fault, ranges.at(-1), range.value)}`);
    ranges.push(range.value);
  }
  const last = ranges.at(-1);
  if (last !== undefined && last.end === null) return accepted(ranges);
  return refused("GAP", `expected the last range to end at infinity (end: null), got ${quote(last?.end)}`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounter(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function parseMapRange(input: unknown, rules: MapRules): Result<MapRange, MapRefusal> {
  if (!isFields(input)) return refused("NOT_A_MAP", `expected {start, end, shard}, got ${quote(input)}`);
  const start = input["start"];
  const end = input["end"] ?? null;
  const owner = input["shard"];
  if (typeof start !== "string" || (end !== null && typeof end !== "string") || typeof owner !== "string") {
    return refused("NOT_A_MAP", `expected {start: text, end: text or null, shard: text}, got ${quote(input)}`);
  }
  const shard = parseShardId(owner);
  if (!shard.ok) return shard;
  if (rules.shards !== null && !rules.shards.has(owner)) {
    return refused("UNKNOWN_SHARD", `expected one of ${[...rules.shards].join(", ")}, got ${quote(owner)}`);
  }
  const range = parseRange(rules.placement, { start, end });
  return range.ok ? accepted({ ...range.value, shard: shard.value }) : range;
}

function faultBetween(before: MapRange | undefined, range: MapRange): "GAP" | "OVERLAP" | "NOT_SORTED" | null {
  if (before === undefined) return range.start === "" ? null : "GAP";
  if (compareCodePoints(before.start, range.start) >= 0) return "NOT_SORTED";
  const order = compareEnds(before.end, range.start);
  if (order === 0) return null;
  return order < 0 ? "GAP" : "OVERLAP";
}

function describeFault(fault: string, before: MapRange | undefined, range: MapRange): string {
  if (before === undefined) return `expected the first range to start at "", got ${describeRange(range)}`;
  const relation = fault === "NOT_SORTED" ? "to come after" : "to start where the one before ends:";
  return `expected ${describeRange(range)} ${relation} ${describeRange(before)}`;
}

/** The range that `sortKey` lies in, by binary search. A parsed map has exactly one. */
export function rangeOf(map: ShardMap, sortKey: SortKey): MapRange {
  let low = 0;
  let high = map.ranges.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const range = map.ranges[middle];
    if (range !== undefined && compareCodePoints(range.start, sortKey) <= 0) low = middle;
    else high = middle - 1;
  }
  const range = map.ranges[low];
  if (range === undefined) throw new Error(`broken assumption: map ${map.collection} v${map.version} has no ranges`);
  return range;
}

/** Shards that a map names, each once, in order of their first range. */
export function shardsOf(map: ShardMap): readonly ShardId[] {
  return [...new Set(map.ranges.map((range) => range.shard))];
}

/** Whether `candidate` may replace `current`: only something newer may. */
export function isNewer(candidate: ShardMap, current: ShardMap | null): boolean {
  return current === null || candidate.version > current.version;
}
