/**
 * All rows of a slot in the order of their names, page by page as fast as they are taken.
 * It must not hold more than a page, nor judge the ownership columns.
 */
import { isDeepStrictEqual } from "node:util";
import type { Ownership } from "../../router/ownership.ts";
import type { SlotAddress } from "../store/port.ts";
import type { SlotPage, SlotRow, SlotRowName, SlotTransfer } from "../store/transfer.ts";

/** Bounds of one page: what a shard reads at a stretch while its clients wait. */
const PAGE_ROWS_MAX = 256;
const PAGE_BYTES_MAX = 256 * 1024;

/**
 * A part of a slot's stream: `begin`, then `rows` as often as there are some, then `end` with how many they were; or `changed` as the
 * last part, when the ownership columns are no longer what they were at the beginning. Without `end` nothing is known to be complete.
 */
export type SlotPart =
  | { readonly kind: "begin"; readonly ownership: Ownership }
  | { readonly kind: "rows"; readonly rows: readonly SlotRow[] }
  | { readonly kind: "changed"; readonly ownership: Ownership }
  | { readonly kind: "end"; readonly rows: number; readonly ownership: Ownership };

/** The stream of one slot, behind `from` if it is given. A page is read when it is asked for. Rejects with `StoreError`. */
export async function* streamSlot(
  store: Pick<SlotTransfer, "slotPage">,
  address: SlotAddress,
  from: SlotRowName | null = null,
): AsyncGenerator<SlotPart, void, undefined> {
  let count = 0;
  let first: Ownership | null = null;
  let after: SlotPage["next"] = from;
  for (;;) {
    const page: SlotPage = await store.slotPage({
      address,
      after,
      rowsMax: PAGE_ROWS_MAX,
      bytesMax: PAGE_BYTES_MAX,
    });
    if (first === null) yield { kind: "begin", ownership: page.ownership };
    else if (!isDeepStrictEqual(first, page.ownership)) return yield { kind: "changed", ownership: page.ownership };
    first ??= page.ownership;
    count += page.rows.length;
    if (page.rows.length > 0) yield { kind: "rows", rows: page.rows };
    if (page.next === null) return yield { kind: "end", rows: count, ownership: page.ownership };
    after = page.next;
  }
}
