/**
 * The destination's own rows of a slot that is filled under a run: read in order, and read again once something was put right.
 * It must not write, nor go on when the slot is not filled under that run any more.
 */
import type { Ownership } from "../../router/ownership.ts";
import { mayCopy } from "../../router/slot-transition.ts";
import type { SlotAddress } from "../store/port.ts";
import type { SlotPage, SlotRow, SlotRowName, SlotTransfer } from "../store/transfer.ts";
import type { MoveCourtesy } from "./courtesy.ts";
import { isSameRow } from "./row-comparison.ts";
import { SlotDigest } from "./slot-digest.ts";

/** Bound of one page; of its rows: see `Courtesy`. */
const PAGE_BYTES_MAX = 256 * 1024;

/** The slot. `own`: its columns as last seen, null for not at all: see `SlotPageRequest`. */
export interface OwnSlot {
  readonly address: SlotAddress;
  readonly store: Pick<SlotTransfer, "slotPage">;
  readonly own: Ownership | null;
  readonly courtesy: Pick<MoveCourtesy, "pieceRows">;
}

/** Thrown when a side's columns are not what is needed. */
export class LostSight extends Error {}

/** The destination's rows in order, a page at a time. A page is read before anything is written among its names or behind them. */
export class OwnRows {
  readonly #context: OwnSlot;
  readonly #run: string;
  /** The first page, asked for before it is needed. */
  #first: Promise<SlotPage> | null = null;
  #page: readonly SlotRow[] = [];
  #index = 0;
  #after: SlotRowName | null = null;
  #isLast = false;

  constructor(context: OwnSlot, run: string) {
    this.#context = context;
    this.#run = run;
  }

  /** Has the first page read while the caller waits for the source. */
  prefetch(): void {
    this.#first = this.#ask();
    // Whoever needs the page is told; a pass that ends before may leave it.
    this.#first.catch(() => undefined);
  }

  /** The next row, null behind the last one; undefined when a page has to be read first. */
  head(): SlotRow | null | undefined {
    const row = this.#page[this.#index];
    return row ?? (this.#isLast ? null : undefined);
  }

  advance(): void {
    this.#index += 1;
  }

  #ask(): Promise<SlotPage> {
    const { address, store, own: seen, courtesy } = this.#context;
    const bounds = { rowsMax: courtesy.pieceRows(), bytesMax: PAGE_BYTES_MAX };
    return store.slotPage({ address, after: this.#after, seen, ...bounds });
  }

  /** The next page. */
  async read(): Promise<void> {
    const page = await (this.#first ?? this.#ask());
    this.#first = null;
    if (!mayCopy(page.ownership, this.#run)) throw new LostSight();
    this.#page = page.rows;
    this.#index = 0;
    this.#after = page.next;
    this.#isLast = page.next === null;
  }
}

/** A place where something was put right: behind the row `after`, null for the first, comes `row` now, null for the end. */
export interface MendedPlace {
  readonly after: SlotRowName | null;
  readonly row: SlotRow | null;
}

/** Whether it is so now; `lost-sight` when the slot is not filled under the run any more. */
export type Reading = "yes" | "no" | "lost-sight";

/** Whether rows of this digest, and no others, are there. */
export async function holdsAll(slot: OwnSlot, run: string, digest: string): Promise<Reading> {
  const own = new OwnRows(slot, run);
  const found = new SlotDigest();
  try {
    for (let row = own.head(); row !== null; row = own.head()) {
      if (row === undefined) {
        await own.read();
        continue;
      }
      found.add(row);
      own.advance();
    }
  } catch (error) {
    if (error instanceof LostSight) return "lost-sight";
    throw error;
  }
  return found.text() === digest ? "yes" : "no";
}

/** Places that are read at the same time: writers wait for the last of them. */
const PLACES_AT_ONCE = 8;

/** Whether all these places are as they were put right. */
export async function holds(slot: OwnSlot, run: string, places: readonly MendedPlace[]): Promise<Reading> {
  for (let first = 0; first < places.length; first += PLACES_AT_ONCE) {
    const some = places.slice(first, first + PLACES_AT_ONCE);
    const readings = await Promise.all(some.map((place) => holdsAt(slot, run, place)));
    const other = readings.find((reading) => reading !== "yes");
    if (other !== undefined) return other;
  }
  return "yes";
}

async function holdsAt(slot: OwnSlot, run: string, { after, row }: MendedPlace): Promise<Reading> {
  const found = await rowBehind(slot, run, after);
  if (found === "lost-sight") return found;
  const isAsMended = row === null ? found === null : found !== null && isSameRow(found, row);
  return isAsMended ? "yes" : "no";
}

async function rowBehind(
  { address, store, own: seen }: OwnSlot,
  run: string,
  after: SlotRowName | null,
): Promise<SlotRow | null | "lost-sight"> {
  for (let place = after; ; ) {
    const page: SlotPage = await store.slotPage({ address, after: place, seen, rowsMax: 1, bytesMax: PAGE_BYTES_MAX });
    if (!mayCopy(page.ownership, run)) return "lost-sight";
    const [row] = page.rows;
    if (row !== undefined || page.next === null) return row ?? null;
    place = page.next;
  }
}
