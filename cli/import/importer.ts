/**
 * Imports a surveyed file: many rows at once, final answers counted, progress kept on disk so that any end is only
 * a pause. It must not decide how progress is shown.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { GatewayClient } from "../gateway-client.ts";
import {
  AnsweredPrefix,
  type Checkpoint,
  type ImportIdentity,
  loadCheckpoint,
  newCheckpoint,
  removeCheckpoint,
  saveCheckpoint,
  type Tally,
} from "./checkpoint.ts";
import { openRefusedFile, type RefusedFile } from "./refused-file.ts";
import type { FileRow, RefusedRow, RowPlace } from "./row.ts";
import { type SenderOptions, sendRow, TurnedAway } from "./row-sender.ts";
import { readRows, type Survey } from "./survey.ts";

/** What to import, where to, and where its state is kept. */
export interface ImportPlan {
  readonly survey: Survey;
  readonly collection: string;
  readonly client: Pick<GatewayClient, "send">;
  readonly concurrency: number;
  readonly checkpointPath: string;
  readonly refusedPath: string;
  /** Aborted to stop after the rows that are under way. */
  readonly signal: AbortSignal;
  /** Called after every answered row. */
  readonly onProgress: (progress: ImportProgress) => void;
}

/** Where an import stands. `startedAt` is the number of rows that an earlier run had done. */
export interface ImportProgress {
  readonly rows: number;
  readonly answered: number;
  readonly startedAt: number;
  readonly elapsedMs: number;
}

/** How an import ended. `isComplete` false: it was stopped, and the checkpoint says where. */
export interface ImportResult {
  readonly isComplete: boolean;
  readonly rows: number;
  readonly answered: number;
  readonly startedAt: number;
  readonly tally: Tally;
  readonly duplicates: number;
  readonly elapsedMs: number;
}

const CHECKPOINT_EVERY_MS = 1000;

/** Forgets an earlier, unfinished run of the same import. */
export function beginAnew(plan: Pick<ImportPlan, "checkpointPath">): void {
  removeCheckpoint(plan.checkpointPath);
}

/** Runs an import from where it stands to its end. Throws `CliFailure` when it cannot go on; the checkpoint is kept. */
export async function runImport(plan: ImportPlan): Promise<ImportResult> {
  const identity = identityOf(plan);
  const checkpoint =
    loadCheckpoint(plan.checkpointPath, identity) ?? newCheckpoint(identity, randomUUID().slice(0, 13));
  const run = new ImportRun(plan, checkpoint);
  // Before the first row: an end right after it must not forget under which idempotency key the row went.
  run.save();
  try {
    await run.sendAll();
  } catch (error) {
    if (error instanceof TurnedAway && !run.hasStored) removeCheckpoint(plan.checkpointPath);
    else run.save();
    throw error;
  }
  run.save();
  if (run.result().isComplete) removeCheckpoint(plan.checkpointPath);
  return run.result();
}

/** What identifies the import of a file into a collection. */
export function identityOf(plan: Pick<ImportPlan, "survey" | "collection">): ImportIdentity {
  const { sha256, bytes, keyColumn } = plan.survey;
  return { sha256, bytes, collection: plan.collection, keyColumn };
}

class ImportRun {
  readonly #plan: ImportPlan;
  readonly #checkpoint: Checkpoint;
  readonly #prefix: AnsweredPrefix;
  readonly #refused: RefusedFile;
  readonly #sender: SenderOptions;
  readonly #failed = new AbortController();
  readonly #startMs = performance.now();
  #hasStored = false;
  #duplicates = 0;
  #savedAtMs = performance.now();

  constructor(plan: ImportPlan, checkpoint: Checkpoint) {
    this.#plan = plan;
    this.#checkpoint = checkpoint;
    this.#prefix = new AnsweredPrefix(checkpoint);
    this.#refused = openRefusedFile(plan.refusedPath, checkpoint.rows);
    this.#sender = {
      client: plan.client,
      collection: plan.collection,
      runId: checkpoint.runId,
      // A row that waits for its next attempt is given up: the next run sends it again under the same idempotency key.
      pause: (ms) => sleep(ms, undefined, { signal: AbortSignal.any([this.#failed.signal, plan.signal]) }),
      now: () => performance.now(),
      random: Math.random,
    };
  }

  /** Several takers share one reader: each takes the next row as soon as it is done with one. */
  async sendAll(): Promise<void> {
    const rows = readRows(this.#plan.survey);
    const takers = Array.from({ length: this.#plan.concurrency }, () => this.#takeRows(rows));
    const ends = await Promise.allSettled(takers);
    await rows.return(undefined);
    const failure = ends.find((end) => end.status === "rejected" && !isAbort(end.reason));
    if (failure?.status === "rejected") throw failure.reason;
  }

  /** Whether this run or an earlier one has stored a row. */
  get hasStored(): boolean {
    const { created, replaced } = this.#checkpoint.tally;
    return this.#hasStored || created + replaced > 0;
  }

  save(): void {
    this.#savedAtMs = performance.now();
    const { rows, tally } = this.#prefix;
    saveCheckpoint(this.#plan.checkpointPath, { ...this.#checkpoint, rows, tally });
  }

  result(): ImportResult {
    const { rows } = this.#plan.survey;
    return {
      isComplete: this.#prefix.rows === rows,
      rows,
      answered: this.#prefix.rows,
      startedAt: this.#checkpoint.rows,
      tally: this.#prefix.tally,
      duplicates: this.#duplicates,
      elapsedMs: performance.now() - this.#startMs,
    };
  }

  async #takeRows(rows: ReturnType<typeof readRows>): Promise<void> {
    try {
      while (!this.#isStopped()) {
        const next = await rows.next();
        if (next.done === true) return;
        const row = next.value;
        if (row.kind === "refused" && row.code === "DUPLICATE_KEY") this.#duplicates += 1;
        if (row.row > this.#checkpoint.rows) await this.#take(row);
      }
    } catch (error) {
      this.#failed.abort();
      throw error;
    }
  }

  #isStopped(): boolean {
    return this.#plan.signal.aborted || this.#failed.signal.aborted;
  }

  async #take(row: FileRow): Promise<void> {
    if (row.kind === "refused") return this.#refuse(row);
    const answer = await sendRow(row, this.#sender);
    if (answer.kind === "refused") this.#refuse({ ...row, kind: "refused", code: answer.code, detail: answer.detail });
    else this.#answered(row.row, answer.kind);
  }

  #refuse(row: RefusedRow & RowPlace): void {
    this.#refused.add(row);
    this.#answered(row.row, "refused");
  }

  #answered(row: number, outcome: "created" | "replaced" | "refused"): void {
    this.#prefix.add(row, outcome);
    this.#hasStored ||= outcome !== "refused";
    if (performance.now() - this.#savedAtMs > CHECKPOINT_EVERY_MS) this.save();
    this.#plan.onProgress({
      rows: this.#plan.survey.rows,
      answered: this.#prefix.answered,
      startedAt: this.#checkpoint.rows,
      elapsedMs: performance.now() - this.#startMs,
    });
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
