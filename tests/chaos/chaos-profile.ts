// What differs between a chaos run on embedded files and one on Cassandra: how much the store is asked for.
// Must not differ in what is demanded of an answer.
import { CHAOS_KEYS, type ChaosSettings } from "./chaos-config.ts";

/** Where the shards of a run store. */
export type ChaosStore = "sqlite" | "cassandra";

/** How much of a collection is looked at in the end, as options of `zgate verify`: one list for each call. */
export type Scopes = readonly (readonly string[])[];

/** How far an operator goes. Null for any. */
export interface OperatorLimits {
  /** Prefixes from the start of a moved range to its end, with keys or without. */
  readonly prefixesMax: number | null;
  /** Slots under way at once. */
  readonly parallelMax: number;
  /** Part of the moves that are made by commands: each of them costs a process its start. */
  readonly commandedPart: number;
}

/** Labels of answers, and the part of all that may be such without a fault. */
export interface Excuse {
  readonly labels: readonly string[];
  readonly partMax: number;
}

/** Sizes of a run on one kind of store. */
export interface ChaosProfile {
  readonly minutes: number;
  /** Cutovers that there have to be without a fault. */
  readonly cutoversMin: number;
  /** How many of them clients have to meet, and those of real edges have to cross. */
  readonly metMin: number;
  /** How much longer than its part of the run that may take. */
  readonly calmMsMax: number;
  /** Cutovers before the first that counts: a database that has just been started is many times slower. */
  readonly warmCutovers: number;
  /** In each process of clients. */
  readonly clients: number;
  /** So that clients leave the machine some time for the moves: without it each of them takes a processor's whole attention. */
  readonly thinkMs: number;
  readonly limits: OperatorLimits;
  readonly settings: ChaosSettings;
  /** What clients are refused without a fault, and how often it may be; null for nothing. */
  readonly excuse: Excuse | null;
  /** By collection; all of it where nothing is said. */
  readonly verified: Readonly<Record<string, Scopes>>;
}

/**
 * A step of a slot's move is a conditional write: three nodes on one machine manage some hundreds a second beside the clients, and a
 * thousand reads of a slot's columns. There the looks at the end leave out slots that no move of the run can have touched.
 */
export const PROFILES: Readonly<Record<ChaosStore, ChaosProfile>> = {
  sqlite: {
    ...{ minutes: 1.5, cutoversMin: 200, metMin: 200, calmMsMax: 300_000, warmCutovers: 0, clients: 6, thinkMs: 15 },
    settings: { retention: "5m", collections: Object.keys(CHAOS_KEYS) },
    limits: { prefixesMax: null, parallelMax: 6, commandedPart: 0.08 },
    excuse: null,
    verified: {},
  },
  cassandra: {
    ...{ minutes: 1.5, cutoversMin: 200, metMin: 40, calmMsMax: 600_000, warmCutovers: 30, clients: 1, thinkMs: 40 },
    settings: { retention: "1h", collections: ["products", "notes"] },
    limits: { prefixesMax: 6, parallelMax: 1, commandedPart: 0.25 },
    // Certainly not applied: three servers on two full processors had no time for a read in twice 1.8 s, or for a cutover in 2 s.
    excuse: { labels: ["refused: 503 STORAGE_UNAVAILABLE", "refused: 503 SLOT_MOVING"], partMax: 0.001 },
    verified: { products: [between("b", "d"), between("m", "o"), between("t", "v")], notes: [between("k", "m")] },
  },
};

function between(start: string, end: string): readonly string[] {
  return ["--start", start, "--end", end];
}
