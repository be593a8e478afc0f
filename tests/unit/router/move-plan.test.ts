// Plans of moves: from map, range and both sides' slots to a plan or a reason.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EPOCH_RUNS_MAX } from "../../../router/epoch-runs.ts";
import type { CollectionName, MapVersion, ShardId } from "../../../router/ids.ts";
import {
  limitedDurationMs,
  type MoveTarget,
  parseCut,
  parseTypedRange,
  partsOf,
  planTransfer,
  slotsIn,
  targetMove,
} from "../../../router/move-plan.ts";
import { NEVER_HELD, type Ownership } from "../../../router/ownership.ts";
import type { SlotReport } from "../../../router/ownership-wire.ts";
import { contains, WHOLE_RANGE } from "../../../router/range.ts";
import { accepted } from "../../../router/result.ts";
import type { ShardMap } from "../../../router/shard-map.ts";
import { type Placement, prefixesOf, slotOf, slotsOf, sortKeyOf } from "../../../router/slot.ts";
import { holds } from "../seed.ts";
import { canonical, canonicalKey, PLACEMENTS } from "./arbitraries.ts";

const RANGE: Placement = { kind: "range", stripes: 1 };
const [S1, S2, S3] = ["shard-1", "shard-2", "shard-3"].map((id) => id as ShardId) as [ShardId, ShardId, ShardId];
const RULES = { placement: RANGE, shards: new Set([S1, S2, S3]) };

/** g to m is in two ranges of one shard. */
const MAP: ShardMap = {
  collection: "products" as CollectionName,
  version: 7 as MapVersion,
  parent: 6,
  ranges: [
    { start: "", end: "g", shard: S1 },
    { start: "g", end: "k", shard: S2 },
    { start: "k", end: "m", shard: S2 },
    { start: "m", end: "t", shard: S3 },
    { start: "t", end: null, shard: S1 },
  ],
};

describe("targetMove", () => {
  const target = (start: string, end: string | null, to: string) =>
    targetMove(MAP, { start, end, to: to as ShardId }, RULES);

  it("names the source and every slot of the range, over a cut of the map too", () => {
    const found = target("h", "l", S1);
    const slots = slotsIn(RANGE, { start: "h", end: "l" });
    expect(found).toEqual({
      ok: true,
      value: { collection: "products", start: "h", end: "l", from: S2, to: S1, parent: 7, slots },
    });
    expect(slots[0]).toBe("h");
    expect(slots.every((slot) => slot >= "h" && slot < "l")).toBe(true);
  });

  it.each([
    {
      name: "an unknown shard",
      args: ["g", "m", "shard-9"],
      reason: "UNKNOWN_SHARD",
      says: "shard-1, shard-2, shard-3",
    },
    { name: "a key inside a slot", args: ["gat", "m", S1], reason: "NOT_A_BOUNDARY", says: 'nearest are "ga" or "gb"' },
    { name: "an end inside a slot", args: ["g", "lodash", S1], reason: "NOT_A_BOUNDARY", says: '"lo" or "lp"' },
    { name: "upper case", args: ["G", "m", S1], reason: "NOT_CANONICAL", says: 'write "g"' },
    { name: "an end in upper case", args: ["g", "M", S1], reason: "NOT_CANONICAL", says: 'write "m"' },
    { name: "nothing", args: ["m", "g", S1], reason: "EMPTY_RANGE", says: "start below end" },
    { name: "what is there already", args: ["g", "m", S2], reason: "NOTHING_TO_MOVE", says: "already at shard-2" },
    {
      name: "ranges of two shards",
      args: ["k", "t", S1],
      reason: "SEVERAL_SOURCES",
      says: 'one by one: ["k", "m") at shard-2, ["m", "t") at shard-3',
    },
    {
      name: "a range that is partly there",
      args: ["a", "k", S1],
      reason: "SEVERAL_SOURCES",
      says: '["a", "g") at shard-1, ["g", "k") at shard-2',
    },
    {
      name: "one shard's ranges around another's",
      args: ["", null, S2],
      reason: "SEVERAL_SOURCES",
      says: "at shard-3",
    },
  ] as const)("refuses $name", ({ args: [start, end, to], reason, says }) => {
    expect(target(start, end, to)).toEqual({ ok: false, reason, detail: expect.stringContaining(says) });
  });
});

