// All decisions of the protocol that the model takes from elsewhere, in one value, so that a bug can be planted in any of them.
// Must not decide anything itself: the standard one is the product's own code, or says what it stands for.
import type { Ownership } from "../../router/ownership.ts";
import { decideAccess, decisionOf } from "../../router/ownership.ts";
import { adoptMap, learnOwner } from "../../router/route-hints.ts";
import { nextStep } from "../../router/slot-move.ts";
import { type EventKind, mayCleanUp, mayCopy, mayWrite, transition } from "../../router/slot-transition.ts";
import { type Cell, RECORD } from "./content.ts";

/** What a worker found out about its write after an unknown outcome. */
export interface UnknownWrite {
  /** Whether the slot may be read here, and the row is this very write's. */
  readonly isSeen: boolean;
  readonly ownership: Ownership;
}

/** A write as the statement that applies it meets the slot. */
export interface WriteAttempt {
  readonly ownership: Ownership;
  readonly judgedEpoch: number;
  /** Value of the key's row: 0 if there is none. */
  readonly row: number;
}

/** What can be under way. */
export type MessageKind = EventKind | "page" | "write" | "request" | "clean-up";

/** Everything that is decided anywhere. */
export interface Protocol {
  readonly transition: typeof transition;
  readonly nextStep: typeof nextStep;
  readonly mayCopy: typeof mayCopy;
  readonly mayCleanUp: typeof mayCleanUp;
  readonly decideAccess: typeof decideAccess;
  readonly decisionOf: typeof decisionOf;
  readonly learnOwner: typeof learnOwner;
  readonly adoptMap: typeof adoptMap;
  /** Whether a write's statement is applied. */
  readonly mayWrite: (attempt: WriteAttempt) => boolean;
  /** What is recorded under an Idempotency-Key. */
  readonly recordFor: (verdict: "applied" | "refused") => number;
  /** What is told about a write without a record when its outcome is unknown. `elsewhere`: a 421. */
  readonly afterUnknown: (write: UnknownWrite) => "applied" | "unknown" | "elsewhere";
  /** Whether a statement without a record is sent once. */
  readonly plainIsSentOnce: boolean;
  /** Whether the copy takes a row. */
  readonly copies: (cell: Cell) => boolean;
  /** Whether the destination's row has to be changed to equal the source's. */
  readonly differs: (cell: Cell, source: number, destination: number) => boolean;
  /** Whether both sides are compared before the seal. */
  readonly comparesBeforeSeal: boolean;
  /** What a clean-up leaves of the columns. */
  readonly columnsCleaned: (slot: Ownership) => Ownership;
  /** Whether clean-up of the source may be sent, seeing the destination's columns. */
  readonly mayOrderCleanUp: (isReportedDecided: boolean, source: Ownership) => boolean;
  /** Whether the source's epoch is read again by each runner instead of being pinned by the plan. */
  readonly pinsEpoch: boolean;
  /** Whether a runner that takes a store for lost counts as a finding; switched off where a bug's later harm is to be seen. */
  readonly countsLostStores: boolean;
  /** Kinds of messages that may be forgotten once they can have no effect any more, which is known for unchanged rules only. */
  readonly forgets: (kind: MessageKind) => boolean;
}

/** The protocol as it is. */
export const STANDARD: Protocol = {
  transition,
  nextStep,
  mayCopy,
  mayCleanUp,
  decideAccess,
  decisionOf,
  learnOwner,
  adoptMap,
  mayWrite: ({ ownership, judgedEpoch }) => mayWrite(ownership, judgedEpoch),
  recordFor: (verdict) => RECORD[verdict],
  afterUnknown: ({ isSeen }) => (isSeen ? "applied" : "unknown"),
  plainIsSentOnce: true,
  copies: () => true,
  differs: (_cell, source, destination) => source !== destination,
  comparesBeforeSeal: true,
  columnsCleaned: (slot) => slot,
  mayOrderCleanUp: (isReportedDecided) => isReportedDecided,
  pinsEpoch: true,
  countsLostStores: true,
  forgets: () => true,
};
