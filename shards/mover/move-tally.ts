/**
 * What a runner of a move counts: from it a progress is made whenever one is written.
 * It must not be what anybody goes on from, except for sums that nothing else remembers.
 */

import type { SlotId } from "../../router/ids.ts";
import { isLimited, type MoveLimits } from "../../router/move-plan.ts";
import { ACTIVE_MAX, addPause, type MoveProgress, newProgress, type SlotPhase } from "../../router/move-progress.ts";
import type { MoveOutcome } from "../../router/slot-move.ts";
import type { Copied } from "./slot-copy.ts";

/** How long a failure is told when nothing repeats it, in milliseconds. */
const TROUBLE_MS = 5000;

interface ActiveEntry {
  phase: SlotPhase;
  rows: number;
}

/** Lives as long as one runner drives the move. */
export class MoveTally {
  readonly #active = new Map<SlotId, ActiveEntry>();
  #progress: MoveProgress;
  #trouble: { readonly detail: string; readonly untilMs: number } | null = null;

  /** `earlier` is what runners before this one have written; null for the first. */
  constructor(slots: number, earlier: MoveProgress | null, nowMs: number) {
    const fresh = newProgress(slots, earlier?.rowsPlanned ?? 0, nowMs);
    const { rows, bytes, pause, wasLimited = false } = earlier ?? fresh;
    const elapsedMs = earlier === null ? 0 : earlier.elapsedMs + earlier.updatedAtMs - earlier.startedAtMs;
    this.#progress = { ...fresh, rows, bytes, pause, elapsedMs, wasLimited };
  }

  /** The limits are these now. */
  limits(limits: MoveLimits): void {
    if (isLimited(limits)) this.#progress = { ...this.#progress, wasLimited: true };
  }

  plan(rows: number): void {
    this.#progress = { ...this.#progress, rowsPlanned: rows };
  }

  begin(slot: SlotId, phase: SlotPhase): void {
    this.#active.set(slot, { phase, rows: 0 });
  }

  fenced(slot: SlotId): void {
    const entry = this.#active.get(slot);
    if (entry !== undefined) entry.phase = "cutover";
  }

  copied(slot: SlotId, { rows, bytes }: Copied): void {
    const entry = this.#active.get(slot);
    if (entry !== undefined) entry.rows += rows;
    const { rows: rowsBefore, bytes: bytesBefore } = this.#progress;
    this.#progress = { ...this.#progress, rows: rowsBefore + rows, bytes: bytesBefore + bytes };
  }

  /** The slot is not under way any more. */
  left(slot: SlotId): void {
    this.#active.delete(slot);
  }

  ended(outcome: MoveOutcome, pauseMs: number | null): void {
    const { decided, aborted, pause } = this.#progress;
    const counts = outcome === "decided" ? { decided: decided + 1 } : { aborted: aborted + 1 };
    this.#progress = {
      ...this.#progress,
      ...counts,
      pause: pauseMs === null ? pause : addPause(pause, pauseMs),
    };
  }

  trouble(detail: string, nowMs: number): void {
    this.#trouble = { detail, untilMs: nowMs + TROUBLE_MS };
  }

  progress(nowMs: number): MoveProgress {
    const active = [...this.#active].slice(0, ACTIVE_MAX).map(([slot, entry]) => ({ slot, ...entry }));
    const isTroubled = this.#trouble !== null && this.#trouble.untilMs > nowMs;
    const trouble = isTroubled ? (this.#trouble?.detail ?? null) : null;
    return { ...this.#progress, active, trouble, updatedAtMs: nowMs };
  }
}
