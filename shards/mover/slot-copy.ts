/**
 * Makes a slot at the destination equal to its source: both are walked in the order of names, and what differs is written or removed.
 * Before the fence again and again until little is left, after it until a whole pass finds nothing. Rows that were copied before and are
 * not new since are compared by digests: to send them again would be most of the work.
 * It must not change an ownership column, nor write a row that it has not compared.
 */
import { quote } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { SlotMove } from "../../router/slot-stand.ts";
import type { SlotAddress } from "../store/port.ts";
import { bytesOf, nameOf } from "../store/slot-row.ts";
import type { SlotRow, SlotRowName, SlotTransfer } from "../store/transfer.ts";
import type { MoveCourtesy } from "./courtesy.ts";
import { holds, holdsAll, LostSight, type MendedPlace, OwnRows, type OwnSlot } from "./own-rows.ts";
import type { RateLimit } from "./rate-limit.ts";
import { compareNames, isSameRow } from "./row-comparison.ts";
import { type ChunkDigest, digestRows, SlotDigest } from "./slot-digest.ts";
import type { SlotPart } from "./slot-stream.ts";

/** Bound of one write at the destination; of its rows: see `Courtesy`. */
const FILL_BYTES_MAX = 256 * 1024;

/** So few differences in a pass are little enough to be left for the time after the fence. */
const LITTLE_ROWS = 16;

/** In so short a pass, in milliseconds, little can have been written beside it: another one would cost more than it spares after the fence. */
const SHORT_PASS_MS = 25;

/** A write shows up so much later than its time says, in milliseconds, or hardly ever later: then all rows are sent again. */
const WRITE_MS = 2000;

/** Places that are read by themselves after they were put right, at most; and rows of the slot for which one such reading pays. */
const MENDED_MAX = 1024;
const ROWS_PER_READING = 32;

/** A slot whose writers are faster than the copy is fenced after so many passes all the same. */
const PASSES_MAX = 8;

/** Rows of the source that the destination has now, whether they were sent to it or found there. */
export interface Copied {
  readonly rows: number;
  readonly bytes: number;
}

/** What copying one slot stands on. */
export interface SlotCopyContext {
  readonly address: SlotAddress;
  readonly move: SlotMove;
  readonly store: Pick<SlotTransfer, "slotPage" | "fillSlot">;
  /** The source's rows; `recentMs` as in `RowsQuestion`. */
  readonly source: (recentMs: number | null) => AsyncIterable<SlotPart>;
  /** The destination's columns as last seen, null for not at all: see `SlotPageRequest`. */
  readonly own: Ownership | null;
  readonly limit: Pick<RateLimit, "take">;
  readonly courtesy: MoveCourtesy;
  /** Told when a copy of the slot begins, from its first row. */
  readonly onCopying: () => void;
  /** Told of each part of that copy; what later passes put right is not counted again. */
  readonly onCopied: (copied: Copied) => void;
  /** From any fixed point. */
  readonly monotonicMs: () => number;
  readonly signal: AbortSignal;
}

/**
 * `lost-sight`: the columns of a side are other ones than this needs. `stopped`: the signal said so. `knownAtMs`: the rows of the source
 * that are older are known at the destination, by `monotonicMs`; null for none.
 */
export type CopyOutcome =
  | { readonly kind: "copied"; readonly knownAtMs: number | null }
  | { readonly kind: "lost-sight" | "stopped" };

/** The same for the work after the fence. `digest`: count and hash of all rows, which both sides have. */
export type ReconcileOutcome =
  | { readonly kind: "equal"; readonly digest: string }
  | { readonly kind: "lost-sight" | "stopped" };

