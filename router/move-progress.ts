/**
 * How far a move has come, as its runner writes it into the catalog and everybody else reads it. A hint for people and programs:
 * what has really happened is in the slots' ownership columns. It must not be needed to go on.
 */
import { quote } from "./ids.ts";
import { accepted, type Result, refused } from "./result.ts";

/** What a slot of a running move is at. `cutover`: from the fence to the decision, when its writers wait. */
export type SlotPhase = "copying" | "cutover" | "aborting";

/** A slot that is under way. */
export interface ActiveSlot {
  readonly slot: string;
  readonly phase: SlotPhase;
  /** That the destination has so far. */
  readonly rows: number;
}

/**
 * A distribution of durations: counts by bucket, each bucket 5 % wider than the one before, and the exact greatest one.
 * `counts` holds [bucket, count] pairs by ascending bucket.
 */
export interface PauseHistogram {
  readonly counts: readonly (readonly [bucket: number, count: number])[];
  readonly maxMs: number;
}

/** A move's progress. Times in milliseconds since 1970 by the runner's clock, durations in milliseconds. */
export interface MoveProgress {
  readonly slots: number;
  /** Slots that the destination owns, and slots whose move was aborted. */
  readonly decided: number;
  readonly aborted: number;
  /** Of the range, that the destination has by now: sent to it, or found there. */
  readonly rows: number;
  readonly bytes: number;
  /** Rows that the range held when the move was planned, for an estimate of the rest; 0 when nobody counted. */
  readonly rowsPlanned: number;
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
  /** Time from the beginning of the move to when this runner took it up, so that the whole is known after a change of runner. */
  readonly elapsedMs: number;
  readonly pause: PauseHistogram;
  /** Whether it has had limits, now or before; absent in what earlier versions wrote. */
  readonly wasLimited?: boolean;
  /** At most `ACTIVE_MAX` of them. */
  readonly active: readonly ActiveSlot[];
  /** Why it does not go on, for people; null when it does. */
  readonly trouble: string | null;
}

/** Most slots that a progress names. */
export const ACTIVE_MAX = 16;

/** Most characters of `trouble`. */
const TROUBLE_LENGTH_MAX = 300;

const BUCKET_GROWTH = 1.05;
/** Durations below this fall into bucket 0. */
const BUCKET_FIRST_MS = 0.1;
/** Such a duration falls into the last bucket: two days. */
const BUCKET_LAST = 430;

/** No duration yet. */
export const NO_PAUSES: PauseHistogram = { counts: [], maxMs: 0 };

/** A move that has not begun. */
export function newProgress(slots: number, rowsPlanned: number, nowMs: number): MoveProgress {
  return {
    slots,
    decided: 0,
    aborted: 0,
    rows: 0,
    bytes: 0,
    rowsPlanned,
    startedAtMs: nowMs,
    updatedAtMs: nowMs,
    elapsedMs: 0,
    pause: NO_PAUSES,
    active: [],
    trouble: null,
  };
}

/** The histogram with one more duration in it. */
export function addPause(histogram: PauseHistogram, durationMs: number): PauseHistogram {
  const bucket = bucketOf(durationMs);
  const counts = new Map(histogram.counts);
  counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  return {
    counts: [...counts].sort(([left], [right]) => left - right),
    maxMs: Math.max(histogram.maxMs, durationMs),
  };
}

/** The duration that `quantile` (0 to 1) of all do not exceed, within 5 %; 0 without any. */
export function pauseQuantile({ counts, maxMs }: PauseHistogram, quantile: number): number {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  let below = 0;
  for (const [bucket, count] of counts) {
    below += count;
    if (below >= quantile * total) return Math.min(maxMs, topOf(bucket));
  }
  return maxMs;
}

/** How many durations fall into each of the ranges that end at `upperMs` (ascending); one more number for what is above all. */
export function pausesUpTo({ counts }: PauseHistogram, upperMs: readonly number[]): readonly number[] {
  const lowerMs = [0, ...upperMs];
  return lowerMs.map((lower, index) => {
    const upper = upperMs[index] ?? Number.POSITIVE_INFINITY;
    const within = counts.filter(([bucket]) => topOf(bucket) > lower && topOf(bucket) <= upper);
    return within.reduce((sum, [, count]) => sum + count, 0);
  });
}

function topOf(bucket: number): number {
  return BUCKET_FIRST_MS * BUCKET_GROWTH ** bucket;
}

function bucketOf(durationMs: number): number {
  const bucket = Math.ceil(Math.log(Math.max(durationMs, BUCKET_FIRST_MS) / BUCKET_FIRST_MS) / Math.log(BUCKET_GROWTH));
  return Math.min(BUCKET_LAST, bucket);
}

/** The progress as the catalog keeps it: below its limit of 4,096 bytes, whatever is in it. */
export function formatProgress(progress: MoveProgress): string {
  return JSON.stringify({
    ...progress,
    active: progress.active.slice(0, ACTIVE_MAX),
    trouble: progress.trouble?.slice(0, TROUBLE_LENGTH_MAX) ?? null,
  });
}

/** The catalog's text to a progress; null for the empty text of a move that nobody has begun. */
export function parseProgress(text: string): Result<MoveProgress | null, "NOT_PROGRESS"> {
  if (text === "") return accepted(null);
  try {
    const fields = JSON.parse(text) as Partial<MoveProgress>;
    if (typeof fields === "object" && typeof fields.slots === "number" && Array.isArray(fields.pause?.counts)) {
      return accepted(fields as MoveProgress);
    }
  } catch {
    // Told below, like any other text.
  }
  return refused("NOT_PROGRESS", `expected a move's progress, got ${quote(text.slice(0, 100))}`);
}
