/**
 * Looks through the names of a slot's rows for keys that belong elsewhere, page by page. Clients go first; whoever asks takes each page
 * when it has read the one before. It must not read what rows hold, nor change anything.
 */

import type { SlotId } from "../../router/ids.ts";
import {
  addMisplaced,
  findMisplaced,
  type MisplacedKey,
  type MisplacedKeys,
  NONE_MISPLACED,
  nowhere,
} from "../../router/misplaced-key.ts";
import type { Placement } from "../../router/slot.ts";
import type { MoveCourtesy } from "../mover/courtesy.ts";
import type { SlotAddress } from "../store/port.ts";
import type { SlotNamesPage, SlotTransfer, StoredName } from "../store/transfer.ts";

/** What the check stands on. */
export interface SlotCheckServices {
  readonly store: Pick<SlotTransfer, "slotNames">;
  readonly courtesy: Pick<MoveCourtesy, "begin">;
}

/** What was found. `rows`: of all kinds, as many as were looked at. */
export interface SlotCheck {
  readonly rows: number;
  readonly misplaced: MisplacedKeys;
}

/** Yields the rows so far after each page but the last. Rejects with `StoreError`. */
export async function* checkSlot(
  { store, courtesy }: SlotCheckServices,
  address: SlotAddress,
  placement: Placement,
): AsyncGenerator<number, SlotCheck, undefined> {
  let rows = 0;
  let misplaced = NONE_MISPLACED;
  let after: SlotNamesPage["next"] = null;
  for (;;) {
    const rest = courtesy.begin();
    const page: SlotNamesPage = await store.slotNames(address, after);
    rows += page.names.length;
    for (const stored of page.names) {
      const found = judge(placement, address.slot, stored);
      if (found !== null) misplaced = addMisplaced(misplaced, found);
    }
    await rest(null);
    if (page.next === null) return { rows, misplaced };
    after = page.next;
    yield rows;
  }
}

function judge(placement: Placement, slot: SlotId, { of, name }: StoredName): MisplacedKey | null {
  switch (of) {
    case "key":
      return findMisplaced(placement, slot, name);
    case "no-key":
      return nowhere(name);
    // What a record's id was made of cannot be told from it.
    case "record":
      return null;
    default:
      return of satisfies never;
  }
}
