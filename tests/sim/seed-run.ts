// Seeds one after the other: each breaks no invariant, and some are run again to see that the same seed is the same run.
// Must not know which thread it is in.
import { Coverage } from "../model/coverage.ts";
import { describeFailure } from "./failure-text.ts";
import { drawScenario } from "./seeds.ts";
import { simulate } from "./simulation.ts";

/** Seeds from `from` on. */
export interface SeedRange {
  readonly from: number;
  readonly seeds: number;
  /** One seed in so many is run three times; none if not given. */
  readonly replayedEvery?: number;
}

/** What came of them. `failure`: of the seed that ended it. */
export interface SeedsResult {
  readonly coverage: readonly (readonly [name: string, count: number])[];
  readonly events: number;
  readonly operations: number;
  readonly failure: string | null;
}

/** Runs them; the first that fails is the last. `onTrace` is told what happened in each. */
export async function runSeeds(range: SeedRange, onTrace?: (lines: readonly string[]) => void): Promise<SeedsResult> {
  const { from, seeds, replayedEvery = Number.POSITIVE_INFINITY } = range;
  const coverage = new Coverage();
  const sums = { events: 0, operations: 0 };
  let failure: string | null = null;
  for (let seed = from; seed < from + seeds && failure === null; seed += 1) {
    const result = await simulate(drawScenario(seed), { isTraced: onTrace !== undefined });
    onTrace?.(result.lines);
    coverage.addAll(result.coverage.entries());
    sums.events += result.events;
    sums.operations += result.operations;
    if (result.findings.length > 0) failure = await describeFailure(result.scenario);
    else if (seed % replayedEvery === 0) failure = await replay(seed, result.digest);
  }
  return { coverage: coverage.entries(), ...sums, failure };
}

/** Twice more, with a trace. Says what differs, if anything does. */
async function replay(seed: number, digest: number): Promise<string | null> {
  const first = await simulate(drawScenario(seed), { isTraced: true });
  const second = await simulate(drawScenario(seed), { isTraced: true });
  const lines = Math.max(first.lines.length, second.lines.length);
  for (let line = 0; line < lines; line += 1) {
    const [one, other] = [first.lines[line], second.lines[line]];
    if (one !== other) return `seed ${seed} is not the same run again: "${one}", then "${other}"`;
  }
  if (first.digest === digest && second.digest === digest) return null;
  return `seed ${seed} is not the same run again: digests ${digest}, ${first.digest}, ${second.digest}`;
}
