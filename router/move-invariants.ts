/**
 * What must hold of a slot's columns and moves at every moment, whatever is lost, late or doubled: each invariant as a named predicate
 * over plain descriptions. The model, the simulation and `doctor` use them. They must not repair anything.
 */
import { quote, type ShardId } from "./ids.ts";
import { confirmed, type Decision, decisionOf, isSameOwnership, type Ownership } from "./ownership.ts";
import type { MoveOutcome } from "./slot-move.ts";
import { destinationStand, type SlotMove } from "./slot-stand.ts";
import { type OwnershipEvent, transition } from "./slot-transition.ts";

/** The invariants by number. Each is a predicate: here, or in history-invariants.ts where it is about writes, rows, edges or the end. */
export const INVARIANTS = {
  I1: "a slot has at most one owner",
  I2: "a slot's epoch never goes down, and each owner's epoch is new",
  I3: "a destination becomes owner only after its source is gone, with content equal to the source's",
  I4: "nothing is acknowledged but what an owner applied, and what was refused is never applied",
  I5: "each write is applied at most once over all shards",
  I6: "a read shows the latest applied write, from an owner or from a fenced source whose destination is no owner yet",
  I7: "ownership columns change only by transitions: clean-up, copy and expiry leave them alone",
  I8: "a write without a record that was or may have been applied is never sent again",
  I9: "an edge never goes back to something older",
  I10: "every state is ended by resume and by abort with one owner and nobody waiting",
  I11: "once a move is reported as aborted it never fences",
  I12: "a source is gone only when its destination is sealed, aborted or decided",
  I13: "the rule `decided?` says what has happened",
  I14: "after an abort the destination can receive again",
  I15: "a redirect names only who has been owner at that epoch",
  I16: "the owner's rows are exactly what was applied",
} as const;

/** Number of an invariant. */
export type InvariantId = keyof typeof INVARIANTS;

/** A broken invariant. `detail` is for people. */
export interface Finding {
  readonly invariant: InvariantId;
  readonly detail: string;
}

/** What a predicate says that finds nothing. One for all: the model asks millions of times. */
export const NO_FINDINGS: readonly Finding[] = [];

/** One shard's part of the slot. `content` stands for all its rows, tombstones and idempotency records: equal text, equal rows. */
export interface SlotCopy {
  readonly shard: ShardId;
  readonly ownership: Ownership;
  readonly content: string;
}

/** A move and what is known to have become of it. `isReported`: somebody was told. */
export interface MoveHistory {
  readonly move: SlotMove;
  readonly outcome: "open" | "decided" | "aborted";
  readonly isReported: boolean;
}

/** Everything about one slot at one moment. */
export interface SlotPicture {
  readonly copies: readonly SlotCopy[];
  readonly moves: readonly MoveHistory[];
}

/** All findings about one moment. */
export function inspect(picture: SlotPicture): readonly Finding[] {
  return [
    ...oneOwner(picture),
    ...goneOnlyWhenSealed(picture),
    ...decisionIsExact(picture),
    ...canReceiveAgain(picture),
  ];
}

/** I1. */
function oneOwner({ copies }: SlotPicture): readonly Finding[] {
  const owners = copies.filter(({ ownership }) => ownership.state === "OWNER").map(({ shard }) => shard);
  return owners.length <= 1 ? NO_FINDINGS : [finding("I1", `${owners.join(" and ")} both own it`)];
}

/** I12. */
function goneOnlyWhenSealed(picture: SlotPicture): readonly Finding[] {
  return picture.copies.flatMap(({ shard, ownership }) => {
    if (ownership.state !== "GONE") return [];
    const destination = copyAt(picture, ownership.to)?.ownership;
    const isLate = destination === undefined || destination.epoch < ownership.epoch;
    const isUnsealed = destination?.state === "RECEIVING" && destination.digest === null;
    const isHere = destination?.epoch === ownership.epoch;
    return isLate || (isHere && isUnsealed)
      ? [
          finding(
            "I12",
            `${shard} is gone at epoch ${ownership.epoch}, ${describe(destination)} at ${quote(ownership.to)}`,
          ),
        ]
      : [];
  });
}

/** I13: for a fenced or gone source, what the rule says is what has happened to its move. */
function decisionIsExact(picture: SlotPicture): readonly Finding[] {
  return picture.copies.flatMap(({ shard, ownership }) => {
    if (ownership.state !== "FENCED" && ownership.state !== "GONE") return [];
    const destination = copyAt(picture, ownership.to)?.ownership;
    const history = picture.moves.find(({ move }) => move.move === ownership.move);
    if (destination === undefined || history === undefined) return [];
    const said = confirmed(decisionOf(ownership.epoch, destination));
    const happened: Decision = history.outcome === "open" ? "undecided" : history.outcome;
    return said === happened
      ? []
      : [finding("I13", `${shard} is told "${said}", but ${history.move.move} is ${happened}`)];
  });
}

/** I14: the destination of an aborted move is below the epoch that a next move of the owner gives it. */
function canReceiveAgain(picture: SlotPicture): readonly Finding[] {
  const owner = picture.copies.find(({ ownership }) => ownership.state === "OWNER");
  if (owner === undefined) return NO_FINDINGS;
  return picture.moves.flatMap(({ move, outcome, isReported }) => {
    const destination = copyAt(picture, move.destination)?.ownership;
    if (!isReported || outcome !== "aborted" || destination?.state !== "ABORTED") return [];
    if (destinationStand(move, destination) !== "aborted" || destination.epoch <= owner.ownership.epoch) return [];
    return [
      finding("I14", `${move.destination} is at epoch ${destination.epoch}, its owner at ${owner.ownership.epoch}`),
    ];
  });
}

