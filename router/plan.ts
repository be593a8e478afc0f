/**
 * Plans: pure steps from one map version to the next. A plan goes live only if its parent is still current.
 * It must not apply anything; the catalog does.
 */
import { type MapVersion, nextVersion, type ShardId } from "./ids.ts";
import { describeRange, intersect, type KeyRange, parseBoundary, parseRange } from "./range.ts";
import { accepted, type Result, refused } from "./result.ts";
import type { MapRange, MapRules, ShardMap } from "./shard-map.ts";

/** Part of a range that changes hands. */
export interface Transfer extends KeyRange {
  readonly from: ShardId;
  readonly to: ShardId;
}

/** Immutable: the parent version, the map to publish, and the data that has to move first. */
export interface MapPlan {
  readonly kind: "split" | "merge" | "move";
  readonly parent: MapVersion;
  readonly next: ShardMap;
  readonly transfers: readonly Transfer[];
}

/** Why there is no plan. */
export type PlanRefusal =
  | "NOT_A_BOUNDARY"
  | "EMPTY_RANGE"
  | "ALREADY_SPLIT"
  | "NOT_SPLIT"
  | "SHARDS_DIFFER"
  | "UNKNOWN_SHARD"
  | "NOTHING_TO_MOVE";

/** What `planMove` is asked for. */
export interface MoveRequest extends KeyRange {
  readonly to: ShardId;
}

/** Divides the range around `at` into two of the same shard. */
export function planSplit(map: ShardMap, at: string, rules: MapRules): Result<MapPlan, PlanRefusal> {
  const boundary = parseBoundary(rules.placement, at);
  if (!boundary.ok) return boundary;
  const ranges = cutAt(map.ranges, boundary.value);
  if (ranges.length === map.ranges.length) {
    return refused("ALREADY_SPLIT", `expected a boundary inside a range, but one already starts at "${at}"`);
  }
  return accepted(planOf("split", map, { ranges, transfers: [] }));
}

/** Joins the two ranges that meet at `at`; both must be of one shard. */
export function planMerge(map: ShardMap, at: string, rules: MapRules): Result<MapPlan, PlanRefusal> {
  const boundary = parseBoundary(rules.placement, at);
  if (!boundary.ok) return boundary;
  const index = map.ranges.findIndex((range) => range.start === boundary.value);
  const left = map.ranges[index - 1];
  const right = map.ranges[index];
  if (left === undefined || right === undefined) {
    return refused("NOT_SPLIT", `expected two ranges that meet at "${at}", but none does`);
  }
  if (left.shard !== right.shard) {
    return refused(
      "SHARDS_DIFFER",
      `expected one shard on both sides of "${at}", got ${left.shard} and ${right.shard}`,
    );
  }
  const joined = { start: left.start, end: right.end, shard: left.shard };
  const ranges = [...map.ranges.slice(0, index - 1), joined, ...map.ranges.slice(index + 1)];
  return accepted(planOf("merge", map, { ranges, transfers: [] }));
}

/** Gives `[start, end)` to another shard. */
export function planMove(map: ShardMap, move: MoveRequest, rules: MapRules): Result<MapPlan, PlanRefusal> {
  if (rules.shards !== null && !rules.shards.has(move.to)) {
    return refused("UNKNOWN_SHARD", `expected one of ${[...rules.shards].join(", ")}, got "${move.to}"`);
  }
  const range = parseRange(rules.placement, { start: move.start, end: move.end });
  if (!range.ok) return range;
  const transfers = transfersOf(map, range.value, move.to);
  if (transfers.length === 0) {
    return refused("NOTHING_TO_MOVE", `${describeRange(range.value)} is already at ${move.to}`);
  }
  const start = cutAt(map.ranges, range.value.start);
  const cut = range.value.end === null ? start : cutAt(start, range.value.end);
  const ranges = cut.map((part) => (intersect(part, range.value) === null ? part : { ...part, shard: move.to }));
  return accepted(planOf("move", map, { ranges, transfers }));
}

/** What a plan does, a line each, for a dry run. */
export function describePlan(plan: MapPlan): readonly string[] {
  const title = `${plan.kind} ${plan.next.collection}: map version ${plan.parent} -> ${plan.next.version}`;
  const transfers = plan.transfers.map((part) => `  transfer ${describeRange(part)} from ${part.from} to ${part.to}`);
  const ranges = plan.next.ranges.map((range) => `  ${describeRange(range)} at ${range.shard}`);
  return [title, ...transfers, ...ranges];
}

function cutAt(ranges: readonly MapRange[], at: string): readonly MapRange[] {
  return ranges.flatMap((range) => {
    const low = intersect(range, { start: "", end: at });
    const high = intersect(range, { start: at, end: null });
    return [low, high].flatMap((part) => (part === null ? [] : [{ ...part, shard: range.shard }]));
  });
}

function transfersOf(map: ShardMap, range: KeyRange, to: ShardId): readonly Transfer[] {
  return map.ranges.flatMap((owned) => {
    const part = owned.shard === to ? null : intersect(owned, range);
    return part === null ? [] : [{ ...part, from: owned.shard, to }];
  });
}

function planOf(
  kind: MapPlan["kind"],
  map: ShardMap,
  change: { readonly ranges: readonly MapRange[]; readonly transfers: readonly Transfer[] },
): MapPlan {
  const version = nextVersion(map.version);
  const next = { collection: map.collection, version, parent: map.version, ranges: change.ranges };
  return { kind, parent: map.version, next, transfers: change.transfers };
}
