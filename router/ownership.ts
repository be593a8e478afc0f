/**
 * What a slot's ownership columns mean for a request. The columns lie in the slot's own partition and are
 * read in the same storage operation as the data.
 * It must not know how they are stored.
 */
import { quote, type ShardId } from "./ids.ts";

/** States of a slot on one shard. */
export const OWN_STATES = ["NONE", "OWNER", "FENCED", "GONE", "RECEIVING", "ABORTED"] as const;
export type OwnState = (typeof OWN_STATES)[number];

/**
 * The ownership columns `own_state, own_epoch, own_move, own_run, own_to, own_digest`. `epoch` only grows;
 * `to` is the other side of the latest move; `move`, `run` and `digest` belong to that move.
 */
export interface Ownership {
  readonly state: OwnState;
  readonly epoch: number;
  readonly move: string | null;
  readonly run: string | null;
  readonly to: ShardId | null;
  readonly digest: string | null;
}

/** A slot as it is created on every shard. */
export const NEVER_HELD: Ownership = { state: "NONE", epoch: 0, move: null, run: null, to: null, digest: null };

/** A slot as its first owner claims it, once, when the collection is created. */
export const FIRST_OWNER: Ownership = { ...NEVER_HELD, state: "OWNER", epoch: 1 };

/**
 * Whether the destination of a GONE or FENCED slot has taken it over. `beyond`: it has gone on to later moves, so this one was decided, or
 * it was aborted and the slot opened again since its own columns were read: see `confirmed`.
 */
export type Decision = "decided" | "beyond" | "undecided" | "aborted" | "store-lost";

/** What a shard may do with a request for a slot. `redirect.owner` null: not here, and not known where. */
export type Access =
  | { readonly kind: "serve" }
  | { readonly kind: "hold" }
  | { readonly kind: "redirect"; readonly epoch: number; readonly owner: ShardId | null };

/** Whether all columns agree. */
export function isSameOwnership(left: Ownership, right: Ownership): boolean {
  const isMove = left.move === right.move && left.run === right.run && left.digest === right.digest;
  return isMove && left.state === right.state && left.epoch === right.epoch && left.to === right.to;
}

/** Whether rows may be shown that were read together with these columns. */
export function isReadable({ state }: Ownership): boolean {
  return state === "OWNER" || state === "FENCED";
}

/** `knownEpoch` is the slot epoch the request came with, 0 when it knew none. */
export interface AccessRequest {
  readonly intent: "read" | "write";
  readonly knownEpoch: number;
}

/**
 * Answers a request from the slot's ownership. `decision` matters only for GONE: a 421 names only what has
 * been true, so a GONE slot waits that is undecided, or unconfirmed. A redirect no newer than what the request knows would only
 * send it round in circles, so it waits too.
 */
export function decideAccess(slot: Ownership, request: AccessRequest, decision: Decision): Access {
  switch (slot.state) {
    case "OWNER":
      return { kind: "serve" };
    case "FENCED":
      return { kind: request.intent === "read" ? "serve" : "hold" };
    case "GONE":
      return decision === "decided" ? redirect(slot.epoch, slot.to, request) : { kind: "hold" };
    case "RECEIVING":
    case "ABORTED":
      return redirect(slot.epoch - 1, slot.to, request);
    case "NONE":
      return { kind: "redirect", epoch: 0, owner: null };
    default:
      throw new Error(`broken assumption: slot state ${quote(slot.state satisfies never)}`);
  }
}

function redirect(epoch: number, owner: ShardId | null, request: AccessRequest): Access {
  return epoch > request.knownEpoch ? { kind: "redirect", epoch, owner } : { kind: "hold" };
}

/** The rule "decided?": a FENCED or GONE source at `sourceEpoch` (its e+1) judges by its destination's columns. */
export function decisionOf(sourceEpoch: number, destination: Ownership): Decision {
  if (destination.epoch > sourceEpoch) return "beyond";
  if (destination.epoch < sourceEpoch) return "store-lost";
  if (destination.state === "RECEIVING") return "undecided";
  return destination.state === "ABORTED" ? "aborted" : "decided";
}

/**
 * Whether columns of a move's destination say that it has taken over the slot which was met in the middle of that very move, at its source.
 * Then the source's own are GONE, whatever they were when they were met.
 */
export function hasTakenOver(met: Ownership, destination: Ownership): boolean {
  const isLeaving = met.state === "FENCED" || met.state === "GONE";
  const isSameMove = met.epoch === destination.epoch && met.move === destination.move;
  return isLeaving && isSameMove && destination.state === "OWNER";
}

/** What a decision comes to for a slot whose own columns were the same after the destination's were read, or at that very moment. */
export function confirmed(decision: Decision): Decision {
  return decision === "beyond" ? "decided" : decision;
}
