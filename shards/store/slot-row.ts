/**
 * Rows of a slot as they travel: their names, their order, their size, and pages of them.
 * It must not know where they are stored.
 */
import type { CanonicalKey } from "../../router/ids.ts";
import { type Placement, slotOf } from "../../router/slot.ts";
import type { SlotFill, SlotPageRequest, SlotRow, SlotRowName } from "./transfer.ts";

/** What names the row within its slot. */
export function nameOf(row: SlotRow): SlotRowName {
  return row.kind === "record" ? { of: "record", name: row.id } : { of: "key", name: row.key };
}

/** The key that a name names. Throws a RangeError for the name of a record. */
export function parseKeyName({ of, name }: SlotRowName): CanonicalKey {
  if (of === "key") return name as CanonicalKey;
  throw new RangeError(`expected the name of a key, got that of record "${name}"`);
}

/** How many bytes of text the row holds, its name included. */
export function bytesOf(row: SlotRow): number {
  switch (row.kind) {
    case "document":
      return Buffer.byteLength(row.key) + Buffer.byteLength(row.op) + Buffer.byteLength(row.json);
    case "tombstone":
      return Buffer.byteLength(row.key) + Buffer.byteLength(row.op);
    case "record":
      return (
        Buffer.byteLength(row.id) + Buffer.byteLength(row.fingerprint) + Buffer.byteLength(JSON.stringify(row.verdict))
      );
    default:
      throw new Error(`broken assumption: row ${String(row satisfies never)}`);
  }
}

/** Throws a RangeError unless every key of the fill lies in its slot: a row of another one would overwrite what is served there. */
export function checkFill(placement: Placement, { address, put, remove }: SlotFill): void {
  for (const { of, name } of [...put.map(nameOf), ...remove]) {
    if (of === "record") continue;
    const slot = slotOf(placement, parseKeyName({ of, name }));
    if (slot !== address.slot) throw new RangeError(`key "${name}" lies in slot "${slot}", not in "${address.slot}"`);
  }
}

/** Throws a RangeError unless the bounds let a page come forward. */
export function checkBounds({ rowsMax, bytesMax }: Pick<SlotPageRequest, "rowsMax" | "bytesMax">): void {
  checkRowsMax(rowsMax);
  if (!(bytesMax >= 1)) throw new RangeError(`expected at least one byte, got ${bytesMax}`);
}

/** Throws a RangeError unless a step may take a row. */
export function checkRowsMax(rowsMax: number): void {
  if (!(rowsMax >= 1)) throw new RangeError(`expected at least one row, got ${rowsMax}`);
}

/** Rows of one reading: of the first, when nobody knows how large they are, and of any. */
export interface ReadingBounds {
  readonly first: number;
  readonly most: number;
}

/** Rows of a page so far. */
export class SlotPageDraft {
  readonly rows: SlotRow[] = [];
  readonly #rowsMax: number;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor({ rowsMax, bytesMax }: Pick<SlotPageRequest, "rowsMax" | "bytesMax">) {
    this.#rowsMax = rowsMax;
    this.#bytesMax = bytesMax;
  }

  add(row: SlotRow): void {
    this.rows.push(row);
    this.#bytes += bytesOf(row);
  }

  /** How many rows to read next: those that the page misses, as few as fill its bytes if they are like the ones so far. */
  rowsNext({ first, most }: ReadingBounds): number {
    const count = this.rows.length;
    const missing = Math.min(this.#rowsMax - count, most);
    if (count === 0) return Math.min(first, missing);
    const byBytes = Math.ceil(((this.#bytesMax - this.#bytes) * count) / Math.max(1, this.#bytes));
    return Math.max(1, Math.min(missing, byBytes));
  }

  /** Whether a bound is reached. */
  get isFull(): boolean {
    return this.rows.length >= this.#rowsMax || this.#bytes >= this.#bytesMax;
  }
}

/** How many first rows of a slot are all weighed, and of the others one in so many. */
const SAMPLE = 16;

/** Counts rows and estimates their bytes from a sample. */
export class SlotScale {
  #rows = 0;
  #sampledRows = 0;
  #sampledBytes = 0;

  /** `read` is called only for rows of the sample. */
  add(read: () => SlotRow): void {
    if (this.#rows < SAMPLE || this.#rows % SAMPLE === 0) {
      this.#sampledRows += 1;
      this.#sampledBytes += bytesOf(read());
    }
    this.#rows += 1;
  }

  get weight(): { readonly rows: number; readonly bytes: number } {
    const bytesPerRow = this.#sampledBytes / Math.max(1, this.#sampledRows);
    return { rows: this.#rows, bytes: Math.round(bytesPerRow * this.#rows) };
  }
}
