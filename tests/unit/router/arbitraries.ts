/**
 * Random inputs for the pure core: texts, keys, spellings of keys, placements and maps.
 * It must not contain an expectation.
 */
import fc from "fast-check";
import { parseKey } from "../../../router/canonical-key.ts";
import type { CanonicalKey, CollectionName, MapVersion, ShardId } from "../../../router/ids.ts";
import type { MapRange, ShardMap } from "../../../router/shard-map.ts";
import { type Placement, prefixesOf } from "../../../router/slot.ts";

/** Shards that random maps are made of. */
export const SHARDS = ["shard-1", "shard-2", "shard-3"] as readonly string[] as readonly ShardId[];

export const COLLECTION = "products" as CollectionName;

const SYMBOLS_OF_INTEREST = [
  ..."azAZ09_-~. %/\\+'\"",
  ..."éÉßẞſıİΣσςΐΰÅåǰǅŁ\u0301\u0308\u0323\u0345",
  ..."가각한글ᄀ\u1161\u11a8अक़ابתあ漢",
  ..."\u{10400}\u{10428}\u{1d15e}😀\u{20000}\u{fffff}",
  ..."\u{0}\u{7f}\u{85}\u{2028}\u{378}\u{fffe}\u{feff}\u{d7ff}\u{e000}\u{ffff}\u{212a}\u{1fbe}",
];

/** Any text, well-formed or not, with many of the symbols that make trouble. */
export const anyText = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.array(fc.constantFrom(...SYMBOLS_OF_INTEREST), { maxLength: 8 }).map((symbols) => symbols.join("")),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units)),
);

/** Any text without lone surrogates. */
export const wellFormedText = anyText.map((text) => text.toWellFormed());

/** A text that is a key, canonical or not. */
export const keyText = wellFormedText.filter((text) => parseKey(text).ok);

/** A canonical key. */
export const canonicalKey: fc.Arbitrary<CanonicalKey> = fc.oneof(
  keyText.map(canonical),
  fc.stringMatching(/^[a-z0-9]{1,4}[a-z0-9-]{0,6}$/).map(canonical),
);

/** The canonical key of a text that has one; throws otherwise. */
export function canonical(text: string): CanonicalKey {
  const parsed = parseKey(text);
  if (!parsed.ok) throw new Error(`not a key: ${JSON.stringify(text)} (${parsed.reason})`);
  return parsed.value;
}

/** Percent-encodes each byte of `text`, where `choices` says how: as it is (if that is allowed), in lower or upper hex. */
export function spellPercent(text: string, choices: readonly number[]): string {
  const spelled = [...text].map((symbol, index) => {
    const choice = choices[index % Math.max(1, choices.length)] ?? 0;
    if (choice === 0 && symbol !== "%") return symbol;
    const hex = [...Buffer.from(symbol)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    return choice === 1 ? hex : hex.toUpperCase();
  });
  return spelled.join("");
}

/** Placements with distinct behaviour: plain, striped, hashed. */
export const PLACEMENTS: readonly Placement[] = [
  { kind: "range", stripes: 1 },
  { kind: "range", stripes: 7 },
  { kind: "range", stripes: 256 },
  { kind: "hash", stripes: 1 },
  { kind: "hash", stripes: 7 },
];

/** A map version of `placement` cut at random slot boundaries, and never twice the same shard on purpose. */
export function shardMap(placement: Placement): fc.Arbitrary<ShardMap> {
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: prefixesOf(placement).length - 1 }), { maxLength: 6 });
  const owners = fc.array(fc.constantFrom(...SHARDS), { minLength: 7, maxLength: 7 });
  const version = fc.integer({ min: 1, max: 1000 });
  return fc.tuple(cuts, owners, version).map(([indexes, shards, number]) => ({
    collection: COLLECTION,
    version: number as MapVersion,
    parent: number - 1,
    ranges: rangesCutAt(boundariesAt(placement, indexes), shards),
  }));
}

function boundariesAt(placement: Placement, indexes: readonly number[]): readonly string[] {
  return indexes.toSorted((left, right) => left - right).map((index) => prefixesOf(placement)[index] ?? "");
}

function rangesCutAt(boundaries: readonly string[], shards: readonly ShardId[]): readonly MapRange[] {
  const starts = ["", ...boundaries];
  return starts.map((start, index) => ({
    start,
    end: starts[index + 1] ?? null,
    shard: shards[index] ?? ("shard-1" as ShardId),
  }));
}

/** A random boundary: mostly a real one, sometimes not. */
export function boundary(placement: Placement): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...prefixesOf(placement)) },
    { weight: 1, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: anyText },
  );
}
