/**
 * Drives one slot's move through the steps that slot-move.ts names, until it ends or somebody else drives it.
 * It must not decide a step, nor let anything beside its view decide one. What is lost is looked at again.
 */

import type { Ownership } from "../../router/ownership.ts";
import type { EventReply } from "../../router/ownership-wire.ts";
import {
  finishedCopy,
  foundEqual,
  lostSight,
  type MoveGoal,
  type MoveOutcome,
  nextStep,
  type RunnerStep,
  type RunnerView,
  sawSide,
  sentStatement,
  startedCopy,
  startRunner,
} from "../../router/slot-move.ts";
import { type Side, type SlotMove, sourceStand } from "../../router/slot-stand.ts";
import type { OwnershipEvent } from "../../router/slot-transition.ts";
import type { Clock } from "../clock.ts";
import type { SlotAddress } from "../store/port.ts";
import type { CutoverGate } from "./cutover-gate.ts";
import type { Trace, TraceStep } from "./move-trace.ts";
import type { OwnRows } from "./own-rows.ts";
import type { RowsAhead } from "./reply-lines.ts";
import { copySlot, readOwnAhead, recentMsOf, reconcileSlot, type SlotCopyContext } from "./slot-copy.ts";
import type { SlotSide } from "./slot-side.ts";

/** Clocks and tokens of whoever runs. */
export interface RunnerWorld {
  readonly clock: Clock;
  /** Milliseconds from any fixed point, for durations. */
  readonly monotonicMs: () => number;
  /** A token that nobody has ever used: for runs and for the runner itself. */
  readonly newToken: () => string;
  readonly trace: Trace;
}

/** What one runner stands on. `copying` null: it never copies, as a helper never does. */
export interface SlotRunOptions extends RunnerWorld {
  readonly address: SlotAddress;
  readonly move: SlotMove;
  readonly goal: MoveGoal;
  readonly sides: Readonly<Record<Side, SlotSide>>;
  readonly copying: CopyingParts | null;
  /** Told when writers begin to wait, and each time something fails. */
  readonly onFenced?: () => void;
  /** Told when nobody has to wait for the slot any more, and might not know yet; with the destination's columns where it has decided. */
  readonly onSettled?: (destination: Ownership | null) => void;
  readonly onTrouble?: (detail: string) => void;
  /** Ends the run; one that has fenced the slot is given a moment to come through, so that nobody waits for its successor. */
  readonly signal: AbortSignal;
}

/** What a runner that copies shares with the other runners of its move. */
export interface CopyingParts extends Pick<SlotCopyContext, "store" | "limit" | "courtesy" | "onCopying" | "onCopied"> {
  readonly cutovers: Pick<CutoverGate, "enter">;
}

/**
 * How a run ended. `pauseMs`: from when the fence was sent until the reply to the decision, in milliseconds; null when this runner
 * did not do both. `interrupted`: the signal ended it.
 */
export type SlotEnd =
  | { readonly kind: "end"; readonly outcome: MoveOutcome; readonly pauseMs: number | null }
  | SlotStop;

/** A run that gave up before the move ended. */
interface SlotStop {
  readonly kind: "stop";
  readonly reason: "taken-over" | "nothing-to-help" | "store-lost" | "interrupted";
  readonly detail: string;
}

/** First and longest pause after a failure, in milliseconds. */
const PAUSE_MS_FIRST = 10;
const PAUSE_MS_MAX = 2000;

/** How long a run that was told to end may go on when it has fenced the slot, in milliseconds. */
const CUTOVER_GRACE_MS = 2000;

const INTERRUPTED: SlotStop = { kind: "stop", reason: "interrupted", detail: "the run was told to end" };

/** Drives the slot. Rejects only when an assumption is broken. */
export function runSlot(options: SlotRunOptions): Promise<SlotEnd> {
  return new SlotRun(options).drive();
}

/** What the fence has brought: rows of the source, unless it sends none, and own ones, of which the first page is under way under `run`. */
interface FencedAhead {
  readonly run: string;
  readonly own: OwnRows;
  readonly rows: RowsAhead | null;
}

class SlotRun {
  readonly #options: SlotRunOptions;
  readonly #runner: string;
  #view: RunnerView;
  #failures = 0;
  #fencedAtMs: number | null = null;
  #decidedAtMs: number | null = null;
  #toldToEndAtMs: number | null = null;
  /** See `CopyOutcome`. */
  #knownAtMs: number | null = null;
  /** Work has failed: an older source knows no answer in short. */
  #isAskedWhole = false;
  #leaveGate: (() => void) | null = null;
  /** For the comparison directly behind the fence, and nothing else. */
  #ahead: FencedAhead | null = null;

