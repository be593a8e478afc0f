/**
 * What people see of a move: how far it is, how fast, how long still, what it waits for. Pure: from the catalog's record and what
 * was seen before. It must not know terminals.
 */
import { quote } from "../../router/ids.ts";
import { type MoveExperience, SLOT_ROWS } from "../../router/move-estimate.ts";
import { isLimited } from "../../router/move-plan.ts";
import {
  type ActiveSlot,
  type MoveProgress,
  type PauseHistogram,
  parseProgress,
  pauseQuantile,
  pausesUpTo,
} from "../../router/move-progress.ts";
import { describeRange } from "../../router/range.ts";
import type { Move, MoveSettings } from "../../shards/catalog/port.ts";
import { clockText, groupDigits, progressBar } from "../progress.ts";
import { shortId } from "./find-move.ts";

/** A moment of a move: rows written and the part of the work done by then, and the limits of that time. Times by the runner's clock. */
export interface PaceSample {
  /** What it may not exceed. */
  readonly limits: string;
  readonly atMs: number;
  readonly rows: number;
  readonly fraction: number;
}

/** Everything there is to show of a move now. `etaMs` null: not known. `silentMs`: since its runner's last sign of life, or null. */
export interface MoveView {
  readonly move: Move;
  readonly progress: MoveProgress | null;
  readonly fraction: number;
  readonly rowsPerSecond: number | null;
  readonly etaMs: number | null;
  readonly silentMs: number | null;
}

/** What an empty slot takes in seconds, about as long as `SLOT_ROWS` rows: a limit makes rows slower, and not slots. */
const SLOT_SECONDS = 0.002;
/** Fewer rows counted than this part of what an even spread over the slots would give are no measure. */
const COUNTED_FRACTION = 0.1;
/** The pace is that of the latest part of the move. */
const PACE_WINDOW_MS = 60_000;
/** What was seen says nothing before so long; until then the whole life of the move does. */
const PACE_SEEN_MS_MIN = 10_000;
/** Before so much of it has passed its pace is a guess. */
const PACE_MS_MIN = 1000;
/** Below a tenth, but for rounding, there is too little to tell the rest by. */
const ESTIMATE_FRACTION_MIN = 0.0999;
/** Slots with so much of the rows are large. */
const LARGE_FRACTION = 0.1;
/** The latest pace is believed as long as it is not slower than the whole move's by more than this factor. */
const SLOWER_MAX = 10;
/** What is seen of a runner that is well is no older than about this. */
const PROGRESS_AGE_MS_MAX = 2000;
/** A runner writes once a second; after so long without a word there is none. */
export const SILENT_MS = 15_000;

/** The move's progress; null when nobody has begun it, or when the text is none. */
export function progressOf(move: Pick<Move, "progress">): MoveProgress | null {
  const parsed = parseProgress(move.progress);
  return parsed.ok ? parsed.value : null;
}

/** What the move takes in all, every slot included. */
export function durationMsOf(move: Move): number {
  const progress = progressOf(move);
  if (progress === null) return Math.max(0, move.changedAtMs - move.createdAtMs);
  return progress.elapsedMs + Math.max(0, progress.updatedAtMs - progress.startedAtMs);
}

/** What a move tells of those to come; null unless one runner has moved its whole range, and somebody has counted. */
export function experienceOf(move: Move): MoveExperience | null {
  const progress = progressOf(move);
  if (move.state !== "done" || progress === null) return null;
  const { slots, decided, rowsPlanned, rows } = progress;
  const durationMs = durationMsOf(move);
  // A runner that dies makes a move last longer by as much as it takes to notice.
  if (decided < slots || progress.elapsedMs > 0 || !(durationMs > 0)) return null;
  // Rows of slots that nobody has counted are missing in what was moved, and those that came meanwhile in the plan.
  return {
    from: move.from,
    to: move.to,
    wasLimited: progress.wasLimited === true || isLimited(move.settings),
    slots,
    rows: rowsPlanned > 0 ? rowsPlanned : rows,
    durationMs,
  };
}

/** The samples with this moment of the move added, those that are too old to matter left out. */
export function addSample(samples: readonly PaceSample[], move: Move): readonly PaceSample[] {
  const progress = progressOf(move);
  if (progress === null) return samples;
  const { updatedAtMs: atMs, rows } = progress;
  const last = samples.at(-1);
  if (last?.atMs === atMs) return samples;
  const limits = JSON.stringify([move.settings.rowsPerSecond, move.settings.bytesPerSecond]);
  // Another runner has another clock, and other limits another pace.
  const isOther = last !== undefined && (last.atMs > atMs || last.limits !== limits);
  const kept = isOther ? [] : samples;
  const recent = kept.filter((sample) => atMs - sample.atMs <= PACE_WINDOW_MS);
  return [...recent, { limits, atMs, rows, fraction: fractionOf(progress, move.settings) }];
}

