// How wrong the time is that a watched move was said to take. It must not move anything.
import { describe, expect, it } from "vitest";
import { EtaRecord, etaErrors } from "../../../bench/eta-record.ts";
import { movedSoFar, T0 } from "../cli/move-fixture.ts";

/** 100 s, a slot of 100 rows each second. */
const steady = (afterMs: number) =>
  movedSoFar(afterMs, { rows: afterMs / 10, decided: Math.floor(afterMs / 1000), slots: 100, rowsPlanned: 10_000 });

describe("a record", () => {
  it("notes what is shown once a second", () => {
    const record = new EtaRecord();
    for (let afterMs = 0; afterMs <= 12_000; afterMs += 250) record.look(steady(afterMs), T0 + afterMs);
    expect(record.notes.map(({ atMs }) => atMs - T0)).toEqual(Array.from({ length: 13 }, (_, second) => 1000 * second));
    expect(record.notes[5]).toMatchObject({ fraction: 0.05, etaMs: null });
    expect(record.notes.at(-1)).toMatchObject({ fraction: 0.12, etaMs: expect.closeTo(88_000, -2) });
  });
});

describe("the errors", () => {
  const whole = { fromMs: 0, toMs: 100_000 };
  const note = (atMs: number, etaMs: number | null, fraction = atMs / 100_000) => ({ atMs, fraction, etaMs });

  it.each([
    ["is late", note(50_000, 60_000), [10], [20]],
    ["is early", note(50_000, 40_000), [10], [20]],
    ["is right", note(20_000, 80_000), [0], [0]],
    ["says nothing", note(50_000, null), [100], [100]],
    ["comes before a tenth is done", note(5000, 1), [], []],
    ["comes in the last ten seconds", note(95_000, 6000), [1], []],
    ["comes after the end", note(100_000, 5), [], []],
  ])("of a look that %s", (_name, seen, ofWhole, ofRest) => {
    expect(etaErrors([seen], whole)).toEqual({ ofWhole, ofRest });
  });
});
