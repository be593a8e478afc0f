/**
 * Which documents each of several clients writes or reads, one after the other, over and over: the same for both sides of a
 * comparison. It must not send anything.
 */
import { parseKey } from "../router/canonical-key.ts";
import type { CanonicalKey, SlotId } from "../router/ids.ts";
import { type Placement, slotOf } from "../router/slot.ts";
import type { Product } from "./products.ts";

/** Every collection of the benches is placed like this. */
export const PLACEMENT: Placement = { kind: "range", stripes: 1 };

/** What one client goes through. With a suffix every round has keys of its own, which nobody has used before. */
export interface ClientWork {
  readonly products: readonly Product[];
  readonly suffix: string | null;
}

/** The document that a client comes to as its `index`th. */
export function productAt({ products, suffix }: ClientWork, index: number): Product {
  const product = products[index % products.length];
  if (product === undefined) throw new Error("a client of the bench has nothing to do");
  return suffix === null ? product : { ...product, key: `${product.key}-${suffix}-${index}` };
}

/** A product's key, which the import has made canonical. */
export function canonicalKey(key: string): CanonicalKey {
  const parsed = parseKey(key);
  if (parsed.ok) return parsed.value;
  throw new Error(`a product of the sample has no key: ${parsed.detail}`);
}

/** The slot of a product. */
export function slotOfProduct({ key }: Product): SlotId {
  return slotOf(PLACEMENT, canonicalKey(key));
}

/** The products by slot, in the order of the sample. */
export function bySlot(products: readonly Product[]): ReadonlyMap<SlotId, readonly Product[]> {
  return Map.groupBy(products, slotOfProduct);
}

/** The first product of each slot: as spread as the sample allows. */
export function onePerSlot(products: readonly Product[]): readonly Product[] {
  return [...bySlot(products).values()].flatMap((ofSlot) => ofSlot.slice(0, 1));
}

/** So many products of the slot that has most of them. */
export function ofLargestSlot(products: readonly Product[], count: number): readonly Product[] {
  const [largest = []] = [...bySlot(products).values()].toSorted((left, right) => right.length - left.length);
  if (largest.length < count) throw new Error(`no slot of the sample has ${count} products`);
  return largest.slice(0, count);
}

/** Things dealt out like cards: no two clients have one in common. */
export function dealt<Thing>(things: readonly Thing[], clients: number): readonly (readonly Thing[])[] {
  return Array.from({ length: clients }, (_, client) => things.filter((_thing, index) => index % clients === client));
}