/** I2 for one change. `ownerEpochs`: all epochs that the slot ever had an owner at. */
export function epochsGrow(before: Ownership, after: Ownership, ownerEpochs: readonly number[]): readonly Finding[] {
  if (after.epoch < before.epoch) return [finding("I2", `from epoch ${before.epoch} down to ${after.epoch}`)];
  const isNewOwner = after.state === "OWNER" && before.state !== "OWNER";
  const isNewTerm = isNewOwner || (after.state === "OWNER" && after.epoch !== before.epoch);
  const latest = Math.max(0, ...ownerEpochs);
  return isNewTerm && after.epoch <= latest
    ? [finding("I2", `an owner at epoch ${after.epoch}, where epoch ${latest} had one`)]
    : NO_FINDINGS;
}

/** I7 for one change of columns: some event brings it about. `table` is the one that is in force. */
export function changedByTransition(before: Ownership, after: Ownership, table = transition): readonly Finding[] {
  if (isSameOwnership(before, after)) return NO_FINDINGS;
  const isMade = eventsTo(before, after).some((event) => {
    const outcome = table(before, event);
    return outcome.kind === "change" && isSameOwnership(outcome.next, after);
  });
  return isMade
    ? NO_FINDINGS
    : [finding("I7", `no event leads from ${JSON.stringify(before)} to ${JSON.stringify(after)}`)];
}

/** Every event that may have led there: all that an event carries is in the columns before it or after it. */
function eventsTo(before: Ownership, { epoch, move, run, to, digest }: Ownership): readonly OwnershipEvent[] {
  if (move === null || to === null) return [{ kind: "claim" }];
  const of = { move, epoch };
  const sealed = { ...of, run: run ?? "", digest: digest ?? "" };
  return [
    { kind: "begin", ...of, run: sealed.run, seenEpoch: before.epoch, source: to },
    { kind: "take-over", ...of, run: sealed.run, previousRun: before.run ?? "" },
    { kind: "fence", ...of, destination: to },
    { kind: "seal", ...sealed },
    { kind: "go", ...of },
    { kind: "decide", ...sealed },
    { kind: "abort", ...of },
    { kind: "restore", move, epoch: epoch - 1, destination: to },
  ];
}

/** I3 for a destination that has just become owner. */
export function decidedAfterGone(source: SlotCopy, destination: SlotCopy): readonly Finding[] {
  const { ownership } = destination;
  const isGone = source.ownership.state === "GONE" && source.ownership.epoch === ownership.epoch;
  if (!isGone || source.ownership.move !== ownership.move) {
    return [finding("I3", `${destination.shard} is owner while ${source.shard} is ${describe(source.ownership)}`)];
  }
  return source.content === destination.content
    ? NO_FINDINGS
    : [finding("I3", `${destination.shard} became owner with "${destination.content}", not "${source.content}"`)];
}

/** I11 for a slot that was just fenced. */
export function fencedByLiveMove(after: Ownership, moves: readonly MoveHistory[]): readonly Finding[] {
  const history = moves.find(({ move }) => move.move === after.move);
  const isEnded = history?.isReported === true && history.outcome === "aborted";
  return after.state === "FENCED" && isEnded
    ? [finding("I11", `${quote(after.move)} fences after it was aborted`)]
    : NO_FINDINGS;
}

/** I13 for a runner that says how a move has ended. */
export function reportIsTrue(move: string, said: MoveOutcome, happened: MoveHistory["outcome"]): readonly Finding[] {
  const isFalse = said === "decided" ? happened !== "decided" : said === "aborted" && happened === "decided";
  return isFalse ? [finding("I13", `${move} is reported as ${said}, but it is ${happened}`)] : NO_FINDINGS;
}

/** I6 for the copy that is about to answer a read. */
export function mayAnswerRead(picture: SlotPicture, answering: SlotCopy): readonly Finding[] {
  const { state, to } = answering.ownership;
  const other = copyAt(picture, to)?.ownership.state;
  const isFine = state === "OWNER" || (state === "FENCED" && other !== "OWNER");
  return isFine
    ? NO_FINDINGS
    : [finding("I6", `${answering.shard} answers a read as ${state}, ${quote(to)} is ${quote(other)}`)];
}

/** I15. `owners`: who owned the slot at each epoch. */
export function redirectIsTrue(
  redirect: { readonly epoch: number; readonly owner: ShardId | null },
  owners: ReadonlyMap<number, ShardId>,
): readonly Finding[] {
  if (redirect.owner === null || owners.get(redirect.epoch) === redirect.owner) return NO_FINDINGS;
  return [finding("I15", `sent to ${redirect.owner} at epoch ${redirect.epoch}, which it did not own`)];
}

/** A finding of the invariant with that number. */
export function finding(invariant: InvariantId, detail: string): Finding {
  return { invariant, detail };
}

function copyAt(picture: SlotPicture, shard: ShardId | null): SlotCopy | undefined {
  return picture.copies.find((copy) => copy.shard === shard);
}

function describe(ownership: Ownership | undefined): string {
  return ownership === undefined ? "nothing" : `${ownership.state} at epoch ${ownership.epoch}`;
}
