/**
 * What the clients of a move bench are told and what they tell back: the messages between the bench and their process.
 * It must not send anything.
 */
import type { Cutover } from "./cutovers.ts";
import type { Second } from "./timeline.ts";

/** One closed-loop client: it writes a document and reads it back, over and over. */
export interface MoveClient {
  /** What its requests are counted under. */
  readonly group: string;
  readonly collection: string;
  /** Its documents, one at a time: it goes on to the next one when it has met a cutover, behind the last one to the first. */
  readonly keys: readonly string[];
  /** Pause after each request, in milliseconds. */
  readonly thinkMs: number;
}

/** All clients of one process. */
export interface MoveLoadPlan {
  readonly configText: string;
  readonly signingKeys: string;
  /** By shard id. */
  readonly origins: Readonly<Record<string, string>>;
  readonly clients: readonly MoveClient[];
}

/** Requests of one group that were sent and answered within a time; milliseconds since 1970. */
export interface LoadWindow {
  readonly group: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What was seen in a window. */
export interface WindowReport {
  readonly requests: number;
  readonly latencyMedianMs: number;
  readonly latencyP99Ms: number;
}

/** What the clients saw. Times in milliseconds since 1970. */
export interface MoveLoadReport {
  /** In the order of the windows that were asked for. */
  readonly windows: readonly WindowReport[];
  readonly cutovers: readonly Cutover[];
  /** Of all groups, from `fromMs` on. */
  readonly seconds: readonly Second[];
  readonly fromMs: number;
  readonly requests: number;
  /** What was not answered as it had to be, by status and code; "wrong content" for a document that is not the one last written. */
  readonly failures: Readonly<Record<string, number>>;
}

/** The bench's orders: begin; stop and tell. */
export type MoveLoadOrder =
  | { readonly type: "start"; readonly plan: MoveLoadPlan }
  | { readonly type: "stop"; readonly windows: readonly LoadWindow[] };

/** The process's answers: `warm` when every client is at work. */
export type MoveLoadAnswer =
  | { readonly type: "warm" }
  | { readonly type: "report"; readonly report: MoveLoadReport }
  | { readonly type: "failed"; readonly message: string };

/** The parent's message; both ends are this project's own, so only its kind is looked at. */
export function parseMoveLoadOrder(message: unknown): MoveLoadOrder {
  if (hasType(message, "start") || hasType(message, "stop")) return message as MoveLoadOrder;
  throw new Error("the clients expected an order");
}

/** The child's message. */
export function parseMoveLoadAnswer(message: unknown): MoveLoadAnswer {
  if (hasType(message, "warm") || hasType(message, "report") || hasType(message, "failed")) {
    return message as MoveLoadAnswer;
  }
  throw new Error("the clients sent no answer");
}

function hasType(message: unknown, type: MoveLoadOrder["type"] | MoveLoadAnswer["type"]): boolean {
  return typeof message === "object" && message !== null && "type" in message && message.type === type;
}
