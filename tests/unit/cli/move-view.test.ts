// What people see of a move: how far, how fast, how long still.
import { describe, expect, it } from "vitest";
import { reportLines, reportOf } from "../../../cli/moves/move-report.ts";
import { addSample, experienceOf, lineOf, linesOf, type PaceSample, viewOf } from "../../../cli/moves/move-view.ts";
import { bytesText, describePlan, durationText } from "../../../cli/moves/plan-move.ts";
import type { SlotId } from "../../../router/ids.ts";
import { addPause, type MoveProgress, NO_PAUSES, type PauseHistogram } from "../../../router/move-progress.ts";
import type { Move } from "../../../shards/catalog/port.ts";
import { liveMove, movedSoFar, T0 } from "./move-fixture.ts";

const seen = (moves: readonly Move[]): readonly PaceSample[] => moves.reduce<readonly PaceSample[]>(addSample, []);
const viewAt = (afterMs: number, moves: readonly Move[]) =>
  viewOf(moves.at(-1) ?? liveMove(), seen(moves), T0 + afterMs);

/** A move at a steady pace of both rows and slots: 100 s in all. */
const steady = (afterMs: number): Move =>
  movedSoFar(afterMs, { rows: afterMs / 10, decided: Math.floor(afterMs / 1000) });

/** Slots that hold nothing take time too; here as much as the view believes: 100 slots of 100 rows, then as many empty ones. */
const unevenTotalMs = 200 * 25 + 10_000;
function uneven(afterMs: number): Move {
  const decided = afterMs <= 12_500 ? Math.floor(afterMs / 125) : 100 + Math.floor((afterMs - 12_500) / 25);
  const rows = Math.min(10_000, Math.max(0, afterMs - 25 * decided));
  return movedSoFar(afterMs, { slots: 200, decided, rows });
}

