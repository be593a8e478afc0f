/**
 * Lots: ranges of a collection with a given number of rows in each of their slots, and the documents of real products in them. Real keys
 * would crowd into some slots and leave others empty; here it is chosen how full a slot is. It must not store anything.
 */
import type { CollectionName, SlotId } from "../router/ids.ts";
import type { KeyRange } from "../router/range.ts";
import { type Placement, prefixesOf, slotOf, slotsOfPrefix, sortKeyOf } from "../router/slot.ts";
import type { RowAddress } from "../shards/store/port.ts";
import type { Product } from "./products.ts";
import { canonicalKey } from "./spread.ts";

/** Prefixes of two letters or digits, which lots are made of, in slot order. */
export const LOT_PREFIXES: readonly string[] = prefixesOf({ kind: "range", stripes: 1 }).filter((prefix) =>
  /^[a-z0-9]{2}$/.test(prefix),
);

/** What a lot is to be. Its prefixes lie side by side from the `firstPrefix`th of `LOT_PREFIXES` on. */
export interface LotSpec {
  readonly collection: CollectionName;
  /** Of kind `range`. */
  readonly placement: Placement;
  readonly firstPrefix: number;
  /** Slots with rows in them. Others of the range, between them or in the last prefix's stripes, stay empty. */
  readonly slots: number;
  readonly rowsPerSlot: number;
}

/** A range with rows. */
export interface Lot extends KeyRange, LotSpec {
  /** How many prefixes it takes. */
  readonly prefixes: number;
  readonly rows: number;
}

/** A row of a lot. */
export interface LotRow extends Product {
  readonly address: RowAddress;
}

/** The lot; throws a `RangeError` when there are not so many prefixes. */
export function lotOf(spec: LotSpec): Lot {
  const { placement, firstPrefix, slots, rowsPerSlot } = spec;
  const prefixes = Math.ceil(slots / placement.stripes);
  const [start, last] = [LOT_PREFIXES[firstPrefix], LOT_PREFIXES[firstPrefix + prefixes - 1]];
  if (start === undefined || last === undefined) {
    throw new RangeError(`a lot of ${prefixes} prefixes from ${firstPrefix} on: there are ${LOT_PREFIXES.length}`);
  }
  const all = prefixesOf(placement);
  return { ...spec, start, end: all[all.indexOf(last) + 1] ?? null, prefixes, rows: slots * rowsPerSlot };
}

/** Its rows, slot by slot; the documents are those of `products`, over and over. */
export function* rowsOf(lot: Lot, products: readonly Product[]): Generator<readonly LotRow[], void, undefined> {
  let count = 0;
  for (const { slot, prefix } of filledSlots(lot)) {
    const rows: LotRow[] = [];
    for (let number = 0; rows.length < lot.rowsPerSlot; number += 1) {
      const text = `${prefix}-${number}`;
      if (lot.placement.stripes > 1 && slotOf(lot.placement, canonicalKey(text)) !== slot) continue;
      const json = products[count++ % products.length]?.json ?? "{}";
      rows.push({ key: text, json, address: addressOf(lot, slot, text) });
    }
    yield rows;
  }
}

/** For each slot with rows, in slot order, a key that is none of them: for clients to write. Each `round` has keys of its own. */
export function clientKeysOf(lot: Lot, round: number): readonly string[] {
  return filledSlots(lot).map(({ slot, prefix }) => {
    for (let number = 0; ; number += 1) {
      const text = `${prefix}.${round}.${number}`;
      if (slotOf(lot.placement, canonicalKey(text)) === slot) return text;
    }
  });
}

function filledSlots({ placement, firstPrefix, prefixes, slots }: Lot) {
  return LOT_PREFIXES.slice(firstPrefix, firstPrefix + prefixes)
    .flatMap((prefix) => slotsOfPrefix(placement, prefix).map((slot) => ({ slot, prefix })))
    .slice(0, slots);
}

function addressOf({ collection, placement }: Lot, slot: SlotId, text: string): RowAddress {
  const key = canonicalKey(text);
  return { collection, slot, key, sortKey: sortKeyOf(placement, key) };
}
