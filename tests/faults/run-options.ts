// How long a fault run is: from the environment, which `npm run faults` sets from its options.
// Must not decide what is broken.

/** Sizes of a run. */
export interface RunOptions {
  readonly seed: number;
  /** Answered operations at least. */
  readonly operations: number;
  /** The run fails when it takes longer. */
  readonly minutes: number;
}

/** The environment's names for them. */
export const RUN_ENV = {
  seed: "ZGATE_SEED",
  operations: "ZGATE_FAULT_OPERATIONS",
  minutes: "ZGATE_FAULT_MINUTES",
} as const;

const SEED_MAX = 0x7fffffff;

/** Reads them; a whole number each. */
export function readRunOptions(environment: NodeJS.ProcessEnv, defaults: Omit<RunOptions, "seed">): RunOptions {
  const read = (name: string, otherwise: number): number => {
    const text = environment[name] ?? "";
    if (text === "") return otherwise;
    if (!/^\d{1,9}$/.test(text) && !/^\d{10}$/.test(text))
      throw new Error(`${name}: expected a whole number, got "${text}"`);
    return Number(text);
  };
  return {
    seed: read(RUN_ENV.seed, Math.floor(Math.random() * SEED_MAX)),
    operations: read(RUN_ENV.operations, defaults.operations),
    minutes: read(RUN_ENV.minutes, defaults.minutes),
  };
}
