// What a runner of a move counts: rows once, whoever brought them, and what a runner before it has counted.
import { expect, test } from "vitest";
import type { SlotId } from "../../../router/ids.ts";
import { formatProgress, parseProgress } from "../../../router/move-progress.ts";
import { MoveTally } from "../../../shards/mover/move-tally.ts";

const [A, B, C] = ["la", "lb", "lc"].map((slot) => slot as SlotId) as [SlotId, SlotId, SlotId];

/** The next runner's tally, from what this one has written. */
function takeOver(tally: MoveTally): MoveTally {
  const written = parseProgress(formatProgress(tally.progress(5)));
  return new MoveTally(3, written.ok ? written.value : null, 10);
}

test("rows count as they come, and once: a slot that is copied anew begins from nothing", () => {
  const tally = new MoveTally(3, null, 0);
  tally.begin(A, "copying");
  tally.copying(A);
  tally.copied(A, { rows: 100, bytes: 1000 });
  tally.copied(A, { rows: 20, bytes: 200 });
  expect(tally.progress(1)).toMatchObject({
    rows: 120,
    bytes: 1200,
    active: [{ slot: A, phase: "copying", rows: 120 }],
  });
  tally.left(A);
  expect(tally.progress(1)).toMatchObject({ rows: 120, active: [] });
  tally.begin(A, "copying");
  tally.copying(A);
  tally.copied(A, { rows: 120, bytes: 1200 });
  tally.fenced(A);
  expect(tally.progress(1)).toMatchObject({
    rows: 120,
    bytes: 1200,
    active: [{ slot: A, phase: "cutover", rows: 120 }],
  });
  tally.ended(A, "decided", 3);
  tally.left(A);
  expect(tally.progress(1)).toMatchObject({ rows: 120, bytes: 1200, decided: 1, aborted: 0, active: [] });
});

test("rows of a slot that stays do not count", () => {
  const tally = new MoveTally(3, null, 0);
  tally.begin(A, "copying");
  tally.copied(A, { rows: 7, bytes: 70 });
  tally.ended(A, "aborted", null);
  expect(tally.progress(1)).toMatchObject({ rows: 0, bytes: 0, decided: 0, aborted: 1 });
});

test("a runner goes on from what the one before it has written", () => {
  const first = new MoveTally(3, null, 0);
  for (const slot of [A, B, C]) {
    first.begin(slot, "copying");
    first.copied(slot, { rows: 10, bytes: 100 });
  }
  first.ended(A, "decided", 3);
  first.left(A);
  const second = takeOver(first);
  expect(second.progress(10)).toMatchObject({ rows: 30, bytes: 300, decided: 1, elapsedMs: 10 });
  second.recount();
  expect(second.progress(10)).toMatchObject({ rows: 30, decided: 0 });
  // Found decided at a look: what was copied of it is there.
  second.ended(A, "decided", null);
  second.ended(B, "decided", null);
  // Copied once more.
  second.begin(C, "copying");
  second.copying(C);
  expect(second.progress(10)).toMatchObject({ rows: 20, bytes: 200, decided: 2 });
  second.copied(C, { rows: 11, bytes: 110 });
  second.ended(C, "decided", 4);
  expect(second.progress(10)).toMatchObject({ rows: 31, bytes: 310, decided: 3 });
});

test("a runner whose clock is behind counts no time back", () => {
  const first = new MoveTally(3, null, 0);
  const written = parseProgress(formatProgress(first.progress(50)));
  expect(new MoveTally(3, written.ok ? written.value : null, 20).progress(20).elapsedMs).toBe(50);
});

test("a range that nobody has counted is to be counted by the next runner", () => {
  const first = new MoveTally(3, null, 0);
  expect([first.isUnplanned, takeOver(first).isUnplanned]).toEqual([true, true]);
  first.plan(9);
  expect([first.isUnplanned, takeOver(first).isUnplanned]).toEqual([false, false]);
});

test("a limit is remembered, also by whoever comes later", () => {
  const tally = new MoveTally(3, null, 0);
  tally.limits({ rowsPerSecond: null, bytesPerSecond: null });
  expect(tally.progress(1).wasLimited).toBe(false);
  tally.limits({ rowsPerSecond: null, bytesPerSecond: 9 });
  tally.limits({ rowsPerSecond: null, bytesPerSecond: null });
  expect(tally.progress(1).wasLimited).toBe(true);
  expect(takeOver(tally).progress(11).wasLimited).toBe(true);
});
