/**
 * How far an import has come, so that it can go on after any kind of end. It must not run ahead: a row counts
 * only when it and every row before it has its final answer.
 */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { parseFields, readIfThere, writeWhole } from "../data-directory.ts";

/** Final answers so far. */
export interface Tally {
  readonly created: number;
  readonly replaced: number;
  readonly refused: number;
}

/** Identifies what is imported into what; a checkpoint of anything else is not for this import. */
export interface ImportIdentity {
  readonly sha256: string;
  readonly bytes: number;
  readonly collection: string;
  readonly keyColumn: string;
}

/** The state on disk. `runId` makes the rows' idempotency keys: the same over all continuations. */
export interface Checkpoint {
  readonly identity: ImportIdentity;
  readonly runId: string;
  readonly rows: number;
  readonly tally: Tally;
}

/** An import that has not begun. */
export function newCheckpoint(identity: ImportIdentity, runId: string): Checkpoint {
  return { identity, runId, rows: 0, tally: { created: 0, replaced: 0, refused: 0 } };
}

/** Name of the checkpoint's file: one for each thing to import. */
export function checkpointName(identity: ImportIdentity): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([identity.sha256, identity.keyColumn]))
    .digest("hex");
  return `${identity.collection}-${digest.slice(0, 16)}.checkpoint.json`;
}

/** The checkpoint for exactly this import; null when there is none. */
export function loadCheckpoint(path: string, identity: ImportIdentity): Checkpoint | null {
  const checkpoint = parseCheckpoint(parseFields(readIfThere(path) ?? ""));
  return checkpoint !== null && isSame(checkpoint.identity, identity) ? checkpoint : null;
}

/** Replaces the checkpoint on disk, whole. */
export function saveCheckpoint(path: string, checkpoint: Checkpoint): void {
  writeWhole(path, `${JSON.stringify(checkpoint)}\n`);
}

/** The import is complete, or is to begin anew. */
export function removeCheckpoint(path: string): void {
  rmSync(path, { force: true });
}

function isSame(left: ImportIdentity, right: ImportIdentity): boolean {
  return (
    left.sha256 === right.sha256 &&
    left.bytes === right.bytes &&
    left.collection === right.collection &&
    left.keyColumn === right.keyColumn
  );
}

function parseCheckpoint(fields: Readonly<Record<string, unknown>> | null): Checkpoint | null {
  if (fields === null || typeof fields["runId"] !== "string") return null;
  const candidate = fields as Readonly<Record<string, unknown>> & Partial<Checkpoint>;
  const { identity, runId, rows, tally } = candidate;
  if (identity === undefined || tally === undefined || runId === undefined) return null;
  const counts = [rows, tally.created, tally.replaced, tally.refused];
  if (!counts.every((count) => Number.isSafeInteger(count) && Number(count) >= 0)) return null;
  return { identity, runId, rows: Number(rows), tally };
}

/** A row's final answer. */
export type Outcome = "created" | "replaced" | "refused";

/** Final answers in any order; counts the unbroken run of them from the start. */
export class AnsweredPrefix {
  #rows: number;
  readonly #tally: { created: number; replaced: number; refused: number };
  readonly #ahead = new Map<number, Outcome>();

  constructor(start: Pick<Checkpoint, "rows" | "tally">) {
    this.#rows = start.rows;
    this.#tally = { ...start.tally };
  }

  /** Row `row` (from 1) has its final answer. */
  add(row: number, outcome: Outcome): void {
    this.#ahead.set(row, outcome);
    for (let next = this.#ahead.get(this.#rows + 1); next !== undefined; next = this.#ahead.get(this.#rows + 1)) {
      this.#rows += 1;
      this.#tally[next] += 1;
      this.#ahead.delete(this.#rows);
    }
  }

  /** Rows from the start that all have their answers. */
  get rows(): number {
    return this.#rows;
  }

  /** Answers of these rows. */
  get tally(): Tally {
    return { ...this.#tally };
  }

  /** All answers, also those ahead of a row that still waits. */
  get answered(): number {
    return this.#rows + this.#ahead.size;
  }
}
