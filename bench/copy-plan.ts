/**
 * What the processes of a plain copy are told and what they tell back. It must not copy anything.
 */
import type { CollectionName, SlotId } from "../router/ids.ts";

/** A slot of what is to be copied, and the half-open range of sort keys that it is. */
export interface SlotSpan {
  readonly slot: SlotId;
  readonly start: string;
  readonly end: string;
}

/** One copy. */
export interface CopyPlan {
  /** Where the rows are read. */
  readonly collection: CollectionName;
  /** Where they are written, at the other end. */
  readonly into: CollectionName;
  readonly slots: readonly SlotSpan[];
  /** Slots under way at once. */
  readonly parallel: number;
}

/** Where one end of a copy has its rows. */
export type CopyPlace =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "cassandra"; readonly configText: string; readonly shard: string };

/** The bench's orders. `serve`: give rows away on that port. `open`: take them from that origin. */
export type CopyOrder =
  | { readonly type: "serve"; readonly place: CopyPlace; readonly port: number }
  | { readonly type: "open"; readonly place: CopyPlace; readonly origin: string }
  | { readonly type: "copy"; readonly plan: CopyPlan };

/** The answers. */
export type CopyAnswer =
  | { readonly type: "ready" }
  | { readonly type: "copied"; readonly rows: number; readonly durationMs: number }
  | { readonly type: "failed"; readonly message: string };

const ORDERS: ReadonlySet<unknown> = new Set(["serve", "open", "copy"]);
const ANSWERS: ReadonlySet<unknown> = new Set(["ready", "copied", "failed"]);

/** The parent's message; both ends are this project's own, so only its kind is looked at. */
export function parseCopyOrder(message: unknown): CopyOrder {
  if (ORDERS.has(typeOf(message))) return message as CopyOrder;
  throw new Error("the plain copy expected an order");
}

/** The child's message. */
export function parseCopyAnswer(message: unknown): CopyAnswer {
  if (ANSWERS.has(typeOf(message))) return message as CopyAnswer;
  throw new Error("the plain copy sent no answer");
}

function typeOf(message: unknown): unknown {
  return typeof message === "object" && message !== null && "type" in message ? message.type : undefined;
}
