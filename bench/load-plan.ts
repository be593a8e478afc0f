/**
 * What the load generator is told and what it tells back: the messages between the bench and its child process.
 * It must not send anything.
 */

import type { Product } from "./products.ts";
import type { ClientWork } from "./spread.ts";

/** A request as it stands on the wire. `body` is text; absent for none. */
export interface PlainRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Writes that the generator makes and signs itself, each with its own op id: no two of them are equal. */
export interface WriteTraffic {
  readonly kind: "writes";
  readonly collection: string;
  /** What is written; the writes walk through it. */
  readonly products: readonly Product[];
  /** Text of the shard's signing keys. */
  readonly signingKeys: string;
  readonly writesMax: number;
}

/** Likewise, with what each connection writes laid down. */
export interface ClientTraffic {
  readonly kind: "client-writes";
  readonly collection: string;
  /** One for each connection. */
  readonly clients: readonly ClientWork[];
  readonly signingKeys: string;
  readonly writesMax: number;
}

/**
 * What is sent. `cycle`: every connection walks the list over and over, each from another place. `dealt`: every connection has
 * requests of its own, which it repeats. `once`: each request is sent at most once; the run ends early when they are used up.
 */
export type Traffic =
  | { readonly kind: "cycle"; readonly requests: readonly PlainRequest[] }
  | { readonly kind: "dealt"; readonly requests: readonly PlainRequest[] }
  | { readonly kind: "once"; readonly requests: readonly PlainRequest[] }
  | WriteTraffic
  | ClientTraffic;

/** One run of load. Nothing counts before `warmUpMs` have passed. */
export interface LoadPlan {
  readonly origin: string;
  readonly connections: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** The processes that answer, for their processor time. */
  readonly serverPids: readonly number[];
  readonly traffic: Traffic;
  /** The status that counts; any 2xx when absent. */
  readonly expectedStatus?: number;
}

/** What a run came to. */
export interface LoadReport {
  readonly requests: number;
  readonly windowMs: number;
  readonly latencyMedianMs: number;
  readonly latencyP99Ms: number;
  readonly serverMicros: number | null;
  readonly generatorBusy: number;
  /** Answers that were not as expected, by status, and "error" for those that never came; over the whole run. */
  readonly failures: Readonly<Record<string, number>>;
}

/** The parent's message; both ends are this project's own, so only the presence of its parts is looked at. */
export function parseLoadPlan(message: unknown): LoadPlan {
  if (typeof message === "object" && message !== null && "traffic" in message) return message as LoadPlan;
  throw new Error("the load generator expected a plan");
}

/** The child's message. */
export function parseLoadReport(message: unknown): LoadReport {
  if (typeof message === "object" && message !== null && "windowMs" in message) return message as LoadReport;
  throw new Error("the load generator sent no report");
}
