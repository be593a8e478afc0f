// When a dead worker is started again, and when it is given up.
import { expect, test } from "vitest";
import { afterDeath, afterHealthy, NO_DEATHS, type RespawnHistory } from "../../../shards/cluster/respawn-policy.ts";

const LIMITS = { delayMsFirst: 100, delayMsMax: 1000, deathsMax: 7, windowMs: 30_000, healthyMs: 2000 };

/** Delays of deaths at these times; "give up" ends them. */
function delaysOf(timesMs: readonly number[]): readonly (number | "give-up")[] {
  let history: RespawnHistory = NO_DEATHS;
  return timesMs.map((nowMs) => {
    const step = afterDeath(history, nowMs, LIMITS);
    if (step.kind === "give-up") return step.kind;
    history = step.history;
    return step.delayMs;
  });
}

test("delays double up to the limit, then the crew is given up", () => {
  expect(delaysOf([0, 1, 2, 3, 4, 5, 6])).toEqual([100, 200, 400, 800, 1000, 1000, "give-up"]);
});

test("deaths further apart than the window never add up", () => {
  expect(delaysOf([0, 30_000, 60_000, 90_000])).toEqual([100, 100, 100, 100]);
});

test("only the deaths within the window count", () => {
  expect(delaysOf([0, 10_000, 20_000, 30_000, 40_000])).toEqual([100, 200, 400, 400, 400]);
});

test("a worker that got healthy wipes out what was before", () => {
  const first = afterDeath(NO_DEATHS, 0, LIMITS);
  expect(first).toMatchObject({ kind: "respawn", delayMs: 100 });
  expect(afterDeath(afterHealthy(), 1, LIMITS)).toMatchObject({ kind: "respawn", delayMs: 100 });
});
