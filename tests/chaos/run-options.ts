// How long a chaos run is, and over what: from the environment, which `npm run chaos` sets from its options.
// Must not decide what is broken.
import { type ChaosStore, PROFILES } from "./chaos-profile.ts";

/** Sizes of a run. */
export interface ChaosOptions {
  readonly seed: number;
  /** Moves and faults together; the checks at the end come on top. */
  readonly minutes: number;
  readonly store: ChaosStore;
  /** `real`: a part of the clients goes over edges. `none`: all clients find their shards by themselves. */
  readonly edges: ChaosEdgesWanted;
}

export type ChaosEdgesWanted = "real" | "none";

/** The environment's names for them. The minutes of a run on Cassandra are its own: one `npm test` has both. */
export const CHAOS_ENV = {
  seed: "ZGATE_SEED",
  minutes: "ZGATE_CHAOS_MINUTES",
  cassandraMinutes: "ZGATE_CHAOS_CASSANDRA_MINUTES",
  store: "ZGATE_CHAOS_STORE",
  edges: "ZGATE_CHAOS_EDGES",
} as const;

const SEED_MAX = 0x7fffffff;

/** Reads them: whole numbers, minutes that may have a fraction, and words. */
export function readChaosOptions(environment: NodeJS.ProcessEnv): ChaosOptions {
  const number = (name: string, otherwise: number): number => {
    const text = environment[name] ?? "";
    if (text === "") return otherwise;
    if (!/^\d{1,10}(\.\d{1,3})?$/.test(text)) throw new Error(`${name}: expected a number, got "${text}"`);
    return Number(text);
  };
  const store = readWord(environment, CHAOS_ENV.store, ["sqlite", "cassandra"]);
  const minutes = store === "cassandra" ? CHAOS_ENV.cassandraMinutes : CHAOS_ENV.minutes;
  return {
    store,
    seed: Math.floor(number(CHAOS_ENV.seed, Math.floor(Math.random() * SEED_MAX))),
    minutes: number(minutes, PROFILES[store].minutes),
    edges: readWord(environment, CHAOS_ENV.edges, ["real", "none"]),
  };
}

/** The first word is the default. */
function readWord<Word extends string>(
  environment: NodeJS.ProcessEnv,
  name: string,
  words: readonly [Word, ...Word[]],
): Word {
  const text = environment[name] ?? "";
  const word = text === "" ? words[0] : words.find((each) => each === text);
  if (word === undefined) throw new Error(`${name}: expected ${words.join(" or ")}, got "${text}"`);
  return word;
}