/** The view of a move. `samples` are what was seen of it before and now. */
export function viewOf(move: Move, samples: readonly PaceSample[], nowMs: number): MoveView {
  const progress = progressOf(move);
  if (progress === null) return { move, progress, fraction: 0, rowsPerSecond: null, etaMs: null, silentMs: null };
  const fraction = fractionOf(progress, move.settings);
  const pace = withinLimits(paceOf(progress, fraction, samples), progress, move.settings);
  const silentMs = Math.max(0, nowMs - progress.updatedAtMs);
  return {
    move,
    progress,
    fraction,
    // What is copied anew, or given back, counts no more.
    rowsPerSecond: pace === null ? null : Math.max(0, pace.rowsPerMs * 1000),
    etaMs: pace === null || !mayEstimate(progress, fraction) ? null : etaMsOf({ progress, fraction, pace, silentMs }),
    silentMs,
  };
}

/** What a slot takes after its rows are copied shows only once one is over, and what stands still has no time. */
function mayEstimate(progress: MoveProgress, fraction: number): boolean {
  const { trouble, decided, aborted } = progress;
  const isEnoughDone = decided + aborted > 0 && fraction >= ESTIMATE_FRACTION_MIN;
  return trouble === null && isEnoughDone && !isComparing(progress);
}

/**
 * All rows are copied, and nothing is left but slots that are under way. How long these are compared nobody counts; where they are
 * small beside what is done it does not matter.
 */
function isComparing({ rows, rowsPlanned, slots, decided, aborted, active }: MoveProgress): boolean {
  const ended = decided + aborted;
  const left = slots - ended;
  if (rowsPlanned === 0 || rows < rowsPlanned || left === 0 || left > active.length) return false;
  const rowsLeft = active.reduce((sum, slot) => sum + slot.rows, 0);
  return ended === 0 || rowsLeft >= rowsPlanned * LARGE_FRACTION;
}

interface Course {
  readonly progress: MoveProgress;
  readonly fraction: number;
  readonly pace: Pace;
  readonly silentMs: number;
}

/**
 * It goes on while nobody tells of it; not for long, because then it may stand still, or the clocks differ. Null where it stands
 * nearly still, beside what the whole move has shown: it compares what is not counted.
 */
function etaMsOf({ progress, fraction, pace, silentMs }: Course): number | null {
  const left = 1 - fraction;
  const byLifeMs = (left * spanMsOf(progress)) / fraction;
  if (pace.fractionPerMs * byLifeMs * SLOWER_MAX < left) return null;
  return Math.max(0, left / pace.fractionPerMs - Math.min(silentMs, PROGRESS_AGE_MS_MAX));
}

function spanMsOf({ elapsedMs, updatedAtMs, startedAtMs }: MoveProgress): number {
  return elapsedMs + updatedAtMs - startedAtMs;
}

/** The part of the work that is done, by rows and slots. */
function fractionOf(progress: MoveProgress, settings: MoveSettings): number {
  const { rows, rowsPlanned, slots, decided, aborted } = progress;
  const ended = decided + aborted;
  const bySlots = slots === 0 ? 0 : ended / slots;
  // Where nobody has counted most of the rows, they say nothing.
  const isUncounted = rows < rowsPlanned * bySlots * COUNTED_FRACTION;
  if (rowsPlanned === 0 || isUncounted) return bySlots;
  const slotWork = Math.min(SLOT_ROWS, SLOT_SECONDS * rowsPerSecondMax(progress, settings));
  return Math.min(1, (rows + slotWork * ended) / (rowsInAll(progress) + slotWork * slots));
}

/** As planned; where clients have added more than that already, the slots to come are taken to be like the planned ones. */
function rowsInAll({ rows, rowsPlanned, slots, decided, aborted, active }: MoveProgress): number {
  const untouched = Math.max(0, slots - decided - aborted - active.length);
  return rows <= rowsPlanned ? rowsPlanned : rows + (untouched * rowsPlanned) / slots;
}

/** What the limits allow, by the rows as large as they have been so far. */
function rowsPerSecondMax({ rows, bytes }: MoveProgress, { rowsPerSecond, bytesPerSecond }: MoveSettings): number {
  const byBytes = bytesPerSecond === null || bytes === 0 ? null : (bytesPerSecond * rows) / bytes;
  return Math.min(rowsPerSecond ?? Number.POSITIVE_INFINITY, byBytes ?? Number.POSITIVE_INFINITY);
}

interface Pace {
  readonly rowsPerMs: number;
  readonly fractionPerMs: number;
}

/** By what was seen, or by the whole life of the move for who has just begun to look. */
function paceOf(progress: MoveProgress, fraction: number, samples: readonly PaceSample[]): Pace | null {
  const [first] = samples;
  const last = samples.at(-1);
  if (first !== undefined && last !== undefined && last.atMs - first.atMs >= PACE_SEEN_MS_MIN) {
    const spanMs = last.atMs - first.atMs;
    return { rowsPerMs: (last.rows - first.rows) / spanMs, fractionPerMs: (last.fraction - first.fraction) / spanMs };
  }
  const spanMs = spanMsOf(progress);
  if (spanMs < PACE_MS_MIN) return null;
  return { rowsPerMs: progress.rows / spanMs, fractionPerMs: fraction / spanMs };
}