describe("the time that is left", () => {
  it.each([10, 20, 50, 90])(
    "is right within a tenth at %i %% of a steady move, for who has just begun to look",
    (percent) => {
      const afterMs = percent * 1000;
      const { etaMs } = viewAt(afterMs, [steady(afterMs)]);
      expect(Math.abs((etaMs ?? 0) - (100_000 - afterMs))).toBeLessThanOrEqual(10_000);
    },
  );

  it.each([15, 40, 80])("is right within a tenth at %i %% when full and empty slots take turns", (percent) => {
    const afterMs = (percent * unevenTotalMs) / 100;
    const { etaMs } = viewAt(afterMs, [uneven(afterMs)]);
    expect(Math.abs((etaMs ?? 0) - (unevenTotalMs - afterMs))).toBeLessThanOrEqual(unevenTotalMs / 10);
  });

  it("follows a change of pace once it was seen for a while", () => {
    const slowed = (afterMs: number) =>
      movedSoFar(40_000 + afterMs, { rows: 4000 + afterMs / 100, decided: 40 + afterMs / 10_000 });
    const moves = [40_000, 50_000, 60_000, 70_000].map((_, index) => slowed(index * 20_000));
    const { etaMs, rowsPerSecond } = viewAt(100_000, moves);
    expect(rowsPerSecond).toBeCloseTo(10);
    const back = [...moves, movedSoFar(101_000, { decided: 10, rows: 0 })];
    expect(viewAt(101_000, back).rowsPerSecond, "rows that are given back are no speed").toBe(0);
    expect(etaMs).toBeGreaterThan(500_000);
  });

  it.each([
    ["rows", { rowsPerSecond: 100, bytesPerSecond: null }],
    ["bytes", { rowsPerSecond: null, bytesPerSecond: 5000 }],
  ])("goes by the rows alone where a limit of %s makes them slow, and slots are not", (_name, limits) => {
    const settings = { ...liveMove().settings, ...limits };
    // All slots but the last are over, and most of them were empty: 20 s for the rows, 2 s for the slots.
    const seenSoFar = { slots: 1000, decided: 999, rows: 2000, bytes: 100_000 };
    const { fraction, etaMs } = viewAt(22_000, [movedSoFar(22_000, seenSoFar, { settings })]);
    expect(fraction).toBeCloseTo(0.2, 1);
    expect(etaMs).toBeGreaterThan(75_000);
    expect(etaMs).toBeLessThan(85_000);
  });

  it("goes by a lower limit at once, and forgets the pace of other limits", () => {
    const settings = { ...liveMove().settings, rowsPerSecond: 25 };
    const before = [10_000, 20_000, 30_000].map((afterMs) => steady(afterMs));
    const after = (afterMs: number) =>
      movedSoFar(30_000 + afterMs, { rows: 3000 + afterMs / 40, decided: 30 + afterMs / 4000 }, { settings });
    const { rowsPerSecond, etaMs } = viewAt(31_000, [...before, after(1000)]);
    expect(rowsPerSecond).toBe(25);
    expect(Math.abs((etaMs ?? 0) - 280_000)).toBeLessThan(40_000);
    const faster = [1000, 12_000].map((afterMs) =>
      movedSoFar(31_000 + afterMs, { rows: 3000 + afterMs / 10, decided: 30 + Math.floor(afterMs / 1000) }),
    );
    expect(viewAt(43_000, [...before, after(1000), ...faster]).rowsPerSecond).toBeCloseTo(100);
  });

  it("does not come to an end while clients add rows and slots are left", () => {
    // Planned were 10,000; by half of the slots there are as many.
    const growing = (afterMs: number) =>
      movedSoFar(afterMs, { rows: afterMs / 5, decided: Math.floor(afterMs / 1000) });
    const { fraction, etaMs } = viewAt(60_000, [growing(60_000)]);
    expect(fraction).toBeLessThan(0.8);
    expect(etaMs).toBeGreaterThan(20_000);
    expect(viewAt(100_000, [growing(100_000)])).toMatchObject({ fraction: 1, etaMs: 0 });
  });

  it("goes on while the progress is a moment old, and stands still when nobody tells of it any more", () => {
    const moves = [steady(50_000)];
    const etaAfter = (ms: number) => viewAt(50_000 + ms, moves).etaMs ?? 0;
    expect(etaAfter(0) - etaAfter(900)).toBe(900);
    expect(etaAfter(0) - etaAfter(60_000)).toBe(2000);
    expect(etaAfter(-5000), "the runner's clock is ahead").toBe(etaAfter(0));
  });

  it("goes by slots when the destination has nearly all rows from an earlier move", () => {
    const { fraction, etaMs } = viewAt(30_000, [movedSoFar(30_000, { rows: 3, decided: 30 })]);
    expect(fraction).toBeCloseTo(0.3);
    expect(etaMs).toBeCloseTo(70_000, -3);
  });

  it("goes by slots when nobody counted the rows", () => {
    expect(viewAt(50_000, [movedSoFar(50_000, { rowsPlanned: 0, rows: 7, decided: 25 })]).fraction).toBe(0.25);
  });

  it("counts what earlier runners took", () => {
    const { etaMs } = viewAt(2000, [movedSoFar(2000, { rows: 5000, decided: 50, elapsedMs: 98_000 })]);
    expect(etaMs).toBeCloseTo(100_000, -2);
  });

  it("is not told before anything is known", () => {
    expect(viewAt(500, [movedSoFar(500, { rows: 100, decided: 1 })]).etaMs).toBeNull();
    expect(viewAt(5000, [movedSoFar(5000, {})]).etaMs).toBeNull();
    expect(viewAt(5000, [liveMove()])).toMatchObject({ etaMs: null, fraction: 0, progress: null });
  });

  it("is not told below a tenth, nor while something is in the way", () => {
    expect(viewAt(9000, [movedSoFar(9000, { rows: 900, decided: 9 })]).etaMs).toBeNull();
    const trouble = "shard-1 cannot be asked";
    expect(viewAt(50_000, [movedSoFar(50_000, { rows: 5000, decided: 50, trouble })]).etaMs).toBeNull();
  });
});