  constructor(options: SlotRunOptions) {
    this.#options = options;
    this.#runner = options.newToken();
    this.#view = startRunner(options.move, options.goal);
  }

  async drive(): Promise<SlotEnd> {
    const { move, goal } = this.#options;
    this.#trace({ step: "start", goal, slotMove: move });
    try {
      return await this.#takeSteps();
    } finally {
      this.#leaveGate?.();
      this.#dropAhead();
    }
  }

  async #takeSteps(): Promise<SlotEnd> {
    const { newToken } = this.#options;
    for (;;) {
      if (this.#mustEnd()) return this.#stopped(INTERRUPTED);
      const step = nextStep(this.#view, newToken());
      if (step.kind === "stop") return this.#stopped({ kind: "stop", reason: step.reason, detail: step.detail });
      if (step.kind === "end") return this.#ended(step.outcome);
      if (step.kind !== "send" || step.event.kind !== "fence" || !(await this.#waitAtGate())) await this.#take(step);
    }
  }

  /** Whether there was something to wait for: what is to be done then is to be asked again. */
  async #waitAtGate(): Promise<boolean> {
    const { copying, signal } = this.#options;
    if (copying === null || this.#leaveGate !== null) return false;
    this.#leaveGate = await copying.cutovers.enter(signal);
    return true;
  }

  async #take(step: Exclude<RunnerStep, { readonly kind: "end" | "stop" }>): Promise<void> {
    if (step.kind !== "reconcile") this.#dropAhead();
    switch (step.kind) {
      case "look":
        return this.#look(step.at);
      case "send":
        return this.#send(step.at, step.event);
      case "copy":
        return this.#copy(step.run);
      case "reconcile":
        return this.#reconcile(step.run);
      default:
        throw new Error(`broken assumption: step ${JSON.stringify(step satisfies never)}`);
    }
  }

  async #look(at: Side): Promise<void> {
    try {
      const ownership = await this.#options.sides[at].look();
      this.#trace({ step: "look", at, ownership });
      this.#view = sawSide(this.#view, at, ownership);
    } catch (error) {
      this.#trace({ step: "look-failed", at, error: messageOf(error) });
      await this.#pauseAfter(error);
    }
  }

  async #send(at: Side, event: OwnershipEvent): Promise<void> {
    this.#trace({ step: "send", at, event });
    const seen = at === "source" ? this.#view.source : this.#view.destination;
    this.#view = sentStatement(this.#view, at, event);
    if (event.kind === "fence") this.#fence();
    try {
      const reply = await (event.kind === "fence" ? this.#sendFence(event, seen) : this.#sendTo(at, event, seen));
      this.#trace({ step: "reply", at, event, reply });
      this.#view = sawSide(this.#view, at, reply.ownership);
      if (reply.kind !== "refused") this.#done(event, reply.ownership);
      // Somebody else has changed the columns; twice in a row that is no chance, and hurry would not help.
      if (reply.kind === "refused") await this.#pause();
      else this.#failures = 0;
    } catch (error) {
      this.#trace({ step: "reply-lost", at, event, error: messageOf(error) });
      await this.#pauseAfter(error);
    }
  }

  async #sendTo(at: Side, event: OwnershipEvent, seen: Ownership | null): Promise<EventReply> {
    const { reply } = await this.#options.sides[at].send(event, { seen, rows: null });
    return reply;
  }