/** Copies while the source is still written to, until little is left. Rejects when a side fails; then it may be begun again. */
export async function copySlot(context: SlotCopyContext, run: string): Promise<CopyOutcome> {
  const isSource = (source: Ownership): boolean => source.state === "OWNER" && source.epoch === context.move.epoch - 1;
  let before = Number.POSITIVE_INFINITY;
  let knownAtMs: number | null = null;
  context.onCopying();
  for (let count = 1; ; count += 1) {
    const startedAtMs = context.monotonicMs();
    const phase = count === 1 ? "first" : "later";
    const pass = await new Pass(context, { run, isSource, phase, knownAtMs, ahead: null }).run();
    if (typeof pass === "string") return { kind: pass };
    knownAtMs = pass.unequal === 0 ? startedAtMs : null;
    const isShort = context.monotonicMs() - startedAtMs <= SHORT_PASS_MS;
    if (isShort && pass.unequal === 0) return { kind: "copied", knownAtMs };
    // When a pass finds as much as the one before it, more of them do not help. What differs in a chunk has yet to be put right.
    const isEnough = pass.differences <= LITTLE_ROWS || pass.differences > before / 2;
    if (count === PASSES_MAX || (isEnough && pass.unequal === 0)) return { kind: "copied", knownAtMs };
    if (pass.unequal === 0) before = pass.differences;
  }
}

/** What need not be told anew to whoever has read the slot: see `RowsQuestion`, and `CopyOutcome` for `knownAtMs`. */
export function recentMsOf(knownAtMs: number | null, nowMs: number): number | null {
  return knownAtMs === null ? null : nowMs - knownAtMs + WRITE_MS;
}

/** What was asked for before a pass, for that pass alone. `source`: null where nothing came. */
export interface ReadAhead {
  readonly source: AsyncIterable<SlotPart> | null;
  readonly own: OwnRows;
}

/**
 * The destination's rows for the first pass behind the fence, the first page asked for now. The run must be a fresh one that was granted
 * before: nobody else writes there under it, so they are still the same behind the fence.
 */
export function readOwnAhead(slot: OwnSlot & Pick<SlotCopyContext, "courtesy">, run: string): OwnRows {
  const own = new OwnRows({ ...slot, courtesy: slot.courtesy.inHurry() }, run);
  own.prefetch();
  return own;
}

/** Under which run, what a copy before has found (see `CopyOutcome`), and what the first pass need not ask for; null for nothing. */
export interface Reconciliation {
  readonly run: string;
  readonly knownAtMs: number | null;
  readonly ahead: ReadAhead | null;
}

/**
 * Finds both sides equal while the source is fenced, removing what differs. What was put right is looked at again here only: the source
 * does not change any more, and has been read whole. Rejects when a side fails; then it may be begun again.
 */
export async function reconcileSlot(
  given: SlotCopyContext,
  { run, knownAtMs: knownBefore, ahead: aheadBefore }: Reconciliation,
): Promise<ReconcileOutcome> {
  const context = { ...given, courtesy: given.courtesy.inHurry() };
  const { epoch, move } = context.move;
  const isSource = (source: Ownership): boolean =>
    source.state === "FENCED" && source.epoch === epoch && source.move === move;
  let knownAtMs = knownBefore;
  let ahead = aheadBefore;
  for (;;) {
    const pass = await new Pass(context, { run, isSource, phase: "fenced", knownAtMs, ahead }).run();
    if (typeof pass === "string") return { kind: pass };
    knownAtMs = null;
    ahead = null;
    // What differs in a chunk is told by its rows only.
    if (pass.unequal > 0) continue;
    if (pass.differences === 0) return { kind: "equal", digest: pass.digest };
    // The other rows were found equal, and under this run nobody else writes.
    const answer =
      pass.mended === null ? await holdsAll(context, run, pass.digest) : await holds(context, run, pass.mended);
    if (answer === "lost-sight") return { kind: answer };
    if (answer === "yes") return { kind: "equal", digest: pass.digest };
  }
}

interface PassOptions {
  readonly run: string;
  readonly isSource: (ownership: Ownership) => boolean;
  /**
   * The first pass brings the rows over, as fast as the limits allow; each row counts there once. Later ones find little. Both rest among
   * clients. Behind the fence nobody rests, and what is found equal is summed up.
   */
  readonly phase: "first" | "later" | "fenced";
  /** See `CopyOutcome`. */
  readonly knownAtMs: number | null;
  readonly ahead: ReadAhead | null;
}

/**
 * `differences` counts what was written or removed, `unequal` rows of the source of which some differ: nobody knows which. `mended`: all
 * places with differences behind the fence; null where they are many.
 */
interface PassResult {
  readonly differences: number;
  readonly unequal: number;
  readonly digest: string;
  readonly mended: readonly MendedPlace[] | null;
}

