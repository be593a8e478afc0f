/**
 * Makes a slot at the destination equal to its source: both are walked in the order of names, and what differs is written or removed.
 * Before the fence again and again until little is left, after it until a whole pass finds nothing.
 * It must not change an ownership column, nor write a row that it has not compared.
 */
import { createHash } from "node:crypto";
import { quote } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { SlotMove } from "../../router/slot-stand.ts";
import { mayCopy } from "../../router/slot-transition.ts";
import type { SlotAddress } from "../store/port.ts";
import { bytesOf, nameOf } from "../store/slot-row.ts";
import type { SlotRow, SlotRowName, SlotTransfer } from "../store/transfer.ts";
import type { RateLimit } from "./rate-limit.ts";
import { compareNames, isSameRow } from "./row-comparison.ts";
import type { SlotPart } from "./slot-stream.ts";

/** Bounds of one write at the destination. */
const FILL_ROWS_MAX = 256;
const FILL_BYTES_MAX = 256 * 1024;

/** Bounds of one page of the destination's own rows. */
const PAGE_ROWS_MAX = 256;
const PAGE_BYTES_MAX = 256 * 1024;

/** So few differences in a pass are little enough to be left for the time after the fence. */
const LITTLE_ROWS = 16;

/** In so short a pass, in milliseconds, little can have been written beside it: another one would cost more than it spares after the fence. */
const SHORT_PASS_MS = 25;

/** A slot whose writers are faster than the copy is fenced after so many passes all the same. */
const PASSES_MAX = 8;

/** What was written at the destination; removed rows count as rows. */
export interface Copied {
  readonly rows: number;
  readonly bytes: number;
}

/** What copying one slot stands on. */
export interface SlotCopyContext {
  readonly address: SlotAddress;
  readonly move: SlotMove;
  readonly store: Pick<SlotTransfer, "slotPage" | "fillSlot">;
  readonly source: () => AsyncIterable<SlotPart>;
  readonly limit: Pick<RateLimit, "take">;
  /** Told after each write at the destination. */
  readonly onCopied: (copied: Copied) => void;
  /** From any fixed point. */
  readonly monotonicMs: () => number;
  readonly signal: AbortSignal;
}

/** `lost-sight`: the columns of a side are other ones than this needs. `stopped`: the signal said so. */
export type CopyOutcome = { readonly kind: "copied" | "lost-sight" | "stopped" };

/** The same for the work after the fence. `digest`: count and hash of all rows, which both sides have. */
export type ReconcileOutcome =
  | { readonly kind: "equal"; readonly digest: string }
  | { readonly kind: "lost-sight" | "stopped" };

/** Copies while the source is still written to, until little is left. Rejects when a side fails; then it may be begun again. */
export async function copySlot(context: SlotCopyContext, run: string): Promise<CopyOutcome> {
  const isSource = (source: Ownership): boolean => source.state === "OWNER" && source.epoch === context.move.epoch - 1;
  let before = Number.POSITIVE_INFINITY;
  for (let count = 1; ; count += 1) {
    const startedAtMs = context.monotonicMs();
    const pass = await new Pass(context, { run, isSource, isLimited: true }).run();
    if (typeof pass === "string") return { kind: pass };
    if (context.monotonicMs() - startedAtMs <= SHORT_PASS_MS) return { kind: "copied" };
    // When a pass finds as much as the one before it, more of them do not help.
    if (pass.differences <= LITTLE_ROWS || count === PASSES_MAX || pass.differences > before / 2)
      return { kind: "copied" };
    before = pass.differences;
  }
}

/** Finds both sides equal while the source is fenced, removing what differs. Rejects when a side fails; then it may be begun again. */
export async function reconcileSlot(context: SlotCopyContext, run: string): Promise<ReconcileOutcome> {
  const { epoch, move } = context.move;
  const isSource = (source: Ownership): boolean =>
    source.state === "FENCED" && source.epoch === epoch && source.move === move;
  for (;;) {
    const pass = await new Pass(context, { run, isSource, isLimited: false }).run();
    if (typeof pass === "string") return { kind: pass };
    if (pass.differences === 0) return { kind: "equal", digest: pass.digest };
  }
}

interface PassOptions {
  readonly run: string;
  readonly isSource: (ownership: Ownership) => boolean;
  /** Only the work before the fence is. */
  readonly isLimited: boolean;
}

/** `differences` counts what was written or removed. */
interface PassResult {
  readonly differences: number;
  readonly digest: string;
}

/** Thrown within a pass when a side's columns are not what it needs. */
class LostSight extends Error {}

/** One walk over both sides. */
class Pass {
  readonly #context: SlotCopyContext;
  readonly #options: PassOptions;
  readonly #own: OwnRows;
  readonly #fill: FillDraft;
  readonly #hash = createHash("sha256");
  #last: SlotRowName | null = null;
  #rows = 0;

  constructor(context: SlotCopyContext, options: PassOptions) {
    this.#context = context;
    this.#options = options;
    this.#own = new OwnRows(context, options.run);
    this.#fill = new FillDraft(context, options.run);
  }

