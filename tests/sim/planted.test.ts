// The simulation finds what it has to find: each planted bug within its number of seeds, and a smaller scenario with it.
// The product's functions are what they are elsewhere, with a bug around one of them.
import { afterEach, describe, expect, it, vi } from "vitest";
import { PLANTED_BUGS } from "./planted.ts";
import type { SeedKind } from "./planted-bug.ts";
import { soil } from "./planting.ts";
import { drawScenario, roughSeed, stormSeed } from "./seeds.ts";
import { shrink } from "./shrinking.ts";
import { type RunResult, simulate } from "./simulation.ts";

const SEEDS_MAX = Number(process.env["ZGATE_SIM_BUG_SEEDS"] ?? "2000");

type Importer = () => Promise<Readonly<Record<string, unknown>>>;

async function plantIn(original: Importer) {
  const { fertile } = await import("./planting.ts");
  return fertile(await original());
}

vi.mock("../../router/slot-transition.ts", plantIn);
vi.mock("../../router/slot-move.ts", plantIn);
vi.mock("../../router/ownership.ts", plantIn);
vi.mock("../../router/route-hints.ts", plantIn);
vi.mock("../../shards/mover/row-comparison.ts", plantIn);
vi.mock("../../shards/mover/slot-copy.ts", plantIn);
vi.mock("../../shards/store/decide-write.ts", plantIn);
vi.mock("../../shards/commit-outcome.ts", plantIn);
vi.mock("../../edge/shard/retry-rules.ts", plantIn);
vi.mock("./serving.ts", plantIn);
vi.mock("./wrapping.ts", plantIn);

afterEach(() => {
  soil.plant = null;
});

const SEEDS: Readonly<Record<SeedKind, (number: number) => number>> = {
  all: (number) => number,
  rough: roughSeed,
  storm: stormSeed,
};

async function firstFailure(seedOf: (number: number) => number = roughSeed): Promise<RunResult | null> {
  for (let number = 1; number <= SEEDS_MAX; number += 1) {
    const result = await simulate(drawScenario(seedOf(number)));
    if (result.findings.length > 0) return result;
  }
  return null;
}

describe("planted bugs", () => {
  it.each(PLANTED_BUGS)("$name is found: $why", async ({ name, plant, seeds }) => {
    soil.plant = plant;
    const failure = await firstFailure(SEEDS[seeds ?? "rough"]);
    if (failure === null) throw new Error(`not found in ${SEEDS_MAX} seeds`);
    const [finding] = failure.findings;
    console.info(`${name}: seed ${failure.scenario.seed}, ${finding?.invariant}: ${finding?.detail.slice(0, 200)}`);
  });

  it("makes the scenario of a bug smaller", async () => {
    soil.plant = { mayWrite: () => (slot) => slot.state === "OWNER" || slot.state === "FENCED" };
    const failure = await firstFailure();
    if (failure === null) throw new Error(`not found in ${SEEDS_MAX} seeds`);
    const smallest = await shrink(failure.scenario);
    const { findings } = await simulate(smallest);
    expect(findings).not.toEqual([]);
    expect(JSON.stringify(smallest).length).toBeLessThan(JSON.stringify(failure.scenario).length);
  });
});