describe("a range of many owners", () => {
  const letters = [..."ghijklmnop"];
  const ranges = letters.map((start, index) => {
    return { start, end: letters[index + 1] ?? "q", shard: index % 2 === 0 ? S1 : S2 };
  });
  const map = { ...MAP, ranges: [{ start: "", end: "g", shard: S3 }, ...ranges, { start: "q", end: null, shard: S3 }] };

  it("is refused with the first parts alone", () => {
    const refusal = targetMove(map, { start: "g", end: "q", to: S1 }, RULES);
    const detail = expect.stringMatching(/one by one: (\["[a-z]", "[a-z]"\) at shard-[12], ){5}and 5 more$/);
    expect(refusal).toEqual({ ok: false, reason: "SEVERAL_SOURCES", detail });
  });

  it("is its parts in order, and neighbours of one owner are one", () => {
    expect(partsOf(map, { start: "h", end: "i" })).toEqual([{ start: "h", end: "i", shard: S2 }]);
    expect(partsOf(map, { start: "f", end: "q" })).toHaveLength(11);
    expect(partsOf(MAP, { start: "f", end: "n" })).toEqual([
      { start: "f", end: "g", shard: S1 },
      { start: "g", end: "m", shard: S2 },
      { start: "m", end: "n", shard: S3 },
    ]);
  });
});

describe("parseTypedRange", () => {
  it.each([
    ["g", "m"],
    ["", null],
    ["m", null],
  ])("takes %j to %j as they are", (start, end) => {
    expect(parseTypedRange(RANGE, { start, end })).toEqual(accepted({ start, end }));
  });

  it.each([
    ["M", null, "NOT_CANONICAL", 'write "m"'],
    ["g", "M", "NOT_CANONICAL", 'write "m"'],
    ["m", "g", "EMPTY_RANGE", "expected start below end"],
  ])("refuses %j to %j and says what is right", (start, end, reason, detail) => {
    const parsed = parseTypedRange(RANGE, { start, end });
    expect(parsed).toEqual({ ok: false, reason, detail: expect.stringContaining(detail) });
  });
});

describe("parseCut", () => {
  it.each(PLACEMENTS)("takes every boundary of %j as it is", (placement) => {
    for (const prefix of prefixesOf(placement).slice(1)) expect(parseCut(placement, prefix)).toEqual(accepted(prefix));
    expect(parseCut(placement, "")).toEqual(accepted(""));
  });
});

describe("slotsIn", () => {
  it.each(PLACEMENTS)("holds exactly the slots that keys of the range of %j fall into", (placement) => {
    const prefixes = prefixesOf(placement);
    const range = { start: prefixes[300] ?? "", end: prefixes[500] ?? null };
    const slots = new Set<string>(slotsIn(placement, range));
    expect(slots.size).toBe(200 * placement.stripes);
    holds(
      fc.property(canonicalKey, (key) => {
        expect(slots.has(slotOf(placement, key))).toBe(contains(range, sortKeyOf(placement, key)));
      }),
    );
    expect(slotsIn(placement, WHOLE_RANGE)).toEqual(slotsOf(placement));
  });
});

const TARGET: MoveTarget = {
  collection: MAP.collection,
  ...{ start: "ga", end: "gd", from: S2, to: S1, parent: MAP.version },
  slots: slotsIn(RANGE, { start: "ga", end: "gd" }),
};

function reports(ownerships: readonly Partial<Ownership>[]): readonly SlotReport[] {
  return ownerships.map((ownership, index) => ({
    slot: TARGET.slots[index] ?? TARGET.slots[0] ?? slotOf(RANGE, canonical("g")),
    ownership: { ...NEVER_HELD, ...ownership },
    ...{ rows: 10 * (index + 1), bytes: 1000 },
  }));
}

const owned = (...epochs: readonly number[]) => reports(epochs.map((epoch) => ({ state: "OWNER", epoch })));
const EMPTY = reports([{}, {}, {}]);

/** Seven slots, each in the same state. */
function many(ownership: Partial<Ownership>): readonly SlotReport[] {
  const slots = slotsIn(RANGE, { start: "ga", end: "gh" });
  return slots.map((slot) => ({ slot, ownership: { ...NEVER_HELD, ...ownership }, rows: 1, bytes: 1 }));
}