describe("a move of one large slot", () => {
  const active = [{ slot: "ga", phase: "copying", rows: 100_000 }] as const;
  const large = (afterMs: number, progress: Partial<MoveProgress>) =>
    movedSoFar(afterMs, { slots: 1, rowsPlanned: 100_000, active, ...progress });
  const paceOf = (moves: readonly Move[]) => linesOf(viewAt(40_000, moves))[1]?.replace(/^\[.*\] /, "");

  it("compares when its rows are copied, and nobody knows how long", () => {
    expect(paceOf([large(20_000, { rows: 100_000 })])).toBe(
      "99 %  0 of 1 slots, 100,000 rows, 5,000 rows/s, comparing",
    );
    expect(paceOf([large(30_000, { rows: 100_300 })])).toMatch(/comparing$/);
    expect(paceOf([large(30_000, { rows: 100_300, trouble: "shard-1 cannot be asked" })])).toMatch(/rows\/s$/);
  });

  it("compares behind others too, unless it is small beside them", () => {
    const last = (rows: number) =>
      movedSoFar(50_000, { decided: 99, rows: 10_000, active: [{ slot: "lz", phase: "cutover", rows }] });
    expect(lineOf(viewAt(50_000, [last(2000)]))).toMatch(/comparing$/);
    expect(lineOf(viewAt(50_000, [last(100)]))).toMatch(/about 1 s left$/);
  });

  it("has no time while no slot shows what comes behind the copy", () => {
    expect(paceOf([large(10_000, { rows: 50_000 })])).toBe("49 %  0 of 1 slots, 50,000 rows, 5,000 rows/s");
  });

  it("has no time while the rows that the destination has from an earlier move are compared", () => {
    const moves = [20_000, 30_000, 40_000].map((afterMs) => large(afterMs, { rows: afterMs / 5000 }));
    expect(paceOf(moves)).toBe("0 %  0 of 1 slots, 8 rows, 0 rows/s");
  });

  it("behind others has none either, as soon as it stands nearly still", () => {
    const behind = (afterMs: number) =>
      movedSoFar(afterMs, { slots: 3, decided: 2, rowsPlanned: 100_000, rows: 50_000 + afterMs / 20_000, active });
    expect(viewAt(40_000, [behind(20_000), behind(40_000)]).etaMs).toBeNull();
    expect(viewAt(40_000, [behind(40_000)]).etaMs).toBeCloseTo(40_000, -4);
  });
});

describe("samples", () => {
  it("are kept once each, for a minute, and begin anew with a runner whose clock is behind", () => {
    const moves = [0, 30_000, 30_000, 61_000].map((afterMs) => steady(afterMs));
    expect(seen(moves).map(({ atMs }) => atMs - T0)).toEqual([30_000, 61_000]);
    expect(seen([...moves, steady(5000)]).map(({ atMs }) => atMs - T0)).toEqual([5000]);
  });
});

const PAUSES: PauseHistogram = [0.5, 3, 3, 3, 3, 40, 2000].reduce(addPause, NO_PAUSES);