/** A limit that is lower than what was seen holds at once. */
function withinLimits(pace: Pace | null, progress: MoveProgress, settings: MoveSettings): Pace | null {
  const mostPerMs = rowsPerSecondMax(progress, settings) / 1000;
  if (pace === null || pace.rowsPerMs <= mostPerMs) return pace;
  return { rowsPerMs: mostPerMs, fractionPerMs: (pace.fractionPerMs * mostPerMs) / pace.rowsPerMs };
}

/** One line about a move: for lists, and where lines cannot be rewritten. */
export function lineOf(view: MoveView): string {
  const { move, progress } = view;
  const parts = progress === null ? [notBegun(move)] : [...paceParts(view, progress), ...waitParts(view)];
  return [`${shortId(move.id)} ${move.state}`, ...parts].join(", ");
}

function isLive({ state }: Move): boolean {
  return state === "running" || state === "aborting";
}

function notBegun({ to }: Move): string {
  return `not begun by ${to} yet`;
}

function paceParts(view: MoveView, progress: MoveProgress): readonly string[] {
  const { slots, decided, aborted, rows } = progress;
  const goesOn = isLive(view.move);
  const { rowsPerSecond, etaMs } = view;
  return [
    `${groupDigits(decided)} of ${groupDigits(slots)} slots`,
    ...(aborted === 0 ? [] : [`${groupDigits(aborted)} given back`]),
    `${groupDigits(rows)} rows`,
    ...(goesOn && rowsPerSecond !== null ? [`${groupDigits(rowsPerSecond)} rows/s`] : []),
    ...(goesOn && etaMs !== null ? [`about ${clockText(etaMs / 1000)} left`] : []),
    ...(goesOn && isComparing(progress) && progress.trouble === null ? ["comparing"] : []),
  ];
}

/** What keeps it from going on, if anything. */
export function waitParts({ move, progress, silentMs }: MoveView): readonly string[] {
  if (!isLive(move)) return [];
  const isSilent = silentMs !== null && silentMs > SILENT_MS;
  const silence = isSilent ? [`no sign of ${move.to} for ${clockText(silentMs / 1000)}`] : [];
  const trouble = progress?.trouble ?? null;
  return trouble === null ? silence : [...silence, trouble];
}

const BAR_WIDTH = 24;

/** Everything about a move, a line each, for a terminal and for `moves show`. */
export function linesOf(view: MoveView): readonly string[] {
  const { move, progress, fraction } = view;
  const title = `move ${shortId(move.id)}  ${move.collection} ${describeRange(move)}  ${move.from} -> ${move.to}  ${move.state}`;
  if (progress === null) return [title, notBegun(move)];
  const percent = `${Math.floor(fraction * 100)} %`;
  return [
    title,
    isLive(move)
      ? `${progressBar(fraction, BAR_WIDTH)} ${percent}  ${paceParts(view, progress).join(", ")}`
      : outcomeText(progress),
    ...progress.active.map(activeLine),
    ...pauseLines(progress.pause),
    ...waitParts(view).map((part) => `waits: ${part}`),
  ];
}

/** What has ended is not on its way: a bar would speak of the work, and not of what became of the slots. */
function outcomeText({ slots, decided, rows }: MoveProgress): string {
  const stayed = slots - decided;
  const parts = [
    `${groupDigits(decided)} of ${groupDigits(slots)} slots moved`,
    ...(stayed === 0 ? [] : [`${groupDigits(stayed)} stayed`]),
    `${groupDigits(rows)} rows`,
  ];
  return parts.join(", ");
}

function activeLine({ slot, phase, rows }: ActiveSlot): string {
  return `  ${quote(slot).padEnd(8)}  ${phase.padEnd("aborting".length)}  ${groupDigits(rows)} rows`;
}

const PAUSE_UPPER_MS = [1, 2, 5, 10, 25, 50, 100, 250, 1000];
const PAUSE_BAR_WIDTH = 30;

/** The distribution of pauses as bars, none when there was no pause. */
function pauseLines(pause: PauseHistogram): readonly string[] {
  if (pause.counts.length === 0) return [];
  const counts = pausesUpTo(pause, PAUSE_UPPER_MS);
  const most = Math.max(...counts);
  const bars = counts.flatMap((count, index) => {
    if (count === 0) return [];
    const upper = PAUSE_UPPER_MS[index];
    const label = upper === undefined ? `> ${PAUSE_UPPER_MS.at(-1)} ms` : `<= ${upper} ms`;
    const bar = "#".repeat(Math.max(1, Math.round((count / most) * PAUSE_BAR_WIDTH)));
    return [`  ${label.padStart(10)}  ${bar} ${groupDigits(count)}`];
  });
  return [`pauses of writers: ${pauseText(pause)}`, ...bars];
}

/** `p50 1.2 ms, p99 4.0 ms, max 6.1 ms`. */
export function pauseText(pause: PauseHistogram): string {
  const [p50, p99] = [pauseQuantile(pause, 0.5), pauseQuantile(pause, 0.99)];
  return `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${pause.maxMs.toFixed(1)} ms`;
}
