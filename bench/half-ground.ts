/**
 * A collection of products on the first shard, and the half of them that is to go. It must not measure anything.
 */
import type { CollectionName, SlotId } from "../router/ids.ts";
import type { KeyRange } from "../router/range.ts";
import { slotOf, sortKeyOf } from "../router/slot.ts";
import { compareCodePoints } from "../router/text.ts";
import type { LotRow } from "./lots.ts";
import type { Product } from "./products.ts";
import { canonicalKey, PLACEMENT, slotOfProduct } from "./spread.ts";

/** The products of one slot. */
interface SlotProducts {
  readonly slot: SlotId;
  readonly products: readonly Product[];
}

/** Half of the products, from a slot's beginning to the end of all keys. */
export interface Half extends KeyRange {
  readonly start: string;
  /** Slots with products that go, and that stay, each in order. */
  readonly going: readonly SlotProducts[];
  readonly staying: readonly SlotProducts[];
}

/** Cuts where it divides best. Each key once: files may name one twice, in other letters. */
export function halfOf(products: readonly Product[]): Half {
  const unique = [...new Map(products.map((product) => [product.key, product])).values()];
  const slots = [...Map.groupBy(unique, slotOfProduct)]
    .map(([slot, ofSlot]) => ({ slot, products: ofSlot }))
    .toSorted((left, right) => compareCodePoints(left.slot, right.slot));
  let before = 0;
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (const [index, { products: ofSlot }] of slots.entries()) {
    const unevenness = Math.abs(unique.length - 2 * before);
    if (unevenness < least) [best, least] = [index, unevenness];
    before += ofSlot.length;
  }
  const [staying, going] = [slots.slice(0, best), slots.slice(best)];
  const [first] = going;
  if (first === undefined || staying.length === 0) throw new Error("expected products in two slots at least");
  return { start: first.slot, end: null, going, staying };
}

/** How many products there are in some slots. */
export function countOf(slots: readonly SlotProducts[]): number {
  return slots.reduce((sum, { products }) => sum + products.length, 0);
}

/** Their rows, slot by slot. */
export function* rowsOfSlots(
  collection: CollectionName,
  slots: readonly SlotProducts[],
): Generator<readonly LotRow[], void, undefined> {
  for (const { slot, products } of slots) {
    yield products.map((product) => {
      const key = canonicalKey(product.key);
      return { ...product, address: { collection, slot, key, sortKey: sortKeyOf(PLACEMENT, key) } };
    });
  }
}

/** A key in each slot that no product has, for clients to write; `number` tells clients apart. */
export function clientKeysIn(slots: readonly SlotProducts[], number: number): readonly string[] {
  return slots.flatMap(({ slot, products }) => {
    // Behind a key of one symbol there would be another slot.
    const keys = products.map(({ key }) => `${key}.client-${number}`);
    return keys.filter((key) => slotOf(PLACEMENT, canonicalKey(key)) === slot).slice(0, 1);
  });
}