  /** Whoever copies compares next: the source's rows come with the reply, and own ones are read while it is awaited. */
  async #sendFence(event: OwnershipEvent, seen: Ownership | null): Promise<EventReply> {
    const { address, copying, sides, monotonicMs } = this.#options;
    const { run, destination: own } = this.#view;
    if (copying === null || run?.use !== "clean") return this.#sendTo("source", event, seen);
    const recentMs = this.#askedMs(recentMsOf(this.#knownAtMs, monotonicMs()));
    const { store, courtesy } = copying;
    const ownRows = readOwnAhead({ address, store, courtesy, own }, run.token);
    const { reply, rows } = await sides.source.send(event, { seen, rows: { recentMs } });
    this.#ahead = { run: run.token, own: ownRows, rows };
    return reply;
  }

  #askedMs(recentMs: number | null): number | null {
    return this.#isAskedWhole ? null : recentMs;
  }

  #dropAhead(): void {
    this.#ahead?.rows?.drop();
    this.#ahead = null;
  }

  #fence(): void {
    this.#fencedAtMs ??= this.#options.monotonicMs();
    this.#options.onFenced?.();
  }

  #done({ kind }: OwnershipEvent, ownership: Ownership): void {
    if (kind === "restore") this.#options.onSettled?.(null);
    if (kind !== "decide") return;
    this.#decidedAtMs = this.#options.monotonicMs();
    this.#leaveGate?.();
    this.#options.onSettled?.(ownership);
  }

  async #copy(run: string): Promise<void> {
    this.#view = startedCopy(this.#view);
    this.#trace({ step: "copy", run });
    // Nobody waits for a whole copy: whoever has lost sight at the gate takes a new turn.
    this.#leaveGate?.();
    this.#leaveGate = null;
    await this.#work(run, async (context) => {
      const outcome = await copySlot(context, run);
      if (outcome.kind === "copied") {
        this.#trace({ step: "copied", run });
        this.#view = finishedCopy(this.#view);
        this.#knownAtMs = outcome.knownAtMs;
      }
      return outcome.kind;
    });
  }

  async #reconcile(run: string): Promise<void> {
    this.#trace({ step: "reconcile", run });
    const held = this.#ahead?.run === run ? this.#ahead : null;
    const ahead = held === null ? null : { own: held.own, source: held.rows?.parts ?? null };
    await this.#work(run, async (context) => {
      const outcome = await reconcileSlot(context, { run, knownAtMs: this.#knownAtMs, ahead });
      if (outcome.kind === "equal") {
        this.#trace({ step: "equal", run, digest: outcome.digest });
        this.#view = foundEqual(this.#view, outcome.digest);
      }
      return outcome.kind;
    });
    this.#dropAhead();
  }

  async #work(run: string, work: (context: SlotCopyContext) => Promise<string>): Promise<void> {
    const { address, move, sides, copying, monotonicMs, signal } = this.#options;
    if (copying === null) throw new Error("broken assumption: a helper copies nothing");
    // Work after the fence is short, and the grace is for it.
    const isCutover = this.#isCutover();
    const seen = this.#view;
    const context = {
      ...{ address, move, monotonicMs, ...copying },
      source: (recentMs: number | null) => sides.source.rows({ seen: seen.source, recentMs: this.#askedMs(recentMs) }),
      own: seen.destination,
      signal: isCutover ? NEVER : signal,
    };
    try {
      const outcome = await work(context);
      if (outcome !== "lost-sight") {
        this.#failures = 0;
        return;
      }
      this.#trace({ step: "lost-sight", run });
      this.#view = lostSight(this.#view);
      await this.#pause();
    } catch (error) {
      this.#trace({ step: "work-failed", run, error: messageOf(error) });
      await this.#pauseAfter(error);
      // It may be the source or the destination that is not what it was.
      this.#view = lostSight(this.#view);
      this.#isAskedWhole = true;
    }
  }

  /** Whether writers wait for this very move, as far as this runner has seen. */
  #isCutover(): boolean {
    const { move, source } = this.#view;
    if (source === null) return this.#fencedAtMs !== null && this.#decidedAtMs === null;
    const stand = sourceStand(move, source);
    return stand === "fenced" || stand === "gone";
  }

  #mustEnd(): boolean {
    if (!this.#options.signal.aborted) return false;
    if (!this.#isCutover()) return true;
    const nowMs = this.#options.monotonicMs();
    this.#toldToEndAtMs ??= nowMs;
    return nowMs - this.#toldToEndAtMs > CUTOVER_GRACE_MS || this.#failures > 0;
  }

  async #pauseAfter(error: unknown): Promise<void> {
    this.#options.onTrouble?.(messageOf(error));
    await this.#pause();
  }

  async #pause(): Promise<void> {
    const pauseMs = Math.min(PAUSE_MS_FIRST * 2 ** this.#failures, PAUSE_MS_MAX);
    this.#failures += 1;
    await sleepUntilAborted(this.#options.clock, pauseMs, this.#options.signal);
  }

  #ended(outcome: MoveOutcome): SlotEnd {
    this.#trace({ step: "end", outcome });
    const isWhole = this.#fencedAtMs !== null && this.#decidedAtMs !== null;
    const pauseMs = isWhole ? Number(this.#decidedAtMs) - Number(this.#fencedAtMs) : null;
    return { kind: "end", outcome, pauseMs };
  }

  #stopped(end: SlotStop): SlotEnd {
    this.#trace({ step: "stop", reason: end.reason, detail: end.detail });
    return end;
  }

  #trace(step: TraceStep): void {
    const { clock, trace, move, address } = this.#options;
    trace({ ...step, atMs: clock.nowMs(), runner: this.#runner, move: move.move, ...address });
  }
}

const NEVER = new AbortController().signal;

/** Sleeps in slices, so that nobody who was told to stop sleeps on. */
export async function sleepUntilAborted(clock: Clock, durationMs: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = durationMs; leftMs > 0 && !signal.aborted; leftMs -= SLICE_MS) {
    await clock.sleep(Math.min(leftMs, SLICE_MS));
  }
}

const SLICE_MS = 100;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
