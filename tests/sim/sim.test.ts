// The product's code under simulated faults: no seed breaks an invariant, the same seed is the same run, and everything is met.
// More seeds: `npm run sim -- --seeds N --from S`. ZGATE_SIM_SEEDS changes how many are run here.
import { describe, expect, it } from "vitest";
import { EXPECTED } from "./expected-coverage.ts";
import { runOnThreads } from "./seed-crew.ts";

/** Some minutes of a processor. With fewer, not every rare coincidence is met. */
const SEEDS = Number(process.env["ZGATE_SIM_SEEDS"] ?? "20000");

/** One seed in so many is run three times. Odd, so that every kind of seed is among them. */
const REPLAYED = 99;

/** The names of what was met at least once. */
let met: ReadonlySet<string> = new Set();

describe("simulation", () => {
  it(`breaks no invariant in ${SEEDS} seeds, and repeats a seed exactly`, async () => {
    const { failure, coverage } = await runOnThreads({ from: 1, seeds: SEEDS, replayedEvery: REPLAYED });
    if (failure !== null) throw new Error(failure);
    met = new Set(coverage.map(([name]) => name));
  });

  it("meets every change, crash point and fault", () => {
    expect(EXPECTED.filter((name) => !met.has(name))).toEqual([]);
  });
});