describe("planTransfer", () => {
  it("pins for each slot the epoch after the source's, and counts what lies there", () => {
    expect(planTransfer(TARGET, { source: owned(1, 1, 3), destination: EMPTY, freeBytes: null })).toEqual(
      accepted({
        collection: MAP.collection,
        ...{ start: "ga", end: "gd", from: S2, to: S1, parent: 7, slots: 3, rows: 60, bytes: 3000 },
        largest: { slot: "gc", rows: 30 },
        epochs: [
          { slots: 2, epoch: 2 },
          { slots: 1, epoch: 4 },
        ],
      }),
    );
  });

  it("counts nothing where nobody has weighed", () => {
    const source = owned(1, 1, 1).map(({ slot, ownership }) => ({ slot, ownership }));
    expect(planTransfer(TARGET, { source, destination: EMPTY, freeBytes: 0 })).toMatchObject({
      ok: true,
      value: { rows: 0, bytes: 0 },
    });
  });

  it("takes a destination with just enough room", () => {
    expect(planTransfer(TARGET, { source: owned(1, 1, 1), destination: EMPTY, freeBytes: 9000 }).ok).toBe(true);
  });

  it("takes a destination that had the slots before", () => {
    const destination = reports([{ state: "GONE", epoch: 4 }, { state: "ABORTED", epoch: 5 }, {}]);
    expect(planTransfer(TARGET, { source: owned(4, 6, 1), destination, freeBytes: null }).ok).toBe(true);
  });

  it.each([
    {
      name: "a slot that another move has fenced",
      source: reports([{ state: "OWNER", epoch: 1 }, { state: "FENCED", epoch: 2, move: "m-1" }, { epoch: 1 }]),
      reason: "SLOT_MOVING",
      says: '"gb" is FENCED at epoch 2 (move m-1)',
    },
    {
      name: "a slot that the source is still being given",
      source: reports([{ state: "OWNER", epoch: 1 }, { state: "RECEIVING", epoch: 2, move: "m-1" }, { epoch: 1 }]),
      reason: "SLOT_MOVING",
      says: "RECEIVING",
    },
    {
      name: "a slot that has gone elsewhere, which the map does not know yet",
      source: reports([
        { state: "OWNER", epoch: 1 },
        { state: "GONE", epoch: 2 },
        { state: "OWNER", epoch: 1 },
      ]),
      reason: "SLOT_NOT_OWNED",
      says: '"gb" is GONE at epoch 2',
    },
    { name: "a source that came back empty", source: EMPTY, reason: "SLOT_NOT_OWNED", says: "NONE" },
    { name: "an answer about fewer slots", source: owned(1, 1), reason: "SLOTS_MISSING", says: "the 3 slots" },
    { name: "slots in another order", source: owned(1, 1, 1).toReversed(), reason: "SLOTS_MISSING", says: "shard-2" },
    {
      name: "a destination that owns a slot too",
      destination: reports([{}, { state: "OWNER", epoch: 1 }, {}]),
      reason: "DESTINATION_AHEAD",
      says: '"gb" is OWNER at epoch 1',
    },
    {
      name: "a destination whose epoch is above the owner's",
      destination: reports([{}, {}, { state: "GONE", epoch: 2 }]),
      reason: "DESTINATION_AHEAD",
      says: '"gc" is GONE at epoch 2',
    },
    {
      name: "a destination that is ahead in many slots, of which it names some",
      target: { ...TARGET, slots: slotsIn(RANGE, { start: "ga", end: "gh" }) },
      source: many({ state: "OWNER", epoch: 1 }),
      destination: many({ state: "GONE", epoch: 2, move: "m-1" }),
      reason: "DESTINATION_AHEAD",
      says: '"ge" is GONE at epoch 2 (move m-1), and 2 more',
    },
    {
      name: "a destination without room",
      freeBytes: 8999,
      reason: "DESTINATION_FULL",
      says: 'expected room for 9000 bytes at shard-1, 3 times what is in ["ga", "gd"); it has 8999',
    },
    { name: "a destination that tells of nothing", destination: [], reason: "SLOTS_MISSING", says: "shard-1" },
  ] as const)("refuses $name", ({ reason, says, ...over }) => {
    const all = { target: TARGET, source: owned(1, 1, 1), destination: EMPTY, freeBytes: null, ...over };
    expect(planTransfer(all.target, all)).toEqual({ ok: false, reason, detail: expect.stringContaining(says) });
  });

  it("refuses more runs of epochs than a move can hold, and says what to do", () => {
    const placement = { kind: "range", stripes: 7 } as const;
    const slots = slotsOf(placement);
    expect(slots.length).toBeGreaterThan(EPOCH_RUNS_MAX);
    const target = { ...TARGET, start: "", end: null, slots };
    const source = slots.map((slot, index) => ({
      slot,
      ownership: { ...NEVER_HELD, state: "OWNER" as const, epoch: 1 + (index % 2) },
    }));
    const destination = slots.map((slot) => ({ slot, ownership: NEVER_HELD }));
    const refusal = { ok: false, reason: "TOO_MANY_EPOCHS", detail: expect.stringContaining("a smaller range") };
    expect(planTransfer(target, { source, destination, freeBytes: null })).toEqual(refusal);
  });
});

describe("limitedDurationMs", () => {
  it.each([
    { name: "no limit", limits: { rowsPerSecond: null, bytesPerSecond: null }, expected: null },
    { name: "rows", limits: { rowsPerSecond: 500, bytesPerSecond: null }, expected: 20_000 },
    { name: "bytes", limits: { rowsPerSecond: null, bytesPerSecond: 1000 }, expected: 4_000_000 },
    { name: "the slower of both", limits: { rowsPerSecond: 1, bytesPerSecond: 1_000_000 }, expected: 10_000_000 },
  ])("by $name", ({ limits, expected }) => {
    expect(limitedDurationMs({ rows: 10_000, bytes: 4_000_000 }, limits)).toBe(expected);
  });
});
