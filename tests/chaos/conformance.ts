/**
 * Holds what runners say they did against the model: each step has to be the one that the model's step function takes from what
 * the runner had seen, each reply one that the table of transitions gives, and all logs together have to be of one history.
 * It must not guess: a log that cannot be explained is a fault.
 */
import { isDeepStrictEqual } from "node:util";
import { quote } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { EventReply } from "../../router/ownership-wire.ts";
import {
  finishedCopy,
  foundEqual,
  lostSight,
  nextStep,
  type RunnerStep,
  type RunnerView,
  sawSide,
  sentStatement,
  startedCopy,
  startRunner,
} from "../../router/slot-move.ts";
import type { Side } from "../../router/slot-stand.ts";
import { type OwnershipEvent, transition } from "../../router/slot-transition.ts";
import type { MoveTrace } from "../../shards/mover/move-trace.ts";
import { SharedHistory } from "./shared-history.ts";

/** What of a runner's log can be explained so far. `awaits`: what has to come next, beside a new step. */
interface Replay {
  readonly view: RunnerView;
  readonly awaits: Awaits;
}

/** A replay with the log so far, for people. */
interface Followed extends Replay {
  readonly log: readonly MoveTrace[];
}

type Awaits =
  | { readonly kind: "step" }
  | { readonly kind: "reply"; readonly at: Side; readonly event: OwnershipEvent }
  | { readonly kind: "work"; readonly work: "copy" | "reconcile"; readonly run: string }
  | { readonly kind: "nothing" };

type TraceOf<Step extends MoveTrace["step"]> = Extract<MoveTrace, { readonly step: Step }>;

const STEP: Awaits = { kind: "step" };

/** Most lines of a runner's log that are shown. */
const SHOWN_MAX = 60;

/** Stands for a fresh run where the log does not name one. */
const NO_RUN = "(a fresh run)";

/** A log that the model does not explain. */
class Unexplained extends Error {}

/** Takes the steps of all runners, in the order of each runner's own log. Memory: a view for each runner that has not ended. */
export class Conformance {
  readonly #replays = new Map<string, Followed>();
  readonly #ended = new Set<string>();
  readonly #shared = new SharedHistory();
  /** What cannot be explained; the rest of such a runner's log is not looked at. */
  readonly faults: string[] = [];
  #steps = 0;

  get steps(): number {
    return this.#steps;
  }

  get runners(): number {
    return this.#replays.size + this.#ended.size;
  }

  take(trace: MoveTrace): void {
    const { runner } = trace;
    this.#steps += 1;
    const known = this.#replays.get(runner);
    if (known?.awaits.kind === "nothing") return;
    try {
      if (this.#ended.has(runner)) throw new Unexplained("the runner had ended");
      const replay = known === undefined ? begun(trace) : after(known, trace);
      const contradiction = this.#shared.take(trace);
      if (contradiction !== null) throw new Unexplained(contradiction);
      if (replay === null) this.#end(runner);
      else this.#replays.set(runner, { ...replay, log: [...(known?.log ?? []), trace].slice(-SHOWN_MAX) });
    } catch (error) {
      if (!(error instanceof Unexplained)) throw error;
      this.faults.push(describeFault(error, [...(known?.log ?? []), trace]));
      if (known === undefined) this.#end(runner);
      else this.#replays.set(runner, { ...known, awaits: { kind: "nothing" } });
    }
  }

  #end(runner: string): void {
    this.#replays.delete(runner);
    this.#ended.add(runner);
  }
}

function describeFault({ message }: Unexplained, log: readonly MoveTrace[]): string {
  const last = log.at(-1);
  const lines = log.map((trace) => `  ${JSON.stringify(trace)}`);
  return [`slot ${quote(last?.slot)}, ${last?.step}: ${message}; the runner's log up to it:`, ...lines].join("\n");
}

function begun(trace: MoveTrace): Replay {
  if (trace.step !== "start") throw new Unexplained("expected the start of a runner");
  if (trace.slotMove.move !== trace.move) throw new Unexplained("the runner is of another move");
  return { view: startRunner(trace.slotMove, trace.goal), awaits: STEP };
}

/** Null at the end of the log. */
function after(replay: Replay, trace: MoveTrace): Replay | null {
  if (trace.move !== replay.view.move.move) throw new Unexplained("the runner is of another move");
  switch (trace.step) {
    case "start":
      throw new Unexplained("the runner had started");
    case "look":
      expectStep(replay, { kind: "look", at: trace.at });
      return awaitStep(sawSide(replay.view, trace.at, trace.ownership));
    case "look-failed":
      expectStep(replay, { kind: "look", at: trace.at });
      return awaitStep(replay.view);
    case "send":
      return afterSend(replay, trace);
    case "reply":
    case "reply-lost":
      return afterReply(replay, trace);
    case "copy":
      expectStep(replay, { kind: "copy", run: trace.run });
      return { view: startedCopy(replay.view), awaits: { kind: "work", work: "copy", run: trace.run } };
    case "reconcile":
      expectStep(replay, { kind: "reconcile", run: trace.run });
      return { view: replay.view, awaits: { kind: "work", work: "reconcile", run: trace.run } };
    case "copied":
    case "equal":
    case "lost-sight":
    case "work-failed":
      return awaitStep(afterWork(replay, trace));
    case "end":
      expectStep(replay, { kind: "end", outcome: trace.outcome });
      return null;
    case "stop":
      expectStop(replay, trace);
      return null;
    default:
      throw new Unexplained(`there is no such step: ${quote(trace satisfies never)}`);
  }
}