/** One walk over both sides. */
class Pass {
  readonly #context: SlotCopyContext;
  readonly #options: PassOptions;
  readonly #courtesy: MoveCourtesy;
  readonly #own: OwnRows;
  readonly #fill: FillDraft;
  readonly #digest = new SlotDigest();
  #last: SlotRowName | null = null;
  #unequal = 0;
  #rows = 0;
  readonly #mended: MendedPlace[] = [];

  constructor(context: SlotCopyContext, options: PassOptions) {
    this.#context = context;
    this.#options = options;
    this.#courtesy = context.courtesy;
    this.#own = options.ahead?.own ?? new OwnRows(context, options.run);
    this.#fill = new FillDraft(context, options.run);
  }

  async run(): Promise<PassResult | "lost-sight" | "stopped"> {
    try {
      const isWhole = await this.#walk();
      if (!isWhole) return "stopped";
      const { differences } = this.#fill;
      return { differences, unequal: this.#unequal, digest: this.#digest.text(), mended: this.#mendedIfFew() };
    } catch (error) {
      if (error instanceof LostSight) return "lost-sight";
      throw error;
    }
  }

  /** False when it was stopped. */
  async #walk(): Promise<boolean> {
    for await (const part of this.#ask()) {
      if (this.#context.signal.aborted) return false;
      if (part.kind === "changed") throw new LostSight();
      if (part.kind === "rows") {
        await this.#bring(part.rows);
        continue;
      }
      if (part.kind === "digests") {
        await this.#compareAll(part.chunks);
        continue;
      }
      if (!this.#options.isSource(part.ownership)) throw new LostSight();
      if (part.kind === "begin") continue;
      const rest = this.#courtesy.begin();
      while (!this.#removeRest()) await this.#prepare();
      await this.#fill.flush();
      await rest(this.#context.signal);
      return true;
    }
    throw new Error("the rows of the source ended without saying so");
  }

  /** To read each place by itself pays where there are many rows for each. */
  #mendedIfFew(): readonly MendedPlace[] | null {
    return this.#mended.length <= MENDED_MAX && this.#mended.length * ROWS_PER_READING <= this.#rows
      ? this.#mended
      : null;
  }

  /** Both sides at once. */
  #ask(): AsyncIterable<SlotPart> {
    const { ahead, knownAtMs } = this.#options;
    if (ahead === null) this.#own.prefetch();
    return ahead?.source ?? this.#context.source(recentMsOf(knownAtMs, this.#context.monotonicMs()));
  }

  /** Rests after each own page: many chunks may come at once. */
  async #compareAll(chunks: readonly ChunkDigest[]): Promise<void> {
    const { signal } = this.#context;
    let rest = this.#courtesy.begin();
    for (const chunk of chunks) {
      const own = await this.#takeThrough(chunk);
      if (own.length !== chunk.rows || digestRows(own) !== chunk.digest) this.#unequal += chunk.rows;
      this.#note(chunk.through);
      this.#rows += chunk.rows;
      if (this.#options.phase === "fenced") this.#digest.addChunk(chunk);
      if (this.#own.head() !== undefined) continue;
      await rest(signal);
      rest = this.#courtesy.begin();
    }
    await rest(signal);
  }

  /** Own rows up to the chunk's last one; when they are too many, one too many is enough. */
  async #takeThrough({ rows, through }: ChunkDigest): Promise<readonly SlotRow[]> {
    const own: SlotRow[] = [];
    for (;;) {
      const row = this.#next();
      if (row === null || (row !== undefined && compareNames(nameOf(row), through) > 0)) return own;
      if (row === undefined) {
        await this.#prepare();
        continue;
      }
      if (own.length <= rows) own.push(row);
      this.#own.advance();
    }
  }

  /** Rests after each write, too. */
  async #meetAll(rows: readonly SlotRow[]): Promise<void> {
    const { signal } = this.#context;
    let rest = this.#courtesy.begin();
    for (const row of rows) {
      while (!this.#meet(row)) {
        if (await this.#prepare()) {
          await rest(signal);
          rest = this.#courtesy.begin();
        }
      }
    }
    await rest(signal);
  }

  /** The first time as fast as the limits allow, and counted. */
  async #bring(rows: readonly SlotRow[]): Promise<void> {
    const { limit, signal, onCopied } = this.#context;
    if (this.#options.phase !== "first") return this.#meetAll(rows);
    const copied = { rows: rows.length, bytes: rows.reduce((sum, row) => sum + bytesOf(row), 0) };
    await limit.take(copied, signal);
    await this.#meetAll(rows);
    onCopied(copied);
  }

  /**
   * Notes what has to be done for the row, and for own rows before it, which the source has not. False when the next own page has to be
   * read or what is noted has to be written first: a row is waited for only then, for there are many.
   */
  #meet(row: SlotRow): boolean {
    const name = nameOf(row);
    for (;;) {
      const own = this.#next();
      if (own === undefined) return false;
      const order = own === null ? 1 : compareNames(nameOf(own), name);
      if (own === null || order >= 0) {
        if (order === 0) this.#own.advance();
        if (own === null || order > 0 || !isSameRow(own, row)) {
          this.#fill.put(row);
          this.#mend(row);
        }
        this.#count(row, name);
        return true;
      }
      this.#own.advance();
      this.#fill.remove(nameOf(own));
      this.#mend(row);
    }
  }

