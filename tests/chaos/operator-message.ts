// What the operator process and the run tell each other. Must not carry moves: those are in the catalog.
import type { OperatorLimits } from "./chaos-profile.ts";

/** What the operator process is to do; its first argument, as JSON. */
export interface OperatorOrder {
  readonly seed: number;
  readonly configFile: string;
  readonly catalogFile: string;
  /** As in the environment of the shards. */
  readonly signingKeys: string;
  readonly limits: OperatorLimits;
}

/** From the operator process: what it did so far, by name. */
export type OperatorReport = Readonly<Record<string, number>>;