describe("a move for people", () => {
  it("is a title, a bar, what is under way, and the pauses", () => {
    const active = [
      { slot: "ga", phase: "copying", rows: 1204 },
      { slot: "gb", phase: "cutover", rows: 310 },
    ] as const;
    const move = movedSoFar(50_000, { rows: 5000, decided: 50, active, pause: PAUSES });
    expect(linesOf(viewAt(50_100, [move]))).toEqual([
      'move 1f3a9c2b  products ["g", "m")  shard-1 -> shard-2  running',
      "[############------------] 50 %  50 of 100 slots, 5,000 rows, 100 rows/s, about 50 s left",
      '  "ga"      copying   1,204 rows',
      '  "gb"      cutover   310 rows',
      "pauses of writers: p50 3.0 ms, p99 2000.0 ms, max 2000.0 ms",
      "     <= 1 ms  ######## 1",
      "     <= 5 ms  ############################## 4",
      "    <= 50 ms  ######## 1",
      "   > 1000 ms  ######## 1",
    ]);
  });

  it("says what it waits for: trouble, and a runner that is not heard of", () => {
    const move = movedSoFar(50_000, { rows: 5000, decided: 50, trouble: "shard-1 does not answer" });
    const lines = linesOf(viewAt(90_000, [move]));
    expect(lines.slice(2)).toEqual(["waits: no sign of shard-2 for 40 s", "waits: shard-1 does not answer"]);
    expect(linesOf(viewAt(51_000, [move])).slice(2)).toEqual(["waits: shard-1 does not answer"]);
  });

  it.each([
    ["aborted", { decided: 56, aborted: 4, rows: 5600 }, "56 of 100 slots moved, 44 stayed, 5,600 rows"],
    ["aborted", {}, "0 of 100 slots moved, 100 stayed, 0 rows"],
    ["done", { decided: 100, rows: 9990 }, "100 of 100 slots moved, 9,990 rows"],
  ] as const)("that has ended has no bar, but says what went over and what stayed: %s, %o", (state, progress, text) => {
    expect(linesOf(viewAt(90_000, [movedSoFar(50_000, progress, { state })]))[1]).toBe(text);
  });

  it("is one line where lines cannot be rewritten", () => {
    expect(lineOf(viewAt(0, [liveMove()]))).toBe("1f3a9c2b running, not begun by shard-2 yet");
    const aborting = movedSoFar(50_000, { rows: 5000, decided: 40, aborted: 10 }, { state: "aborting" });
    expect(lineOf(viewAt(50_000, [aborting]))).toBe(
      "1f3a9c2b aborting, 40 of 100 slots, 10 given back, 5,000 rows, 100 rows/s, about 50 s left",
    );
    const ended = movedSoFar(99_000, { rows: 10_000, decided: 100 }, { state: "done" });
    expect(lineOf(viewAt(999_000, [ended]))).toBe("1f3a9c2b done, 100 of 100 slots, 10,000 rows");
  });
});

describe("the report of an ended move", () => {
  it("is one document", () => {
    const ended = movedSoFar(
      60_000,
      { rows: 10_010, bytes: 2048, decided: 100, pause: PAUSES, elapsedMs: 5000 },
      { state: "done" },
    );
    const report = reportOf(ended);
    expect(report).toEqual({
      ...{ id: ended.id, state: "done", collection: "products", start: "g", end: "m", from: "shard-1", to: "shard-2" },
      ...{ slots: 100, rows: 10_010, bytes: 2048, durationMs: 65_000 },
      pauseMs: { p50: expect.any(Number), p99: 2000, max: 2000, cutovers: 7 },
    });
    expect(report.pauseMs.p50).toBeGreaterThan(2.8);
    expect(report.pauseMs.p50).toBeLessThan(3.2);
    expect(reportLines(ended)[1]).toBe("  100 slots, 10,010 rows, 2.0 KiB in 1:05");
  });

  it("says of how many slots nobody has seen the whole pause", () => {
    const lineFor = (decided: number, pause: PauseHistogram) =>
      reportLines(movedSoFar(60_000, { decided, pause }, { state: "done" }))[2];
    expect(lineFor(7, PAUSES)).toBe("  pauses of writers: p50 3.0 ms, p99 2000.0 ms, max 2000.0 ms");
    expect(lineFor(9, PAUSES)).toMatch(/max 2000.0 ms \(not of 2 slots, whose cutover was interrupted\)$/);
    expect(lineFor(3, NO_PAUSES)).toBe("  pauses of writers: not seen (not of 3 slots, whose cutover was interrupted)");
    expect(lineFor(0, NO_PAUSES)).toBeUndefined();
  });

  it("of a move that nobody began is one as well", () => {
    const aborted = liveMove({ state: "aborted", changedAtMs: T0 + 700 });
    expect(reportOf(aborted)).toMatchObject({
      slots: 0,
      rows: 0,
      pauseMs: { p50: 0, p99: 0, max: 0, cutovers: 0 },
      durationMs: 700,
    });
  });
});

