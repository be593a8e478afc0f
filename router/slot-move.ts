/**
 * Whoever drives one slot's move, as a pure step function: given what it has seen, what is the next question, statement or
 * answer. A runner may stop anywhere, and another may start from what it reads; the mover, `resume`, `abort` and `doctor` are
 * all this function. It must not remember anything outside its view.
 */
import type { Ownership } from "./ownership.ts";
import { type Side, type SlotMove, type Stage, stageOf } from "./slot-stand.ts";
import type { OwnershipEvent } from "./slot-transition.ts";

/**
 * The run token that this runner has asked for. `asked`: not yet seen in the columns. `clean`: held, and no page was written under
 * it that was read before the fence. `used`: held, and pages may still be under way, so nothing may be sealed under it.
 */
export interface HeldRun {
  readonly token: string;
  readonly use: "asked" | "clean" | "used";
}

/** `finish` turns into an end without result where the move cannot be finished any more. `help`: only what needs no run. */
export type MoveGoal = "finish" | "abort" | "help";

/** All that a runner knows. `source` and `destination` are columns as last read, null: to be read (again). */
export interface RunnerView {
  readonly move: SlotMove;
  readonly goal: MoveGoal;
  readonly source: Ownership | null;
  readonly destination: Ownership | null;
  /** The side that was read last; the other one is older. */
  readonly latest: Side | null;
  readonly run: HeldRun | null;
  /** Whether this runner has once copied everything, so that only a difference is left. */
  readonly copied: boolean;
  /** Digest of both sides, found equal under the held run while the source was fenced. */
  readonly agreedDigest: string | null;
}

/** How a move of one slot ended. `over`: both sides have gone on since; the columns do not say how it ended. */
export type MoveOutcome = "decided" | "aborted" | "over";

/** What a runner does next. `copy` and `reconcile` are work of many statements, each guarded by `run`. */
export type RunnerStep =
  | { readonly kind: "look"; readonly at: Side }
  | { readonly kind: "send"; readonly at: Side; readonly event: OwnershipEvent }
  | { readonly kind: "copy"; readonly run: string }
  | { readonly kind: "reconcile"; readonly run: string }
  | { readonly kind: "end"; readonly outcome: MoveOutcome }
  | {
      readonly kind: "stop";
      readonly reason: "taken-over" | "nothing-to-help" | "store-lost";
      readonly detail: string;
    };

/** A runner that knows nothing yet. */
export function startRunner(move: SlotMove, goal: MoveGoal): RunnerView {
  return { move, goal, source: null, destination: null, latest: null, run: null, copied: false, agreedDigest: null };
}

/** `freshRun` is a token that nobody has used; it is taken up only by a step that contains it. */
export function nextStep(view: RunnerView, freshRun: string): RunnerStep {
  const { source, destination } = view;
  if (source === null) return look("source");
  if (destination === null) return look("destination");
  const seen: Seen = { ...view, source, destination, freshRun };
  const stage = stageOf(view.move, source, destination);
  const isWrittenOff = view.goal === "abort" && ABORTABLE.has(stage);
  return isWrittenOff ? endAtDestination(seen) : STEPS[stage](seen);
}

/** What the runner knows once it has read a side's columns, by a question or in the reply to a statement. */
export function sawSide(view: RunnerView, side: Side, ownership: Ownership): RunnerView {
  if (side === "source") return { ...view, source: ownership, latest: side };
  const isGranted = view.run?.use === "asked" && ownership.run === view.run.token;
  const run: HeldRun | null = view.run !== null && isGranted ? { token: view.run.token, use: "clean" } : view.run;
  return { ...view, destination: ownership, latest: side, run };
}

/** What the runner knows once a statement has left, whatever became of it. */
export function sentStatement(view: RunnerView, at: Side, event: OwnershipEvent): RunnerView {
  const unseen = at === "source" ? { ...view, source: null } : { ...view, destination: null };
  if (event.kind !== "begin" && event.kind !== "take-over") return unseen;
  return { ...unseen, run: { token: event.run, use: "asked" }, agreedDigest: null };
}

/** From the first page on that is read before the fence, the held run is used. */
export function startedCopy(view: RunnerView): RunnerView {
  return view.run === null ? view : { ...view, run: { ...view.run, use: "used" } };
}

/** Everything was copied once. */
export function finishedCopy(view: RunnerView): RunnerView {
  return { ...view, copied: true };
}

/** Both sides were found equal, with the source fenced for this move and the destination filled under the held run. */
export function foundEqual(view: RunnerView, digest: string): RunnerView {
  return { ...view, agreedDigest: digest };
}

/** Work met other columns than were seen: all is to be read again. */
export function lostSight(view: RunnerView): RunnerView {
  return { ...view, source: null, destination: null, latest: null, agreedDigest: null };
}

