// A move's progress as text and back, and the histogram of its pauses.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ACTIVE_MAX,
  addPause,
  formatProgress,
  type MoveProgress,
  NO_PAUSES,
  newProgress,
  parseProgress,
  pauseQuantile,
  pausesUpTo,
} from "../../../router/move-progress.ts";
import { accepted } from "../../../router/result.ts";
import { holds } from "../seed.ts";

/** The catalog's limit for the text, in bytes. */
const BYTES_MAX = 4096;

const pausesOf = (durations: readonly number[]) => durations.reduce(addPause, NO_PAUSES);

describe("parseProgress", () => {
  it("takes what was formatted, and nothing for a move that nobody has begun", () => {
    const progress = { ...newProgress(7, 100, 5), pause: pausesOf([1, 20]) };
    expect(parseProgress(formatProgress(progress))).toEqual(accepted(progress));
    expect(parseProgress("")).toEqual(accepted(null));
  });

  it.each([
    "null",
    "1",
    "[]",
    "{}",
    '{"slots":1}',
    '{"slots":"1","pause":{"counts":[]}}',
    '{"slots":1,"pause":{}}',
    "{",
  ])("refuses %s", (text) => {
    expect(parseProgress(text)).toEqual({ ok: false, reason: "NOT_PROGRESS", detail: expect.stringContaining("got") });
  });
});

describe("formatProgress", () => {
  it("stays below the catalog's limit, whatever has happened", () => {
    const active = Array.from({ length: 100 }, (_, index) => ({
      ...{ slot: `slot-${index}`, phase: "copying" as const, rows: 1e9 },
    }));
    const durations = Array.from({ length: 250 }, (_, index) => 1.05 ** index);
    const progress: MoveProgress = {
      ...newProgress(1, 1, 1),
      active,
      pause: pausesOf(durations),
      trouble: "x".repeat(9999),
    };
    const text = formatProgress(progress);
    expect(Buffer.byteLength(text)).toBeLessThan(BYTES_MAX);
    expect(parseProgress(text)).toMatchObject({ ok: true, value: { active: { length: ACTIVE_MAX } } });
  });
});

describe("a histogram of pauses", () => {
  const duration = fc.double({ min: 0.2, max: 1e7, noNaN: true });

  it("knows each quantile within 5 %, and the greatest exactly", () => {
    holds(
      fc.property(fc.array(duration, { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (all, quantile) => {
        const sorted = all.toSorted((left, right) => left - right);
        const exact = sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? 0;
        const said = pauseQuantile(pausesOf(all), quantile);
        expect(said).toBeGreaterThanOrEqual(exact * 0.999_999);
        expect(said).toBeLessThanOrEqual(exact * 1.050_001);
        expect(pauseQuantile(pausesOf(all), 1)).toBe(sorted.at(-1));
      }),
    );
  });

  it("counts each duration in one of the ranges", () => {
    expect(pausesUpTo(pausesOf([0.05, 0.5, 5, 6, 50, 5000]), [1, 10, 100])).toEqual([2, 2, 1, 1]);
    expect(pausesUpTo(NO_PAUSES, [1, 10])).toEqual([0, 0, 0]);
    expect(pauseQuantile(NO_PAUSES, 0.5)).toBe(0);
    holds(
      fc.property(fc.array(duration), (all) => {
        expect(pausesUpTo(pausesOf(all), [1, 10, 100]).reduce((sum, count) => sum + count, 0)).toBe(all.length);
      }),
    );
  });
});