describe("a plan for people", () => {
  const { settings, ...move } = liveMove();
  const plan = { ...move, slots: 264, rows: 52_310, bytes: 9_000_000, largest: null };

  const byLimits = { ms: 104_620, basis: { kind: "limits" } } as const;

  it("says slots, rows, bytes and how long it takes at least", () => {
    const limited = { ...settings, rowsPerSecond: 500, bytesPerSecond: 4 * 1024 * 1024, retentionMs: 86_400_000 };
    expect(describePlan({ ...plan, settings: limited, shortestMs: 104_620, expected: byLimits })).toEqual([
      'move products ["g", "m") from shard-1 to shard-2, map version 1',
      "  264 slots, 52,310 rows, 8.6 MiB",
      "  4 slots at once, at most 500 rows/s and 4.0 MiB/s",
      "  expected time: at least 1:45, by the limit",
      "  the rows stay at shard-1 for 24h afterwards",
    ]);
  });

  it.each([
    ["unknown (no move of products without a limit is done yet)", null],
    [
      "about 10 s, by the last move of products from shard-1 to shard-2",
      { ms: 9500, basis: { kind: "same-shards", moves: 1 } },
    ],
    [
      "about 2:00, by the last 3 moves of products between any shards",
      { ms: 120_000, basis: { kind: "collection", moves: 3 } },
    ],
  ] as const)("says that it takes %s", (text, expected) => {
    const lines = describePlan({ ...plan, settings, shortestMs: null, expected });
    expect(lines.slice(2, 4)).toEqual(["  4 slots at once, no limit", `  expected time: ${text}`]);
  });

  it("names the fullest slot when its clients would feel that", () => {
    const named = (rows: number) =>
      describePlan({ ...plan, largest: { slot: "hq" as SlotId, rows }, settings, shortestMs: null, expected: null })[2];
    expect(named(49_999)).toMatch(/slots at once/);
    expect(named(50_000)).toMatch(/^ {2}the slot "hq" has 50,000 of them: its clients wait .* 503 SLOT_MOVING$/);
  });

  it("learns from moves that have moved their whole range, whoever counted its rows", () => {
    const done = (progress: Partial<MoveProgress>, change: Partial<Move> = {}) =>
      experienceOf(movedSoFar(5000, { decided: 100, rows: 12_000, ...progress }, { state: "done", ...change }));
    const { from, to, settings } = liveMove();
    expect(done({})).toEqual({ from, to, wasLimited: false, slots: 100, rows: 10_000, durationMs: 5000 });
    expect(done({}, { settings: { ...settings, bytesPerSecond: 10 } })).toMatchObject({ wasLimited: true });
    expect(done({ wasLimited: true })).toMatchObject({ wasLimited: true });
    expect(done({ rowsPlanned: 0 })).toMatchObject({ rows: 12_000 });
    expect(done({ decided: 99 })).toBeNull();
    expect(done({ elapsedMs: 1 })).toBeNull();
    expect(done({ updatedAtMs: T0 })).toBeNull();
    expect(done({}, { state: "running" })).toBeNull();
    expect(done({}, { progress: "" })).toBeNull();
  });

  it.each([
    [0, "0s"],
    [90_000, "90s"],
    [86_400_000, "24h"],
    [172_800_000, "2d"],
    [1500, "1500ms"],
  ])("writes %i ms as %s", (ms, text) => expect(durationText(ms)).toBe(text));

  it.each([
    [512, "512 B"],
    [3482, "3.4 KiB"],
    [1_610_612_736, "1.5 GiB"],
  ])("writes %i bytes as %s", (bytes, text) => expect(bytesText(bytes)).toBe(text));
});