  /** The source has no more rows. False as above. */
  #removeRest(): boolean {
    for (;;) {
      const own = this.#next();
      if (own === undefined) return false;
      if (own === null) return true;
      this.#own.advance();
      this.#fill.remove(nameOf(own));
      this.#mend(null);
    }
  }

  /** In front of `row`, or it itself; null for behind all. Of one place one is enough. */
  #mend(row: SlotRow | null): void {
    const isNew = this.#mended.length === 0 || this.#mended.at(-1)?.row !== row;
    if (this.#options.phase === "fenced" && isNew && this.#mended.length <= MENDED_MAX) {
      this.#mended.push({ after: this.#last, row });
    }
  }

  /** The own row that is next, null behind the last one; undefined when something has to be done before anybody can tell. */
  #next(): SlotRow | null | undefined {
    return this.#fill.isFull ? undefined : this.#own.head();
  }

  /** Whether something was written. */
  async #prepare(): Promise<boolean> {
    const mustWrite = this.#fill.isFull;
    if (mustWrite) await this.#fill.flush();
    if (this.#own.head() === undefined) await this.#own.read();
    return mustWrite;
  }

  #count(row: SlotRow, name: SlotRowName): void {
    this.#note(name);
    this.#rows += 1;
    if (this.#options.phase === "fenced") this.#digest.add(row);
  }

  #note(name: SlotRowName): void {
    if (this.#last !== null && compareNames(this.#last, name) >= 0) {
      throw new Error(`expected the source's rows in order, got ${quote(name)} behind ${quote(this.#last)}`);
    }
    this.#last = name;
  }
}

/** What is to be written at the destination, in bounded steps. */
class FillDraft {
  readonly #context: SlotCopyContext;
  readonly #run: string;
  #put: SlotRow[] = [];
  #remove: SlotRowName[] = [];
  #bytes = 0;
  #rowsMax: number;
  differences = 0;

  constructor(context: SlotCopyContext, run: string) {
    this.#context = context;
    this.#run = run;
    this.#rowsMax = context.courtesy.pieceRows();
  }

  get isFull(): boolean {
    return this.#put.length + this.#remove.length >= this.#rowsMax || this.#bytes >= FILL_BYTES_MAX;
  }

  put(row: SlotRow): void {
    this.#put.push(row);
    this.#bytes += bytesOf(row);
  }

  remove(name: SlotRowName): void {
    this.#remove.push(name);
  }

  async flush(): Promise<void> {
    const { address, store, courtesy } = this.#context;
    const [put, remove] = [this.#put, this.#remove];
    const rows = put.length + remove.length;
    if (rows === 0) return;
    this.#put = [];
    this.#remove = [];
    this.#bytes = 0;
    this.#rowsMax = courtesy.pieceRows();
    this.differences += rows;
    const filled = await store.fillSlot({ address, run: this.#run, put, remove });
    if (filled.kind === "refused") throw new LostSight();
  }
}
