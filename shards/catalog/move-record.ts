/**
 * What a change does to a move: the rules that every catalog shares. Pure: no I/O, no clock.
 * It must not know where moves are kept.
 */
import { EPOCH_RUNS_MAX, type EpochRun } from "../../router/epoch-runs.ts";
import { quote } from "../../router/ids.ts";
import { describeRange, intersect, isEmpty, type KeyRange } from "../../router/range.ts";
import {
  type Author,
  CatalogError,
  type Move,
  type MoveChange,
  type MoveCreation,
  type MoveIntent,
  type MoveState,
  type MovesPage,
  PROGRESS_BYTES_MAX,
} from "./port.ts";

/** A move and the writer tokens of its latest revisions, the newest last. */
export interface MoveRecord {
  readonly move: Move;
  readonly writers: readonly string[];
}

/** A repeated change is known again while fewer than so many others have followed it. */
const WRITERS_MAX = 16;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * `conflict` is with the record; a repetition finds the change made; `forgotten`: a conflict, or a repetition after too many
 * changes of others. `action` is for the audit trail, null for none.
 */
export type ChangeDecision =
  | { readonly kind: "conflict" }
  | { readonly kind: "forgotten" }
  | { readonly kind: "repetition" }
  | { readonly kind: "change"; readonly next: MoveRecord; readonly action: string | null };

/** Whether a page that was asked for so has moves of that state. */
export function isWanted(wanted: MovesPage["state"], state: MoveState): boolean {
  if (wanted === undefined) return true;
  return wanted === "live" ? isLive(state) : wanted === state;
}

/** Whether a move holds its range. */
export function isLive(state: MoveState): boolean {
  return state === "running" || state === "aborting";
}

/** The first revision of a move. Throws `CatalogError` for an intent that cannot be one. */
export function startMove(intent: MoveIntent, author: Author): MoveRecord {
  checkIntent(intent);
  const { id, collection, start, end, from, to, epochs, parent } = intent;
  const { actor, atMs } = author;
  const settings = settingsOf(intent);
  const plan = { id, collection, start, end, from, to, epochs, settings, parent };
  const life = { state: "running", progress: "", revision: 1, actor, createdAtMs: atMs, changedAtMs: atMs } as const;
  return { move: { ...plan, ...life }, writers: [author.writer] };
}

/**
 * What a repeated creation is told: the move as it is, when the author made it. Throws `CatalogError`: another made it, or
 * too many changes followed for telling, and then the outcome is unknown.
 */
export function repeatCreation({ move, writers }: MoveRecord, author: Author): MoveCreation {
  const writer = writerOf({ move, writers }, 1);
  if (writer === author.writer) return { kind: "created", move };
  if (writer !== undefined) throw new CatalogError(`move ${move.id} is there already: every move has its own id`);
  const late = `has revision ${move.revision} by now, too many after the first to tell who created it`;
  throw new CatalogError(`move ${move.id} ${late}: the outcome is unknown`, { kind: "outcome-unknown" });
}

/** What `change` does to `record`. Throws `CatalogError` for a change that cannot be. */
export function decideChange(record: MoveRecord, change: MoveChange, author: Author): ChangeDecision {
  checkProgress(change.progress ?? "");
  if (change.settings !== undefined) checkSettings(change.settings);
  const { move } = record;
  if (move.revision === change.expectedRevision) {
    return isLive(move.state) ? applyChange(record, change, author) : { kind: "conflict" };
  }
  if (move.revision < change.expectedRevision) return { kind: "conflict" };
  const writer = writerOf(record, change.expectedRevision + 1);
  if (writer === undefined) return { kind: "forgotten" };
  return { kind: writer === author.writer ? "repetition" : "conflict" };
}

function applyChange(record: MoveRecord, change: MoveChange, author: Author): ChangeDecision {
  const { move } = record;
  const next: Move = {
    ...move,
    state: change.state ?? move.state,
    progress: change.progress ?? move.progress,
    settings: settingsOf({ settings: change.settings ?? move.settings }),
    revision: move.revision + 1,
    changedAtMs: author.atMs,
  };
  const writers = [...record.writers, author.writer].slice(-WRITERS_MAX);
  return { kind: "change", next: { move: next, writers }, action: actionOf(move, next) };
}

/** What the audit trail calls it; progress alone is not told, there is too much of it. */
function actionOf(before: Move, after: Move): string | null {
  if (before.state !== after.state) return `move-${after.state}`;
  return JSON.stringify(before.settings) === JSON.stringify(after.settings) ? null : "move-settings";
}

/** Who made that revision; undefined when it is too long ago. */
function writerOf({ move, writers }: MoveRecord, revision: number): string | undefined {
  return writers[writers.length - 1 - (move.revision - revision)];
}

/** The settings alone, in a fixed order. */
function settingsOf({ settings }: Pick<MoveIntent, "settings">): Move["settings"] {
  const { parallel, rowsPerSecond, bytesPerSecond, retentionMs } = settings;
  return { parallel, rowsPerSecond, bytesPerSecond, retentionMs };
}

/** Whether a live move of the same collection is in the way of `range`. */
export function overlaps(live: KeyRange, range: KeyRange): boolean {
  return intersect(live, range) !== null;
}

function checkIntent(intent: MoveIntent): void {
  if (!UUID.test(intent.id)) throw new CatalogError(`expected a UUID in lower case for a move, got "${intent.id}"`);
  if (isEmpty(intent)) throw new CatalogError(`expected a range to move, got ${describeRange(intent)}`);
  if (intent.from === intent.to) throw new CatalogError(`expected another shard than ${intent.from} to move to`);
  checkEpochs(intent.epochs);
  checkSettings(intent.settings);
}

function checkEpochs(epochs: readonly EpochRun[]): void {
  if (epochs.length > EPOCH_RUNS_MAX) {
    const advice = "move a smaller range";
    throw new CatalogError(`expected at most ${EPOCH_RUNS_MAX} runs of equal epochs, got ${epochs.length}; ${advice}`);
  }
  if (epochs.length === 0) throw new CatalogError("expected the epochs of the slots to move, got none");
  const bad = epochs.find(({ slots, epoch }) => !isWhole(slots, 1) || !isWhole(epoch, 1));
  if (bad === undefined) return;
  throw new CatalogError(`expected epochs as {slots, epoch}, whole numbers of at least 1, got ${quote(bad)}`);
}

function checkSettings({ parallel, rowsPerSecond, bytesPerSecond, retentionMs }: Move["settings"]): void {
  checkWhole("parallel", parallel, 1);
  if (rowsPerSecond !== null) checkWhole("rowsPerSecond", rowsPerSecond, 1);
  if (bytesPerSecond !== null) checkWhole("bytesPerSecond", bytesPerSecond, 1);
  checkWhole("retentionMs", retentionMs, 0);
}

function checkWhole(name: string, value: number, least: number): void {
  if (isWhole(value, least)) return;
  throw new CatalogError(`expected ${name} as a whole number of at least ${least}, got ${quote(value)}`);
}

function isWhole(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

function checkProgress(progress: string): void {
  const bytes = Buffer.byteLength(progress);
  if (bytes <= PROGRESS_BYTES_MAX) return;
  throw new CatalogError(`expected at most ${PROGRESS_BYTES_MAX} bytes of progress, got ${bytes}`);
}

/** What `JSON.stringify` made of a record. */
export function parseMoveRecord(json: unknown): MoveRecord {
  return JSON.parse(json as string) as MoveRecord;
}
