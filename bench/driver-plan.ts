/**
 * What a bare driver is told and what it tells back: the messages between the bench and the processes of its driver crew.
 * It must not send anything.
 */
import type { CollectionName } from "../router/ids.ts";
import type { ClientWork } from "./spread.ts";

/** Where the driver connects to. */
export interface DriverPlace {
  readonly contactPoints: readonly string[];
  readonly datacenter: string;
  readonly keyspace: string;
}

/** One run of one process. Each client does one thing at a time; nothing counts before `warmUpMs` have passed. */
export interface DriverPlan {
  readonly kind: "read" | "write";
  readonly collection: CollectionName;
  readonly clients: readonly ClientWork[];
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** The bench's orders. */
export type DriverOrder =
  | { readonly type: "connect"; readonly place: DriverPlace }
  | { readonly type: "run"; readonly plan: DriverPlan };

/** What one process's run came to. */
export interface DriverReport {
  readonly latenciesMs: readonly number[];
  readonly windowMs: number;
  /** Processor time of the process within the window. */
  readonly spentMicros: number;
  /** What failed, by kind, within the whole run. */
  readonly failures: Readonly<Record<string, number>>;
}

/** The process's answers. */
export type DriverAnswer =
  | { readonly type: "connected" }
  | { readonly type: "report"; readonly report: DriverReport }
  | { readonly type: "failed"; readonly message: string };

/** The parent's message; both ends are this project's own, so only its kind is looked at. */
export function parseDriverOrder(message: unknown): DriverOrder {
  if (hasType(message, "connect") || hasType(message, "run")) return message as DriverOrder;
  throw new Error("the bare driver expected an order");
}

/** The child's message. */
export function parseDriverAnswer(message: unknown): DriverAnswer {
  if (hasType(message, "connected") || hasType(message, "report") || hasType(message, "failed")) {
    return message as DriverAnswer;
  }
  throw new Error("the bare driver sent no answer");
}

function hasType(message: unknown, type: DriverOrder["type"] | DriverAnswer["type"]): boolean {
  return typeof message === "object" && message !== null && "type" in message && message.type === type;
}
