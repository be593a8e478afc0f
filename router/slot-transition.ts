/**
 * Which change of a slot's ownership may happen when: one total table of states and events. A move's statements carry what
 * their condition needs, so that each of them may be lost, doubled or arbitrarily late and is harmless then.
 * It must not know who sends an event, nor in what order they are meant to be sent.
 */
import { quote, type ShardId } from "./ids.ts";
import { FIRST_OWNER, type Ownership, type OwnState } from "./ownership.ts";

/** One slot's part of a move. `epoch` is the one that the destination is to own: the source's when the move was planned, plus 1. */
export interface MoveEpoch {
  readonly move: string;
  readonly epoch: number;
}

interface EventFields {
  readonly claim: object;
  readonly begin: MoveEpoch & { readonly run: string; readonly seenEpoch: number; readonly source: ShardId };
  readonly "take-over": MoveEpoch & { readonly run: string; readonly previousRun: string };
  readonly fence: MoveEpoch & { readonly destination: ShardId };
  readonly seal: MoveEpoch & { readonly run: string; readonly digest: string };
  readonly go: MoveEpoch;
  readonly decide: MoveEpoch & { readonly run: string; readonly digest: string };
  readonly abort: MoveEpoch;
  readonly restore: MoveEpoch & { readonly destination: ShardId };
}

/** Names of the events, in the order of a move. */
export const EVENT_KINDS = [
  "claim",
  "begin",
  "take-over",
  "fence",
  "seal",
  "go",
  "decide",
  "abort",
  "restore",
] as const satisfies readonly (keyof EventFields)[];
export type EventKind = (typeof EVENT_KINDS)[number];

type EventOf<Kind extends EventKind> = { readonly [K in Kind]: { readonly kind: K } & EventFields[K] }[Kind];

/**
 * A wanted change. `claim`: first owner. At the destination `begin`, `take-over` (a fresh run replaces `previousRun`), `seal`
 * (it equals the source), `decide` (the only commit point), `abort`. At the source `fence`, `go`, `restore` (after an abort).
 */
export type OwnershipEvent = EventOf<EventKind>;

/** Why an event does nothing. */
export type TransitionRefusal =
  | "wrong-state"
  | "other-epoch"
  | "other-move"
  | "other-run"
  | "other-digest"
  | "other-side"
  | "sealed"
  | "not-sealed";

/** `done`: the event's effect is there already. */
export type Transition =
  | { readonly kind: "change"; readonly next: Ownership }
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly reason: TransitionRefusal; readonly detail: string };

type Rule<Kind extends EventKind> = (slot: Ownership, event: EventOf<Kind>) => Transition;
type Rules = { readonly [Kind in EventKind]: Rule<Kind> };

const DONE: Transition = { kind: "done" };

const wrongState = (slot: Ownership, event: OwnershipEvent): Transition =>
  refuse("wrong-state", `${event.kind} has no meaning for a slot that is ${slot.state} at epoch ${slot.epoch}`);

const NOTHING: Rules = {
  claim: wrongState,
  begin: wrongState,
  "take-over": wrongState,
  fence: wrongState,
  seal: wrongState,
  go: wrongState,
  decide: wrongState,
  abort: wrongState,
  restore: wrongState,
};

/** The whole protocol of ownership. What is not named in a row is refused there. */
const TRANSITIONS: Readonly<Record<OwnState, Rules>> = {
  NONE: { ...NOTHING, claim, begin },
  OWNER: { ...NOTHING, claim: claimed, fence, decide: decided, restore: restoreOwner },
  FENCED: { ...NOTHING, fence: fenced, go, restore: restoreMoving },
  GONE: { ...NOTHING, begin, fence: ifMoving(DONE), go: ifMoving(DONE), restore: restoreMoving },
  RECEIVING: { ...NOTHING, begin: beginAgain, "take-over": takeOver, seal, decide, abort },
  ABORTED: { ...NOTHING, begin, abort: ifMoving(DONE) },
};

/** What `event` does to `slot`. The caller applies a change by comparing and setting all columns at once. */
export function transition(slot: Ownership, event: OwnershipEvent): Transition {
  return applyRule(slot, event);
}

// One kind at a time, so that the compiler sees that rule and event belong together.
function applyRule<Kind extends EventKind>(slot: Ownership, event: EventOf<Kind>): Transition {
  const rules: { readonly [K in EventKind]: Rule<K> } = TRANSITIONS[slot.state];
  return rules[event.kind](slot, event);
}

/** Whether a page of a move, read under `run`, may still be written at the destination. */
export function mayCopy(slot: Ownership, run: string): boolean {
  return slot.state === "RECEIVING" && slot.run === run && slot.digest === null;
}

/**
 * Whether the rows that a move left behind may be removed: at the source once the move is decided, which the caller has to
 * have seen, and at the destination of an aborted one.
 */
export function mayCleanUp(slot: Ownership, of: MoveEpoch): boolean {
  const isLeftBehind = slot.state === "GONE" || slot.state === "ABORTED";
  return isLeftBehind && slot.epoch === of.epoch && slot.move === of.move;
}

/** Whether a write that was judged under `judgedEpoch` may be applied. */
export function mayWrite(slot: Ownership, judgedEpoch: number): boolean {
  return slot.state === "OWNER" && slot.epoch === judgedEpoch;
}