function awaitStep(view: RunnerView): Replay {
  return { view, awaits: STEP };
}

/** Work that was told to stop leaves no line, so a new step may follow it at once. */
function expectStep({ view, awaits }: Replay, logged: RunnerStep, freshRun = NO_RUN): void {
  if (awaits.kind === "reply") throw new Unexplained(`expected the reply to ${awaits.event.kind}`);
  const expected = nextStep(view, freshRun);
  if (!isDeepStrictEqual(expected, logged)) throw new Unexplained(`expected ${JSON.stringify(expected)}`);
}

function afterSend(replay: Replay, { at, event }: TraceOf<"send">): Replay {
  const asksRun = event.kind === "begin" || event.kind === "take-over";
  expectStep(replay, { kind: "send", at, event }, asksRun ? event.run : NO_RUN);
  return { view: sentStatement(replay.view, at, event), awaits: { kind: "reply", at, event } };
}

function afterReply({ view, awaits }: Replay, trace: TraceOf<"reply" | "reply-lost">): Replay {
  const { at, event } = trace;
  if (awaits.kind !== "reply" || awaits.at !== at || !isDeepStrictEqual(awaits.event, event)) {
    throw new Unexplained("nothing was sent that this could be the reply to");
  }
  if (trace.step === "reply-lost") return awaitStep(view);
  const fault = faultOfReply(event, trace.reply);
  if (fault !== null) throw new Unexplained(fault);
  return awaitStep(sawSide(view, at, trace.reply.ownership));
}

/** Whether the table gives such a reply: by the columns that it names, which are those after the event. */
function faultOfReply(event: OwnershipEvent, reply: EventReply): string | null {
  const again = transition(reply.ownership, event);
  if (reply.kind === "refused") {
    const { kind, reason, detail } = reply;
    return isDeepStrictEqual(again, { kind, reason, detail }) ? null : `the table says ${JSON.stringify(again)}`;
  }
  if (again.kind !== "done") return `the event has not had its effect: ${JSON.stringify(again)}`;
  return reply.kind === "changed" ? faultOfChange(event, reply.ownership) : null;
}

/** What "done" does not look at: a change leaves nothing of an older time in the columns. */
function faultOfChange(event: OwnershipEvent, { state, run, digest }: Ownership): string | null {
  const isPlain = event.kind === "fence" || event.kind === "restore";
  if (isPlain && (run !== null || digest !== null)) return "a run or a digest is left of an older time";
  if (event.kind === "begin" && digest !== null) return "a digest is left of an older time";
  const isSealed = event.kind === "seal" || event.kind === "decide";
  if (isSealed && (run !== event.run || digest !== event.digest)) return "it was done under another run or digest";
  return EFFECTS[event.kind] === state ? null : `${event.kind} leads to ${EFFECTS[event.kind]}`;
}

const EFFECTS: Readonly<Record<OwnershipEvent["kind"], Ownership["state"]>> = {
  claim: "OWNER",
  begin: "RECEIVING",
  "take-over": "RECEIVING",
  fence: "FENCED",
  seal: "RECEIVING",
  go: "GONE",
  decide: "OWNER",
  abort: "ABORTED",
  restore: "OWNER",
};

function afterWork(
  { view, awaits }: Replay,
  trace: TraceOf<"copied" | "equal" | "lost-sight" | "work-failed">,
): RunnerView {
  if (awaits.kind !== "work" || awaits.run !== trace.run) throw new Unexplained("no such work was under way");
  if (trace.step === "copied" && awaits.work === "copy") return finishedCopy(view);
  if (trace.step === "equal" && awaits.work === "reconcile") return foundEqual(view, trace.digest);
  if (trace.step === "lost-sight" || trace.step === "work-failed") return lostSight(view);
  throw new Unexplained(`${awaits.work} does not end so`);
}

/** A runner may be told to stop between any two steps. */
function expectStop({ view, awaits }: Replay, { reason }: TraceOf<"stop">): void {
  if (awaits.kind === "reply") throw new Unexplained(`expected the reply to ${awaits.event.kind}`);
  if (reason === "interrupted") return;
  const expected = nextStep(view, NO_RUN);
  if (expected.kind !== "stop" || expected.reason !== reason)
    throw new Unexplained(`expected ${JSON.stringify(expected)}`);
}
