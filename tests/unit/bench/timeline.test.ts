// Requests second by second. Must not wait for a second.
import { expect, it } from "vitest";
import { secondsOf } from "../../../bench/timeline.ts";

it("counts what ended in each whole second, with its slowest hundredth", () => {
  const requests = [
    { startedAtMs: 1000, endedAtMs: 1010 },
    { startedAtMs: 1990, endedAtMs: 2030 },
    { startedAtMs: 3990, endedAtMs: 4001 },
  ];
  expect(secondsOf(requests, { fromMs: 1000, toMs: 4500 })).toEqual([
    { second: 0, requests: 1, latencyP99Ms: 10 },
    { second: 1, requests: 1, latencyP99Ms: 40 },
    { second: 2, requests: 0, latencyP99Ms: null },
  ]);
});

it("has no second in less than one", () => {
  expect(secondsOf([], { fromMs: 0, toMs: 999 })).toEqual([]);
});