function claim(slot: Ownership): Transition {
  return slot.epoch === 0 ? change(FIRST_OWNER) : otherEpoch(slot, 0);
}

function claimed(slot: Ownership): Transition {
  return slot.epoch === FIRST_OWNER.epoch ? DONE : otherEpoch(slot, FIRST_OWNER.epoch);
}

/** The epoch has to be the one that was read, so that a late begin finds nothing, and it has to rise. */
function begin(slot: Ownership, event: EventOf<"begin">): Transition {
  if (slot.epoch !== event.seenEpoch) return otherEpoch(slot, event.seenEpoch);
  if (slot.epoch >= event.epoch) {
    return refuse("other-epoch", `expected an epoch below ${event.epoch}, found ${slot.epoch}`);
  }
  const { move, epoch, run, source } = event;
  return change({ state: "RECEIVING", epoch, move, run, to: source, digest: null });
}

function beginAgain(slot: Ownership, event: EventOf<"begin">): Transition {
  const isSame = slot.epoch === event.epoch && slot.move === event.move && slot.run === event.run;
  return isSame ? DONE : begin(slot, event);
}

function takeOver(slot: Ownership, event: EventOf<"take-over">): Transition {
  const other = otherMove(slot, event);
  if (other !== null) return other;
  if (slot.digest !== null) return refuse("sealed", `run ${quote(slot.run)} has sealed the slot`);
  if (slot.run === event.run) return DONE;
  return slot.run === event.previousRun ? change({ ...slot, run: event.run }) : otherRun(slot, event.previousRun);
}

function fence(slot: Ownership, event: EventOf<"fence">): Transition {
  if (slot.epoch !== event.epoch - 1) return otherEpoch(slot, event.epoch - 1);
  const { move, epoch, destination } = event;
  return change({ state: "FENCED", epoch, move, run: null, to: destination, digest: null });
}

function fenced(slot: Ownership, event: EventOf<"fence">): Transition {
  const other = otherMove(slot, event);
  if (other !== null) return other;
  return slot.to === event.destination
    ? DONE
    : refuse("other-side", `expected the destination ${quote(event.destination)}, found ${quote(slot.to)}`);
}

function seal(slot: Ownership, event: EventOf<"seal">): Transition {
  const other = otherMove(slot, event);
  if (other !== null) return other;
  if (slot.run !== event.run) return otherRun(slot, event.run);
  if (slot.digest === null) return change({ ...slot, digest: event.digest });
  return slot.digest === event.digest ? DONE : otherDigest(slot, event.digest);
}

function go(slot: Ownership, event: EventOf<"go">): Transition {
  return otherMove(slot, event) ?? change({ ...slot, state: "GONE" });
}

function decide(slot: Ownership, event: EventOf<"decide">): Transition {
  const other = otherMove(slot, event);
  if (other !== null) return other;
  if (slot.run !== event.run) return otherRun(slot, event.run);
  if (slot.digest === null) return refuse("not-sealed", "nobody has found the slot equal to its source yet");
  return slot.digest === event.digest ? change({ ...slot, state: "OWNER" }) : otherDigest(slot, event.digest);
}

function decided(slot: Ownership, event: EventOf<"decide">): Transition {
  return otherMove(slot, event) ?? DONE;
}

function abort(slot: Ownership, event: EventOf<"abort">): Transition {
  return otherMove(slot, event) ?? change({ ...slot, state: "ABORTED" });
}

function restoreMoving(slot: Ownership, event: EventOf<"restore">): Transition {
  return otherMove(slot, event) ?? change(restored(event));
}

/** An owner that was not fenced gets a new epoch as well: a late fence must not find the old one. */
function restoreOwner(slot: Ownership, event: EventOf<"restore">): Transition {
  if (slot.epoch === event.epoch - 1) return change(restored(event));
  if (slot.epoch !== event.epoch + 1) return otherEpoch(slot, event.epoch - 1);
  return slot.move === event.move ? DONE : wrongMove(slot, event);
}

function restored({ move, epoch, destination }: EventOf<"restore">): Ownership {
  return { state: "OWNER", epoch: epoch + 1, move, run: null, to: destination, digest: null };
}

function ifMoving(outcome: Transition): (slot: Ownership, event: MoveEpoch) => Transition {
  return (slot, event) => otherMove(slot, event) ?? outcome;
}

function otherMove(slot: Ownership, event: MoveEpoch): Transition | null {
  if (slot.epoch !== event.epoch) return otherEpoch(slot, event.epoch);
  return slot.move === event.move ? null : wrongMove(slot, event);
}

function change(next: Ownership): Transition {
  return { kind: "change", next };
}

function refuse(reason: TransitionRefusal, detail: string): Transition {
  return { kind: "refused", reason, detail };
}

function otherEpoch(slot: Ownership, expected: number): Transition {
  return refuse("other-epoch", `expected epoch ${expected}, found ${slot.state} at epoch ${slot.epoch}`);
}

function wrongMove(slot: Ownership, event: MoveEpoch): Transition {
  return refuse("other-move", `expected move ${quote(event.move)}, found ${quote(slot.move)}`);
}

function otherRun(slot: Ownership, expected: string): Transition {
  return refuse("other-run", `expected run ${quote(expected)}, found ${quote(slot.run)}`);
}

function otherDigest(slot: Ownership, expected: string): Transition {
  return refuse("other-digest", `expected digest ${quote(expected)}, found ${quote(slot.digest)}`);
}
