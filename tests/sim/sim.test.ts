// The product's code under simulated faults: no seed breaks an invariant, the same seed is the same run, and everything is met.
// More seeds: `npm run sim -- --seeds N --from S`. ZGATE_SIM_SEEDS changes how many are run here.
import { describe, expect, it } from "vitest";
import { Coverage } from "../model/coverage.ts";
import { EXPECTED } from "./expected-coverage.ts";
import { describeFailure } from "./failure-text.ts";
import { drawScenario } from "./scenario.ts";
import { simulate } from "./simulation.ts";

/** Some minutes of a processor. With fewer, not every rare coincidence is met. */
const SEEDS = Number(process.env["ZGATE_SIM_SEEDS"] ?? "20000");

/** One seed in so many is run twice. */
const REPLAYED = 100;

const coverage = new Coverage();

describe("simulation", () => {
  it(`breaks no invariant in ${SEEDS} seeds, and repeats a seed exactly`, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const result = await simulate(drawScenario(seed));
      coverage.addAll(result.coverage);
      if (result.findings.length > 0) throw new Error(await describeFailure(result.scenario));
      if (seed % REPLAYED === 0) await replay(seed, result.digest);
    }
  });

  it("meets every change, crash point and fault", () => {
    expect(EXPECTED.filter((name) => coverage.of(name) === 0)).toEqual([]);
  });
});

async function replay(seed: number, digest: number): Promise<void> {
  const [first, second] = [
    await simulate(drawScenario(seed), { isTraced: true }),
    await simulate(drawScenario(seed), { isTraced: true }),
  ];
  expect([first.digest, second.digest], `seed ${seed}`).toEqual([digest, digest]);
  expect(second.lines, `seed ${seed}`).toEqual(first.lines);
}
