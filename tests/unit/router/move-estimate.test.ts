// How long a move is thought to take: by limits, by moves between the same shards, by any others, or by nothing.
import { describe, expect, it } from "vitest";
import type { ShardId } from "../../../router/ids.ts";
import { estimateMove, type MoveExperience, SLOT_ROWS } from "../../../router/move-estimate.ts";

const [S1, S2, S3] = ["shard-1", "shard-2", "shard-3"].map((id) => id as ShardId) as [ShardId, ShardId, ShardId];
const NO_LIMIT = { rowsPerSecond: null, bytesPerSecond: null };
const PLAN = { from: S1, to: S2, slots: 40, rows: 9000, bytes: 1_000_000 };

/** A thousand rows' worth of work a second. */
const there: MoveExperience = { from: S1, to: S2, wasLimited: false, slots: 80, rows: 8000, durationMs: 10_000 };
const back: MoveExperience = { ...there, from: S2, to: S1, durationMs: 20_000 };
const elsewhere: MoveExperience = { ...there, from: S2, to: S3, durationMs: 40_000 };
const limited: MoveExperience = { ...there, wasLimited: true, durationMs: 800_000 };

describe("an estimate", () => {
  it.each([
    { name: "nothing", limits: NO_LIMIT, ended: [], expected: null },
    { name: "moves that had limits", limits: NO_LIMIT, ended: [limited], expected: null },
    {
      name: "the moves between the same shards alone",
      limits: NO_LIMIT,
      ended: [limited, elsewhere, there, back],
      expected: { ms: 10_000, basis: { kind: "same-shards", moves: 1 } },
    },
    {
      name: "several of them, by all that they moved",
      limits: NO_LIMIT,
      ended: [there, { ...there, slots: 8, rows: 800, durationMs: 12_000 }],
      expected: { ms: 20_000, basis: { kind: "same-shards", moves: 2 } },
    },
    {
      name: "moves between others, where there are none",
      limits: NO_LIMIT,
      ended: [back, elsewhere, limited],
      expected: { ms: 30_000, basis: { kind: "collection", moves: 2 } },
    },
    {
      name: "the limits, where nothing else is known",
      limits: { rowsPerSecond: 500, bytesPerSecond: null },
      ended: [limited],
      expected: { ms: 18_000, basis: { kind: "limits" } },
    },
    {
      name: "the limits, where they are slower",
      limits: { rowsPerSecond: null, bytesPerSecond: 50_000 },
      ended: [there],
      expected: { ms: 20_000, basis: { kind: "limits" } },
    },
    {
      name: "earlier moves, where those were slower than the limits",
      limits: { rowsPerSecond: 100_000, bytesPerSecond: null },
      ended: [there],
      expected: { ms: 10_000, basis: { kind: "same-shards", moves: 1 } },
    },
  ])("stands on $name", ({ limits, ended, expected }) => {
    expect(estimateMove(PLAN, limits, ended)).toEqual(expected);
  });

  it("looks at the latest five alone", () => {
    const old = Array.from({ length: 10 }, () => ({ ...there, durationMs: 1_000_000 }));
    expect(estimateMove(PLAN, NO_LIMIT, [there, there, there, there, there, ...old])).toEqual({
      ms: 10_000,
      basis: { kind: "same-shards", moves: 5 },
    });
  });

  it("gives slots their time where there are no rows", () => {
    const empty = { ...there, rows: 0, durationMs: 80 * SLOT_ROWS };
    expect(estimateMove({ ...PLAN, rows: 0 }, NO_LIMIT, [empty])?.ms).toBe(40 * SLOT_ROWS);
  });

  it("is none where the moves before had nothing to move", () => {
    expect(estimateMove(PLAN, NO_LIMIT, [{ ...there, slots: 0, rows: 0 }])).toBeNull();
  });
});