interface Seen extends RunnerView {
  readonly source: Ownership;
  readonly destination: Ownership;
  readonly freshRun: string;
}

/** Where an abort ends the move at the destination, before anything happens at the source. */
const ABORTABLE: ReadonlySet<Stage> = new Set(["begin", "fill", "seal", "go", "decide"]);

const STEPS: Readonly<Record<Stage, (seen: Seen) => RunnerStep>> = {
  begin,
  fill,
  seal,
  go: ({ move }) => send("source", { kind: "go", move: move.move, epoch: move.epoch }),
  decide,
  decided: () => ({ kind: "end", outcome: "decided" }),
  beyond: ({ latest }) => (latest === "source" ? { kind: "end", outcome: "decided" } : look("source")),
  restore: ({ move }) => {
    const { destination, epoch } = move;
    return send("source", { kind: "restore", move: move.move, epoch, destination });
  },
  aborted: () => ({ kind: "end", outcome: "aborted" }),
  "crowded-out": ({ latest }) => (latest === "source" ? { kind: "end", outcome: "aborted" } : look("source")),
  "end-unbegun": endAtDestination,
  "end-filling": endAtDestination,
  over: () => ({ kind: "end", outcome: "over" }),
  "source-behind": (seen) => lookBehind(seen, "source"),
  "destination-behind": (seen) => lookBehind(seen, "destination"),
};

function begin(seen: Seen): RunnerStep {
  if (seen.goal === "help") return nothingToHelp();
  const { move, destination, freshRun } = seen;
  if (destination.state === "OWNER" || destination.state === "FENCED") {
    return storeLost("destination", `it is ${destination.state} at epoch ${destination.epoch} beside another owner`);
  }
  const { epoch, source } = move;
  return send("destination", {
    kind: "begin",
    move: move.move,
    epoch,
    run: freshRun,
    seenEpoch: destination.epoch,
    source,
  });
}

/** Copy under one run, then a fresh one: a late page of the copy must not land on what the difference has put right. */
function fill(seen: Seen): RunnerStep {
  const run = runOrStep(seen);
  if ("kind" in run) return run;
  if (!seen.copied) return { kind: "copy", run: run.token };
  if (run.use === "used") return takeOver(seen);
  const { move, epoch, destination } = seen.move;
  return send("source", { kind: "fence", move, epoch, destination });
}

function seal(seen: Seen): RunnerStep {
  const run = runOrStep(seen);
  if ("kind" in run) return run;
  if (run.use === "used") return takeOver(seen);
  if (seen.agreedDigest === null) return { kind: "reconcile", run: run.token };
  const { move, epoch } = seen.move;
  return send("destination", { kind: "seal", move, epoch, run: run.token, digest: seen.agreedDigest });
}

/** The run that this runner holds, or what to do because it holds none. */
function runOrStep(seen: Seen): HeldRun | RunnerStep {
  if (seen.goal === "help") return nothingToHelp();
  if (seen.run === null || seen.run.use === "asked") return takeOver(seen);
  if (seen.run.token === seen.destination.run) return seen.run;
  return { kind: "stop", reason: "taken-over", detail: "another runner drives this move now" };
}

function takeOver(seen: Seen): RunnerStep {
  const { move, epoch } = seen.move;
  const previousRun = seen.destination.run ?? "";
  return send("destination", { kind: "take-over", move, epoch, run: seen.freshRun, previousRun });
}

function decide({ move: { move, epoch }, destination: { run, digest } }: Seen): RunnerStep {
  if (run === null || digest === null) return storeLost("destination", "it is sealed by nobody");
  return send("destination", { kind: "decide", move, epoch, run, digest });
}

/** Not begun: it is begun first, so that a late begin finds another epoch. */
function endAtDestination(seen: Seen): RunnerStep {
  if (seen.goal === "help") return nothingToHelp();
  const { move, epoch } = seen.move;
  return seen.destination.epoch < epoch ? begin(seen) : send("destination", { kind: "abort", move, epoch });
}

function lookBehind({ latest, source, destination }: Seen, behind: Side): RunnerStep {
  if (latest !== behind) return look(behind);
  const found = behind === "source" ? source : destination;
  return storeLost(behind, `${found.state} at epoch ${found.epoch} is older than what the other side has seen of it`);
}

function look(at: Side): RunnerStep {
  return { kind: "look", at };
}

function send(at: Side, event: OwnershipEvent): RunnerStep {
  return { kind: "send", at, event };
}

function nothingToHelp(): RunnerStep {
  return { kind: "stop", reason: "nothing-to-help", detail: "this step belongs to whoever holds the run" };
}

function storeLost(side: Side, detail: string): RunnerStep {
  return { kind: "stop", reason: "store-lost", detail: `${side}: ${detail}` };
}
