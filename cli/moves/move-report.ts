/**
 * A move as one document and as lines, when it has ended or nobody waits for it any more. It must not judge whether that is what was wanted.
 */
import { NO_PAUSES, type PauseHistogram, pauseQuantile } from "../../router/move-progress.ts";
import { describeRange } from "../../router/range.ts";
import type { Move, MoveState } from "../../shards/catalog/port.ts";
import { clockText, groupDigits } from "../progress.ts";
import { durationMsOf, pauseText, progressOf } from "./move-view.ts";
import { bytesText } from "./plan-move.ts";

/** What `move --wait --json` ends with, also when it is interrupted. `slots` are those that the destination owns now; times in milliseconds. */
export interface MoveReport {
  readonly id: string;
  readonly state: MoveState;
  readonly collection: string;
  readonly start: string;
  readonly end: string | null;
  readonly from: string;
  readonly to: string;
  readonly slots: number;
  readonly rows: number;
  readonly bytes: number;
  /** Of `cutovers` slots, those that one runner has fenced and decided: how long the others were fenced, nobody has seen whole. */
  readonly pauseMs: { readonly p50: number; readonly p99: number; readonly max: number; readonly cutovers: number };
  readonly durationMs: number;
}

/** A move as one document. */
export function reportOf(move: Move): MoveReport {
  const { id, state, collection, start, end, from, to } = move;
  const progress = progressOf(move);
  const pause = progress?.pause ?? NO_PAUSES;
  const [p50, p99] = [pauseQuantile(pause, 0.5), pauseQuantile(pause, 0.99)];
  const cutovers = pauseCount(pause);
  const pauseMs = { p50: toHundredths(p50), p99: toHundredths(p99), max: toHundredths(pause.maxMs), cutovers };
  return {
    ...{ id, state, collection, start, end, from, to },
    ...{ slots: progress?.decided ?? 0, rows: progress?.rows ?? 0, bytes: progress?.bytes ?? 0 },
    ...{ pauseMs, durationMs: durationMsOf(move) },
  };
}

/** The same for people. */
export function reportLines(move: Move): readonly string[] {
  const { id, state, collection, slots, rows, bytes, durationMs } = reportOf(move);
  const pause = progressOf(move)?.pause ?? NO_PAUSES;
  const unseen = slots - pauseCount(pause);
  const but = unseen > 0 ? ` (not of ${groupDigits(unseen)} slots, whose cutover was interrupted)` : "";
  return [
    `move ${id} of ${collection} ${describeRange(move)} from ${move.from} to ${move.to}: ${state}`,
    `  ${groupDigits(slots)} slots, ${groupDigits(rows)} rows, ${bytesText(bytes)} in ${clockText(durationMs / 1000)}`,
    ...(slots === 0 ? [] : [`  pauses of writers: ${pauseCount(pause) === 0 ? "not seen" : pauseText(pause)}${but}`]),
  ];
}

function pauseCount({ counts }: PauseHistogram): number {
  return counts.reduce((sum, [, count]) => sum + count, 0);
}

function toHundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
