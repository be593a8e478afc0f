// Plans: every refusal, and that a plan followed by a lookup agrees with a plain list of slots and their shards.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ShardId } from "../../../router/ids.ts";
import { describePlan, type MapPlan, planMerge, planMove, planSplit } from "../../../router/plan.ts";
import { contains, type KeyRange } from "../../../router/range.ts";
import type { Result } from "../../../router/result.ts";
import { type MapRules, parseShardMap, rangeOf, type ShardMap } from "../../../router/shard-map.ts";
import { type Placement, prefixesOf } from "../../../router/slot.ts";
import { holds } from "../seed.ts";
import { boundary, PLACEMENTS, SHARDS, shardMap } from "./arbitraries.ts";

const PLACEMENT: Placement = { kind: "range", stripes: 1 };
const RULES: MapRules = { placement: PLACEMENT, shards: new Set(SHARDS) };
const [ONE, TWO] = SHARDS as readonly [ShardId, ShardId, ShardId];

function mapOf(...ranges: readonly unknown[]): ShardMap {
  const map = parseShardMap({ collection: "products", version: 4, parent: 3, ranges }, RULES);
  if (!map.ok) throw new Error(map.detail);
  return map.value;
}

const MAP = mapOf(
  { start: "", end: "m", shard: ONE },
  { start: "m", end: "t", shard: TWO },
  { start: "t", shard: TWO },
);

function planned(plan: Result<MapPlan, string>): MapPlan {
  if (!plan.ok) throw new Error(plan.detail);
  return plan.value;
}

const rangesOf = (plan: Result<MapPlan, string>) =>
  planned(plan).next.ranges.map(({ start, end, shard }) => [start, end, shard]);

describe("planSplit", () => {
  it("divides the range around the boundary", () => {
    expect(rangesOf(planSplit(MAP, "c", RULES))).toEqual([
      ["", "c", ONE],
      ["c", "m", ONE],
      ["m", "t", TWO],
      ["t", null, TWO],
    ]);
  });

  it("names its parent and moves nothing", () => {
    const plan = planned(planSplit(MAP, "c", RULES));
    expect(plan).toMatchObject({ kind: "split", parent: 4, transfers: [] });
    expect(plan.next).toMatchObject({ collection: "products", version: 5, parent: 4 });
  });

  it.each([
    { name: "between slots", at: "cab", reason: "NOT_A_BOUNDARY" },
    { name: "where a range starts", at: "m", reason: "ALREADY_SPLIT" },
    { name: "at the low end", at: "", reason: "ALREADY_SPLIT" },
    { name: "at the lowest slot", at: " ", reason: "ALREADY_SPLIT" },
  ])("refuses to divide $name as $reason", ({ at, reason }) => {
    expect(planSplit(MAP, at, RULES)).toEqual({ ok: false, reason, detail: expect.stringContaining("expected") });
  });
});

describe("planMerge", () => {
  it("joins two ranges of one shard", () => {
    const plan = planMerge(MAP, "t", RULES);
    expect(rangesOf(plan)).toEqual([
      ["", "m", ONE],
      ["m", null, TWO],
    ]);
    expect(planned(plan)).toMatchObject({ kind: "merge", parent: 4, transfers: [] });
  });

  it("keeps what lies behind the two", () => {
    const map = planned(planSplit(MAP, "c", RULES)).next;
    expect(rangesOf(planMerge(map, "c", RULES))).toEqual(
      MAP.ranges.map(({ start, end, shard }) => [start, end, shard]),
    );
  });

  it.each([
    { name: "between slots", at: "mmm", reason: "NOT_A_BOUNDARY" },
    { name: "where no two ranges meet", at: "c", reason: "NOT_SPLIT" },
    { name: "at the low end", at: "", reason: "NOT_SPLIT" },
    { name: "two shards", at: "m", reason: "SHARDS_DIFFER" },
  ])("refuses to join $name as $reason", ({ at, reason }) => {
    expect(planMerge(MAP, at, RULES)).toEqual({ ok: false, reason, detail: expect.stringContaining("expected") });
  });
});

