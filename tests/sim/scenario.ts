// What one run is made of: a small world, its clients, what operators do, what breaks. seeds.ts draws them.
// Must not contain chance.
import type { EventKind } from "../../router/slot-transition.ts";

/** How rough the world is until it calms down. All parts are from 0 to 1. */
export interface Weather {
  /** Longest that a message or a storage operation usually takes, in milliseconds. */
  readonly usualMs: number;
  /** Of messages and storage operations that take long, and how long at most, in milliseconds. */
  readonly slowPart: number;
  readonly slowMsMax: number;
  readonly requestLossPart: number;
  readonly replyLossPart: number;
  readonly doublingPart: number;
  readonly breakOffPart: number;
  readonly storeFailurePart: number;
  /** Of pages that are written at a destination, besides. */
  readonly fillFailurePart: number;
  readonly catalogFailurePart: number;
  /** Of requests for a lease that somebody else holds, and yet are granted: clocks differ, and nothing may hang on a lease. */
  readonly leaseTheftPart: number;
  /** Of moves that are created although another one of these slots is live, as if the catalog's lock had failed. */
  readonly overlapPart: number;
  /** Of changes of ownership columns that a store is long about, and how long at most, in milliseconds. */
  readonly heldPart: number;
  readonly heldMsMax: number;
  /** How long a store is about any seal at most, in milliseconds. */
  readonly sealMsMax: number;
  /** Of what comes late: how much may come after later moves, and how late that is at most, in milliseconds. */
  readonly veryLatePart: number;
  readonly veryLateMsMax: number;
  /** How often at most something comes again that comes twice. */
  readonly copiesMax: number;
}

/** What a runner of a move is at: a statement that it sends, work of many statements, or the beginning of help for a request that is held. */
export type Moment = EventKind | "copy" | "reconcile" | "help";

/** Times are milliseconds from the beginning. */
export type OperatorAction =
  | { readonly kind: "move"; readonly atMs: number; readonly to: number; readonly isWide: boolean }
  | { readonly kind: "abort" | "reverse" | "throttle"; readonly atMs: number };

/**
 * `step`: not at a time, but when the shard's runners have taken so many steps. `moment`: when a runner anywhere is at that.
 * `isAborted`: an operator aborts all moves just then.
 */
export type Fault =
  | {
      readonly kind: "crash";
      readonly atMs: number;
      readonly shard: number;
      readonly worker: number;
      readonly downMs: number;
    }
  | {
      readonly kind: "crash-at-step";
      readonly isAborted: boolean;
      readonly step: number;
      readonly shard: number;
      /** After the step, in usual delays. */
      readonly delays: number;
      readonly downMs: number;
    }
  | {
      readonly kind: "stop";
      readonly atMs: number;
      readonly shard: number;
      readonly worker: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "stop-at-step";
      readonly isAborted: boolean;
      readonly step: number;
      readonly shard: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "stop-at-moment" | "crash-at-moment";
      readonly isAborted: boolean;
      readonly moment: Moment;
      /** The how many-th runner to be there. */
      readonly count: number;
      /** Null: the runner's own process. */
      readonly victim: { readonly shard: number; readonly worker: number } | null;
      /** After the moment, in usual delays. */
      readonly delays: number;
      /** For how long it sleeps or is dead, in milliseconds. */
      readonly forMs: number;
    }
  | { readonly kind: "edge-crash"; readonly atMs: number; readonly edge: number }
  | {
      readonly kind: "end";
      readonly atMs: number;
      readonly shard: number;
      readonly worker: number;
      readonly downMs: number;
    }
  | {
      readonly kind: "partition";
      readonly atMs: number;
      readonly forMs: number;
      readonly link: readonly [string, string];
    };

/** One run. `operations` is for each client. */
export interface Scenario {
  readonly seed: number;
  readonly shards: number;
  readonly workers: number;
  readonly edges: number;
  readonly clients: number;
  readonly operations: number;
  /** Longest pause between two operations, in milliseconds: each client has one of these. */
  readonly pausesMs: readonly [number, ...number[]];
  readonly keys: number;
  readonly isStriped: boolean;
  readonly commitScope: "slot" | "store";
  readonly ending: "resume" | "abort";
  readonly retentionMs: number;
  readonly parallel: number;
  readonly rowsPerSecond: number | null;
  readonly weather: Weather;
  readonly actions: readonly OperatorAction[];
  readonly faults: readonly Fault[];
}

/** Nothing is broken any more after this time, in milliseconds. */
export const CALM_MS = 9000;

/** Nothing goes wrong. */
export const FAIR: Weather = {
  usualMs: 2,
  slowPart: 0.02,
  slowMsMax: 60,
  requestLossPart: 0,
  replyLossPart: 0,
  doublingPart: 0,
  breakOffPart: 0,
  storeFailurePart: 0,
  fillFailurePart: 0,
  catalogFailurePart: 0,
  leaseTheftPart: 0,
  overlapPart: 0,
  heldPart: 0,
  heldMsMax: 0,
  sealMsMax: 0,
  veryLatePart: 0,
  veryLateMsMax: 0,
  copiesMax: 1,
};
