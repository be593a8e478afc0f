/**
 * How long a planned move will take, by what earlier moves took and by its limits. An estimate for people and programs: nothing may
 * depend on it. It must not ask anybody; whoever plans brings what is known of moves that have ended.
 */
import type { ShardId } from "./ids.ts";
import { limitedDurationMs, type MoveLimits, type MovePlan } from "./move-plan.ts";

/** An empty slot takes its own time; as much as about this many rows that are copied as fast as it goes. */
export const SLOT_ROWS = 25;

/** A move that has moved all of its range, and what it took. */
export interface MoveExperience {
  readonly from: ShardId;
  readonly to: ShardId;
  /** It had limits at some time: it does not tell how fast it could have been. */
  readonly wasLimited: boolean;
  readonly slots: number;
  readonly rows: number;
  readonly durationMs: number;
}

/**
 * What an estimate stands on: the limits; the last moves between the same shards, or, where there was none, of the same collection
 * between any.
 */
export type EstimateBasis =
  | { readonly kind: "limits" }
  | { readonly kind: "same-shards" | "collection"; readonly moves: number };

/** About how long, in milliseconds. `limits`: at least so long. */
export interface MoveEstimate {
  readonly ms: number;
  readonly basis: EstimateBasis;
}

/** So many of the last moves are looked at: machines and data change. */
const MOVES_MAX = 5;

/**
 * The longer of what the limits and what earlier moves make of it; null when there is neither. `ended`: of the collection, latest
 * first.
 */
export function estimateMove(
  plan: Pick<MovePlan, "from" | "to" | "slots" | "rows" | "bytes">,
  limits: MoveLimits,
  ended: readonly MoveExperience[],
): MoveEstimate | null {
  const limitedMs = limitedDurationMs(plan, limits);
  const byLimits: MoveEstimate | null = limitedMs === null ? null : { ms: limitedMs, basis: { kind: "limits" } };
  const byExperience = estimateByExperience(
    plan,
    ended.filter(({ wasLimited }) => !wasLimited),
  );
  if (byLimits === null || byExperience === null) return byLimits ?? byExperience;
  return byLimits.ms >= byExperience.ms ? byLimits : byExperience;
}

function estimateByExperience(
  plan: Pick<MovePlan, "from" | "to" | "slots" | "rows">,
  unlimited: readonly MoveExperience[],
): MoveEstimate | null {
  const same = unlimited.filter(({ from, to }) => from === plan.from && to === plan.to);
  const kind = same.length > 0 ? "same-shards" : "collection";
  const last = (same.length > 0 ? same : unlimited).slice(0, MOVES_MAX);
  const work = last.reduce((sum, move) => sum + workOf(move), 0);
  if (work === 0) return null;
  const durationMs = last.reduce((sum, move) => sum + move.durationMs, 0);
  return { ms: Math.ceil((workOf(plan) * durationMs) / work), basis: { kind, moves: last.length } };
}

function workOf({ slots, rows }: Pick<MovePlan, "slots" | "rows">): number {
  return rows + SLOT_ROWS * slots;
}
