/**
 * A page of a list while it is put together from rows that come slot by slot. It keeps what the page needs and one row more,
 * which tells whether anything follows. It must not read anything.
 */
import type { SortKey } from "../../router/slot.ts";
import { compareCodePoints, utf8Length } from "../../router/text.ts";
import { successorOf } from "./list-window.ts";
import type { ListOutcome, ListRequest, Row } from "./port.ts";

/** A document that lies in the window of the list. `prefix`: the number of its slot's prefix. */
export interface FoundRow {
  readonly sortKey: SortKey;
  readonly prefix: number;
  readonly row: Row;
}

interface KeptRow extends FoundRow {
  readonly bytes: number;
}

/** The limits of a page, as ListRequest has them. */
export type PageLimits = Pick<ListRequest, "limit" | "bytesMax">;

/** The smallest rows found so far. */
export class PageDraft {
  readonly #limits: PageLimits;
  #kept: KeptRow[] = [];
  #length = 0;
  #bytes = 0;

  constructor(limits: PageLimits) {
    this.#limits = limits;
  }

  /** Takes rows in any order, as long as no row of a lower prefix comes after the page was full of higher ones. */
  add(rows: readonly FoundRow[]): void {
    for (const found of rows) this.#kept.push({ ...found, bytes: utf8Length(found.row.json) });
    if (!isAscending(this.#kept)) this.#kept.sort((left, right) => compareCodePoints(left.sortKey, right.sortKey));
    this.#cut();
  }

  /** Forgets all rows of this prefix and of those behind it. */
  dropFrom(prefix: number): void {
    this.#kept = this.#kept.filter((kept) => kept.prefix < prefix);
    this.#cut();
  }

  /** Forgets all rows from `sortKey` on. */
  dropBehind(sortKey: SortKey): void {
    this.#kept = this.#kept.filter((kept) => compareCodePoints(kept.sortKey, sortKey) < 0);
    this.#cut();
  }

  /** The row that proves that something follows; nothing behind it matters any more. Null while the page is not full. */
  get horizon(): FoundRow | null {
    return this.#kept[this.#length] ?? null;
  }

  /** How many rows are missing until the page is full, if documents have `documentBytes` each. At least one. */
  missingRows(documentBytes: number): number {
    const byCount = this.#limits.limit - this.#length;
    const byBytes = Math.ceil((this.#limits.bytesMax - this.#bytes) / Math.max(1, documentBytes));
    return Math.max(0, Math.min(byCount, byBytes)) + 1;
  }

  /** The page. `coveredTo` is where it ends if neither limit ends it before. */
  finish(coveredTo: SortKey | null): ListOutcome {
    const rows = this.#kept.slice(0, this.#length);
    const end = this.horizon === null ? coveredTo : successorOf(rows.at(-1)?.sortKey ?? "");
    return { kind: "page", rows: rows.map(({ row }) => row), coveredTo: end };
  }

  #cut(): void {
    this.#length = 0;
    this.#bytes = 0;
    for (const { bytes } of this.#kept) {
      if (this.#length === this.#limits.limit || this.#bytes >= this.#limits.bytesMax) break;
      this.#length += 1;
      this.#bytes += bytes;
    }
    this.#kept.length = Math.min(this.#kept.length, this.#length + 1);
  }
}

/** Slots come in order: only the stripes of one prefix have to be merged. */
function isAscending(rows: readonly FoundRow[]): boolean {
  return rows.every((row, index) => compareCodePoints(rows[index - 1]?.sortKey ?? "", row.sortKey) <= 0);
}