describe("planMove", () => {
  it("gives part of a range to another shard", () => {
    const plan = planMove(MAP, { start: "c", end: "f", to: TWO }, RULES);
    expect(rangesOf(plan)).toEqual([
      ["", "c", ONE],
      ["c", "f", TWO],
      ["f", "m", ONE],
      ["m", "t", TWO],
      ["t", null, TWO],
    ]);
    expect(planned(plan)).toMatchObject({ kind: "move", transfers: [{ start: "c", end: "f", from: ONE, to: TWO }] });
  });

  it("transfers only what is not there yet", () => {
    const plan = planned(planMove(MAP, { start: "", end: null, to: TWO }, RULES));
    expect(plan.transfers).toEqual([{ start: "", end: "m", from: ONE, to: TWO }]);
  });

  it("takes any shard where none are given", () => {
    const to = "shard-9" as ShardId;
    expect(planMove(MAP, { start: "c", end: null, to }, { ...RULES, shards: null }).ok).toBe(true);
  });

  it.each([
    { name: "an unknown shard", start: "", end: null, to: "shard-9", reason: "UNKNOWN_SHARD" },
    { name: "a start between slots", start: "abc", end: null, to: TWO, reason: "NOT_A_BOUNDARY" },
    { name: "an end between slots", start: "", end: "abc", to: TWO, reason: "NOT_A_BOUNDARY" },
    { name: "an empty range", start: "m", end: "c", to: TWO, reason: "EMPTY_RANGE" },
    { name: "what is there already", start: "n", end: null, to: TWO, reason: "NOTHING_TO_MOVE" },
  ])("refuses $name as $reason", ({ start, end, to, reason }) => {
    const refusal = planMove(MAP, { start, end, to: to as ShardId }, RULES);
    expect(refusal).toEqual({ ok: false, reason, detail: expect.stringMatching(/expected|already/) });
  });
});

describe("describePlan", () => {
  it("says what will happen, a line each", () => {
    expect(describePlan(planned(planMove(MAP, { start: "t", end: null, to: ONE }, RULES)))).toEqual([
      "move products: map version 4 -> 5",
      '  transfer ["t", ∞) from shard-2 to shard-1',
      '  ["", "m") at shard-1',
      '  ["m", "t") at shard-2',
      '  ["t", ∞) at shard-1',
    ]);
  });
});

type Step =
  | { readonly kind: "split" | "merge"; readonly at: string }
  | { readonly kind: "move"; readonly range: KeyRange; readonly to: ShardId };

function steps(placement: Placement): fc.Arbitrary<Step[]> {
  const at = boundary(placement);
  const cut = fc.record({ kind: fc.constantFrom("split" as const, "merge" as const), at });
  const range = fc.record({ start: at, end: fc.option(at) });
  const move = fc.record({ kind: fc.constant("move" as const), range, to: fc.constantFrom(...SHARDS) });
  return fc.array(fc.oneof(cut, move), { maxLength: 8 });
}

function planStep(map: ShardMap, step: Step, rules: MapRules): Result<MapPlan, string> {
  if (step.kind === "move") return planMove(map, { ...step.range, to: step.to }, rules);
  return step.kind === "split" ? planSplit(map, step.at, rules) : planMerge(map, step.at, rules);
}

/** The plain model: which shard each prefix lies on. */
type Owners = Map<string, ShardId>;

const ownersIn = (map: ShardMap, placement: Placement): Owners =>
  new Map(prefixesOf(placement).map((prefix) => [prefix, rangeOf(map, prefix).shard]));

function moveInModel(owners: Owners, step: Step): Owners {
  if (step.kind !== "move") return owners;
  const { range, to } = step;
  return new Map([...owners].map(([prefix, shard]) => [prefix, contains(range, prefix) ? to : shard]));
}

describe("plans and lookups", () => {
  it.each(PLACEMENTS)("agree with a list of slots and their shards: %j", (placement) => {
    const rules: MapRules = { placement, shards: new Set(SHARDS) };
    holds(
      fc.property(shardMap(placement), steps(placement), (start, sequence) => {
        let map = start;
        let owners = ownersIn(map, placement);
        for (const step of sequence) {
          const plan = planStep(map, step, rules);
          if (!plan.ok) continue;
          const before = owners;
          owners = moveInModel(owners, step);
          map = plan.value.next;
          expect(ownersIn(map, placement)).toEqual(owners);
          expect(transferred(plan.value, placement)).toEqual(differences(before, owners));
          expect(parseShardMap(JSON.parse(JSON.stringify(map)), rules)).toEqual({ ok: true, value: map });
        }
      }),
      { runs: 60 },
    );
  });
});

type Change = readonly [prefix: string, from: ShardId, to: ShardId];

function differences(before: Owners, after: Owners): readonly Change[] {
  return [...before].flatMap(([prefix, from]) => {
    const to = after.get(prefix);
    return to === undefined || to === from ? [] : [[prefix, from, to] as const];
  });
}

function transferred(plan: MapPlan, placement: Placement): readonly Change[] {
  return prefixesOf(placement).flatMap((prefix) =>
    plan.transfers.filter((part) => contains(part, prefix)).map(({ from, to }) => [prefix, from, to] as const),
  );
}