  async run(): Promise<PassResult | "lost-sight" | "stopped"> {
    try {
      const isWhole = await this.#walk();
      if (!isWhole) return "stopped";
      return { differences: this.#fill.differences, digest: `${this.#rows}:${this.#hash.digest("base64url")}` };
    } catch (error) {
      if (error instanceof LostSight) return "lost-sight";
      throw error;
    }
  }

  /** False when it was stopped. */
  async #walk(): Promise<boolean> {
    for await (const part of this.#context.source()) {
      if (this.#context.signal.aborted) return false;
      if (part.kind === "changed") throw new LostSight();
      if (part.kind === "rows") {
        await this.#limit(part.rows);
        for (const row of part.rows) await this.#meet(row);
        continue;
      }
      if (!this.#options.isSource(part.ownership)) throw new LostSight();
      if (part.kind === "begin") continue;
      await this.#removeUpTo(null);
      await this.#fill.flush();
      return true;
    }
    throw new Error("the rows of the source ended without saying so");
  }

  async #limit(rows: readonly SlotRow[]): Promise<void> {
    if (!this.#options.isLimited) return;
    const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 0);
    await this.#context.limit.take({ rows: rows.length, bytes }, this.#context.signal);
  }

  async #meet(row: SlotRow): Promise<void> {
    const name = nameOf(row);
    if (this.#last !== null && compareNames(this.#last, name) >= 0) {
      throw new Error(`expected the source's rows in order, got ${quote(name)} behind ${quote(this.#last)}`);
    }
    this.#last = name;
    this.#rows += 1;
    if (!this.#options.isLimited) this.#hash.update(`${JSON.stringify(row)}\n`);
    await this.#removeUpTo(name);
    const own = await this.#own.head();
    const isHere = own !== null && compareNames(nameOf(own), name) === 0;
    if (isHere) this.#own.advance();
    if (own === null || !isHere || !isSameRow(own, row)) await this.#fill.put(row);
  }

  /** Removes own rows before `name`, all that are left for null: the source has none of them. */
  async #removeUpTo(name: SlotRowName | null): Promise<void> {
    for (let own = await this.#own.head(); own !== null; own = await this.#own.head()) {
      if (name !== null && compareNames(nameOf(own), name) >= 0) return;
      this.#own.advance();
      await this.#fill.remove(nameOf(own));
    }
  }
}

/** The destination's rows in order, a page at a time. A page is read before anything is written among its names or behind them. */
class OwnRows {
  readonly #context: SlotCopyContext;
  readonly #run: string;
  #page: readonly SlotRow[] = [];
  #index = 0;
  #after: SlotRowName | null = null;
  #isLast = false;

  constructor(context: SlotCopyContext, run: string) {
    this.#context = context;
    this.#run = run;
  }

  async head(): Promise<SlotRow | null> {
    while (this.#index >= this.#page.length && !this.#isLast) await this.#read();
    return this.#page[this.#index] ?? null;
  }

  advance(): void {
    this.#index += 1;
  }

  async #read(): Promise<void> {
    const { address, store } = this.#context;
    const bounds = { rowsMax: PAGE_ROWS_MAX, bytesMax: PAGE_BYTES_MAX };
    const page = await store.slotPage({ address, after: this.#after, ...bounds });
    if (!mayCopy(page.ownership, this.#run)) throw new LostSight();
    this.#page = page.rows;
    this.#index = 0;
    this.#after = page.next;
    this.#isLast = page.next === null;
  }
}

/** What is to be written at the destination, in bounded steps. */
class FillDraft {
  readonly #context: SlotCopyContext;
  readonly #run: string;
  #put: SlotRow[] = [];
  #remove: SlotRowName[] = [];
  #bytes = 0;
  differences = 0;

  constructor(context: SlotCopyContext, run: string) {
    this.#context = context;
    this.#run = run;
  }

  put(row: SlotRow): Promise<void> | undefined {
    this.#put.push(row);
    this.#bytes += bytesOf(row);
    return this.#flushWhenFull();
  }

  remove(name: SlotRowName): Promise<void> | undefined {
    this.#remove.push(name);
    return this.#flushWhenFull();
  }

  #flushWhenFull(): Promise<void> | undefined {
    const isFull = this.#put.length + this.#remove.length >= FILL_ROWS_MAX || this.#bytes >= FILL_BYTES_MAX;
    return isFull ? this.flush() : undefined;
  }

  async flush(): Promise<void> {
    const { address, store, onCopied } = this.#context;
    const [put, remove, bytes] = [this.#put, this.#remove, this.#bytes];
    const rows = put.length + remove.length;
    if (rows === 0) return;
    this.#put = [];
    this.#remove = [];
    this.#bytes = 0;
    this.differences += rows;
    const filled = await store.fillSlot({ address, run: this.#run, put, remove });
    if (filled.kind === "refused") throw new LostSight();
    onCopied({ rows, bytes });
  }
}
