/**
 * The seed of a test file's random runs: printed at the start and in every failure, replayed with
 * `ZGATE_SEED=<seed> npx vitest run <file>`.
 * It must not be used to make a failing run go away.
 */
import fc from "fast-check";

const SEED_MAX = 0x7fffffff;

/** The seed of this process's random tests. */
export const SEED = readSeed(process.env["ZGATE_SEED"]);

function readSeed(given: string | undefined): number {
  if (given === undefined || given === "") return Math.floor(Math.random() * SEED_MAX);
  const seed = Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error(`ZGATE_SEED: expected a whole number, got "${given}"`);
  return seed;
}

console.info(`random tests: ZGATE_SEED=${SEED}`);

/** How often to try; the default suits properties that take microseconds. */
export interface Effort {
  readonly runs?: number;
}

/** Checks a property with this file's seed; fast-check's report of a failure names the seed and the counterexample. */
export function holds<Values extends [unknown, ...unknown[]]>(
  property: fc.IPropertyWithHooks<Values>,
  effort: Effort = {},
): void {
  fc.assert(property, { seed: SEED, numRuns: effort.runs ?? 300 });
}
