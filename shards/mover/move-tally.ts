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

/** Lives as long as one runner drives the move. */
export class MoveTally {
  readonly #active = new Map<SlotId, SlotPhase>();
  /** Of slots that have not ended. */
  readonly #copied = new Map<string, Copied>();
  /** Everything that is not of those. */
  #progress: MoveProgress;
  #trouble: { readonly detail: string; readonly untilMs: number } | null = null;

  /** `earlier` is what runners before this one have written; null for the first. */
  constructor(slots: number, earlier: MoveProgress | null, nowMs: number) {
    const fresh = newProgress(slots, earlier?.rowsPlanned ?? 0, nowMs);
    const { pause, wasLimited = false, ...counted } = earlier ?? fresh;
    // Clients have waited for a move whose runner was gone, too. Another runner may have another clock.
    const elapsedMs =
      earlier === null ? 0 : earlier.elapsedMs + Math.max(nowMs, earlier.updatedAtMs) - earlier.startedAtMs;
    // Of its bytes a slot's part is not told; it is taken to be that of its rows.
    const bytesPerRow = counted.rows === 0 ? 0 : counted.bytes / counted.rows;
    let { rows, bytes } = counted;
    const { decided, aborted } = counted;
    for (const { slot, rows: ofSlot } of counted.active) {
      const copied = { rows: ofSlot, bytes: Math.round(ofSlot * bytesPerRow) };
      this.#copied.set(slot, copied);
      rows -= copied.rows;
      bytes -= copied.bytes;
    }
    this.#progress = { ...fresh, decided, aborted, rows, bytes, pause, elapsedMs, wasLimited };
  }

  /** Whether nobody has counted the rows of the range yet, or there were none. */
  get isUnplanned(): boolean {
    return this.#progress.rowsPlanned === 0;
  }

  /** From here on each slot that has ended is told, those from before this runner as well. */
  recount(): void {
    this.#progress = { ...this.#progress, decided: 0, aborted: 0 };
  }

  /** The limits are these now. */
  limits(limits: MoveLimits): void {
    if (isLimited(limits)) this.#progress = { ...this.#progress, wasLimited: true };
  }

  plan(rows: number): void {
    this.#progress = { ...this.#progress, rowsPlanned: rows };
  }

  begin(slot: SlotId, phase: SlotPhase): void {
    this.#active.set(slot, phase);
  }

  fenced(slot: SlotId): void {
    if (this.#active.has(slot)) this.#active.set(slot, "cutover");
  }

  /** From its first row on. */
  copying(slot: SlotId): void {
    this.#copied.delete(slot);
  }

  copied(slot: SlotId, { rows, bytes }: Copied): void {
    const before = this.#copied.get(slot) ?? NOTHING;
    this.#copied.set(slot, { rows: before.rows + rows, bytes: before.bytes + bytes });
  }

  /** The slot is not under way any more. */
  left(slot: SlotId): void {
    this.#active.delete(slot);
  }

  /** What was copied of a slot that stays where it was counts no more. */
  ended(slot: SlotId, outcome: MoveOutcome, pauseMs: number | null): void {
    const { decided, aborted, pause, rows, bytes } = this.#progress;
    const copied = this.#copied.get(slot) ?? NOTHING;
    this.#copied.delete(slot);
    const counts =
      outcome === "decided"
        ? { decided: decided + 1, rows: rows + copied.rows, bytes: bytes + copied.bytes }
        : { aborted: aborted + 1 };
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
    const active = [...this.#active].slice(0, ACTIVE_MAX).map(([slot, phase]) => {
      return { slot, phase, rows: this.#copied.get(slot)?.rows ?? 0 };
    });
    const isTroubled = this.#trouble !== null && this.#trouble.untilMs > nowMs;
    const trouble = isTroubled ? (this.#trouble?.detail ?? null) : null;
    const sums = { ...this.#progress };
    for (const { rows, bytes } of this.#copied.values()) {
      sums.rows += rows;
      sums.bytes += bytes;
    }
    return { ...sums, active, trouble, updatedAtMs: nowMs };
  }
}

const NOTHING: Copied = { rows: 0, bytes: 0 };
