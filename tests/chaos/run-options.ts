// How long a chaos run is: from the environment, which `npm run chaos` sets from its options.
// Must not decide what is broken.

/** Sizes of a run. */
export interface ChaosOptions {
  readonly seed: number;
  /** Moves and faults together; the checks at the end come on top. */
  readonly minutes: number;
}

/** The environment's names for them. */
export const CHAOS_ENV = { seed: "ZGATE_SEED", minutes: "ZGATE_CHAOS_MINUTES" } as const;

const MINUTES = 1.5;
const SEED_MAX = 0x7fffffff;

/** Reads them: a whole number, and minutes that may have a fraction. */
export function readChaosOptions(environment: NodeJS.ProcessEnv): ChaosOptions {
  const read = (name: string, otherwise: number): number => {
    const text = environment[name] ?? "";
    if (text === "") return otherwise;
    if (!/^\d{1,10}(\.\d{1,3})?$/.test(text)) throw new Error(`${name}: expected a number, got "${text}"`);
    return Number(text);
  };
  const seed = Math.floor(read(CHAOS_ENV.seed, Math.floor(Math.random() * SEED_MAX)));
  return { seed, minutes: read(CHAOS_ENV.minutes, MINUTES) };
}
