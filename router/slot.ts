/**
 * Slots: the finite, fixed set of storage partitions that a collection's keys fall into.
 * It must never change for a collection that holds data: slot ids are partition keys.
 *
 * A `range` collection cuts the ordered space of keys. A key that begins with an ASCII letter or digit
 * goes by its first symbol and the interval of its second; any other first symbol goes by its interval
 * alone, because behind an interval of several symbols a second symbol would break the order of keys.
 * A `hash` collection has 1,024 prefixes: two base-32 digits of the key's hash. Either kind can divide each prefix
 * further into stripes, by the hash's low bits.
 */
import type { CanonicalKey, SlotId } from "./ids.ts";
import { compareCodePoints, murmur3 } from "./text.ts";

/** How a collection spreads its keys. `stripes` (1 to 256) divides each prefix further by hash. */
export interface Placement {
  readonly kind: "range" | "hash";
  readonly stripes: number;
}

/** Most stripes a prefix may be divided into. */
export const STRIPES_MAX = 256;

/**
 * Where a key stands in its collection's order, and how map bounds are written: for `range` the key
 * itself, for `hash` the slot's two digits followed by the key. Compared by code points.
 */
export type SortKey = string;

const HASH_DIGITS = "0123456789abcdefghijklmnopqrstuv";
const ALPHANUMERICS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** Lowest code point a key can hold: everything below is a control character. */
const LOWEST_POINT = 0x20;

/** Where intervals of a second symbol begin: below the digits, each digit, between, each letter, above. */
const SECOND_STARTS: readonly number[] = [LOWEST_POINT, ...codePointsOf(ALPHANUMERICS), 0x3a, 0x7b].sort(ascending);

/** Where intervals of a first symbol begin that is neither an ASCII letter nor a digit. */
// biome-ignore format: a table of code points
const OTHER_STARTS: readonly number[] = [
  LOWEST_POINT, 0x2d, 0x2e, 0x3a, 0x5f, 0x60, 0x7b, 0xc0, 0x100, 0x180, 0x250, 0x370, 0x3b1, 0x3c0, 0x400, 0x430,
  0x434, 0x438, 0x43c, 0x440, 0x444, 0x448, 0x450, 0x530, 0x590, 0x5d8, 0x600, 0x628, 0x633, 0x641, 0x700, 0x900,
  0x980, 0xa80, 0xb80, 0xc80, 0xd80, 0xe00, 0xe80, 0x1000, 0x10a0, 0x1100, 0x1780, 0x1e00, 0x2000, 0x2e80, 0x3040,
  0x3060, 0x30a0, 0x30c0, 0x3100, 0x3400, ...steps(0x4e00, 0xa000, 0x500), 0xa000, ...steps(0xac00, 0xd7b0, 0x580),
  0xd7b0, 0xe000, 0x10000, 0x1f000, 0x1f400, 0x1f600, 0x1f900, 0x20000,
];

/** Lower bounds of all prefixes of a `range` collection, in order. */
const RANGE_PREFIXES: readonly string[] = buildRangePrefixes();

const HASH_PREFIXES: readonly string[] = [...HASH_DIGITS].flatMap((high) => [...HASH_DIGITS].map((low) => high + low));

const LOWEST_PREFIX = { range: String.fromCodePoint(LOWEST_POINT), hash: "00" } as const;

function ascending(left: number, right: number): number {
  return left - right;
}

function codePointsOf(text: string): number[] {
  return [...text].map((symbol) => symbol.charCodeAt(0));
}

function steps(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step);
}

function buildRangePrefixes(): string[] {
  const divided = [...ALPHANUMERICS].flatMap((first) => [
    first,
    ...SECOND_STARTS.map((second) => first + String.fromCodePoint(second)),
  ]);
  const undivided = OTHER_STARTS.map((first) => String.fromCodePoint(first));
  return [...divided, ...undivided].sort(compareCodePoints);
}

/** Lower bounds of the prefixes of `placement` in order: the cuts that map ranges may use. */
export function prefixesOf(placement: Placement): readonly string[] {
  return placement.kind === "range" ? RANGE_PREFIXES : HASH_PREFIXES;
}

/** Number of the last element that is not above `bound`; -1 when all are. */
export function floorIndex(sorted: readonly string[], bound: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const element = sorted[middle];
    if (element !== undefined && compareCodePoints(element, bound) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The lower bound of the prefix that `sortKey` falls into; the lowest one for anything below it. */
export function prefixOf(placement: Placement, sortKey: SortKey): string {
  const prefixes = prefixesOf(placement);
  return prefixes[floorIndex(prefixes, sortKey)] ?? LOWEST_PREFIX[placement.kind];
}

/** Where `key` stands in its collection's order. */
export function sortKeyOf(placement: Placement, key: CanonicalKey): SortKey {
  if (placement.kind === "range") return key;
  const hash = murmur3(key);
  return `${HASH_DIGITS.charAt(hash >>> 27)}${HASH_DIGITS.charAt((hash >>> 22) & 31)}${key}`;
}

/** The slot that `key` falls into, whether or not the key exists. */
export function slotOf(placement: Placement, key: CanonicalKey): SlotId {
  const prefix = prefixOf(placement, sortKeyOf(placement, key));
  if (placement.stripes === 1) return prefix as SlotId;
  return slotIdOf(prefix, murmur3(key) % placement.stripes);
}

function slotIdOf(prefix: string, stripe: number): SlotId {
  return `${prefix}~${stripe.toString(16).padStart(2, "0")}` as SlotId;
}

/** The slots of one prefix: one, or as many as there are stripes. */
export function slotsOfPrefix(placement: Placement, prefix: string): readonly SlotId[] {
  if (placement.stripes === 1) return [prefix as SlotId];
  return Array.from({ length: placement.stripes }, (_, stripe) => slotIdOf(prefix, stripe));
}

/** All slots of a collection, in order. */
export function slotsOf(placement: Placement): readonly SlotId[] {
  return prefixesOf(placement).flatMap((prefix) => slotsOfPrefix(placement, prefix));
}

/** The prefix (lower bound) that a slot belongs to. */
export function prefixOfSlot(placement: Placement, slot: SlotId): string {
  return placement.stripes === 1 ? slot : slot.slice(0, -3);
}
