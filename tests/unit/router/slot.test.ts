// Slots: a finite set in key order, one for every key whether it exists or not. What is written down here may never change.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKey } from "../../../router/canonical-key.ts";
import type { SlotId } from "../../../router/ids.ts";
import {
  floorIndex,
  type Placement,
  prefixesOf,
  prefixOf,
  prefixOfSlot,
  slotOf,
  slotsOf,
  slotsOfPrefix,
  sortKeyOf,
} from "../../../router/slot.ts";
import { compareCodePoints, murmur3 } from "../../../router/text.ts";
import { holds } from "../seed.ts";
import { anyText, canonical, canonicalKey, PLACEMENTS } from "./arbitraries.ts";

const RANGE: Placement = { kind: "range", stripes: 1 };
const STRIPED: Placement = { kind: "range", stripes: 16 };
const HASH: Placement = { kind: "hash", stripes: 1 };
const STRIPED_HASH: Placement = { kind: "hash", stripes: 16 };

const digestOf = (lines: readonly string[]): string => createHash("sha256").update(lines.join("\n")).digest("hex");

describe("the set of slots", () => {
  it.each([
    { name: "range", placement: RANGE, count: 1526, prefixes: 1526 },
    { name: "range in 16 stripes", placement: STRIPED, count: 1526 * 16, prefixes: 1526 },
    { name: "hash", placement: HASH, count: 1024, prefixes: 1024 },
    { name: "hash in 16 stripes", placement: STRIPED_HASH, count: 1024 * 16, prefixes: 1024 },
  ])("of $name has $count members, no two alike", ({ placement, count, prefixes }) => {
    expect(prefixesOf(placement)).toHaveLength(prefixes);
    expect(slotsOf(placement)).toHaveLength(count);
    expect(new Set(slotsOf(placement)).size).toBe(count);
  });

  it.each([
    { name: "range", placement: RANGE, digest: "c3ac106cbc1e84a41a3cc8ad70e3a5f628fcb8c68de90a62b02c119271820938" },
    { name: "hash", placement: HASH, digest: "959d8a143dae4365df5202b199a64dee334b7103e199f7ce1a91397932f8b8c8" },
  ])("of $name is what stored data was written with", ({ placement, digest }) => {
    expect(digestOf(slotsOf(placement))).toBe(digest);
  });

  it.each(PLACEMENTS)("has its prefixes in strictly ascending order: %j", (placement) => {
    const prefixes = prefixesOf(placement);
    for (const [index, prefix] of prefixes.entries()) {
      if (index > 0) expect(compareCodePoints(prefixes[index - 1] ?? "", prefix)).toBeLessThan(0);
    }
  });

  it.each(PLACEMENTS)("gives each slot back its prefix: %j", (placement) => {
    for (const prefix of prefixesOf(placement)) {
      for (const slot of slotsOfPrefix(placement, prefix)) {
        if (prefixOfSlot(placement, slot) !== prefix) expect(slot).toBe(`a slot of ${prefix}`);
      }
    }
  });
});

describe("slotOf", () => {
  it.each([
    { name: "a word goes by two letters", placement: RANGE, key: "react", slot: "re" },
    { name: "a single letter has a slot of its own", placement: RANGE, key: "r", slot: "r" },
    { name: "a hyphen behind a letter lies below the digits", placement: RANGE, key: "r-x", slot: "r " },
    { name: "an underscore behind a letter lies between", placement: RANGE, key: "r_x", slot: "r:" },
    { name: "any script behind a letter lies above", placement: RANGE, key: "ré", slot: "r{" },
    { name: "digits", placement: RANGE, key: "7zip", slot: "7z" },
    { name: "an underscore in front", placement: RANGE, key: "_x", slot: "_" },
    { name: "an at sign in front", placement: RANGE, key: "@scope", slot: ":" },
    { name: "an accented letter in front", placement: RANGE, key: "épée", slot: "À" },
    { name: "the lowest key there is", placement: RANGE, key: " ", slot: " " },
    { name: "the highest key there is", placement: RANGE, key: "\u{10fffd}", slot: "\u{20000}" },
    { name: "a stripe in two hexadecimal digits", placement: STRIPED, key: "react", slot: "re~01" },
    { name: "two digits of the hash", placement: HASH, key: "hello", slot: "4i" },
    {
      name: "two digits of the hash and a stripe by its low bits",
      placement: STRIPED_HASH,
      key: "hello",
      slot: "4i~07",
    },
  ])("$name: $key", ({ placement, key, slot }) => {
    expect(slotOf(placement, canonical(key))).toBe(slot);
  });

  it.each(PLACEMENTS)("names one of the slots of the key's prefix: %j", (placement) => {
    const all = new Set<SlotId>(slotsOf(placement));
    holds(
      fc.property(canonicalKey, (key) => {
        const slot = slotOf(placement, key);
        expect(all.has(slot)).toBe(true);
        expect(slotsOfPrefix(placement, prefixOf(placement, sortKeyOf(placement, key)))).toContain(slot);
        expect(prefixOfSlot(placement, slot)).toBe(prefixOf(placement, sortKeyOf(placement, key)));
      }),
      { runs: 1000 },
    );
  });

  it.each(PLACEMENTS)("keeps the order of sort keys: %j", (placement) => {
    const rank = new Map(prefixesOf(placement).map((prefix, index) => [prefix, index]));
    holds(
      fc.property(canonicalKey, canonicalKey, (one, other) => {
        const [low, high] = [one, other].map((key) => sortKeyOf(placement, key)).sort(compareCodePoints);
        const [lowRank, highRank] = [low, high].map((key) => rank.get(prefixOf(placement, key ?? "")) ?? -1);
        expect(lowRank).toBeGreaterThanOrEqual(0);
        expect(lowRank).toBeLessThanOrEqual(highRank ?? -1);
      }),
      { runs: 2000 },
    );
  });

  it("puts every code point there is into the interval that its slot stands for", () => {
    const prefixes = prefixesOf(RANGE);
    const nextOf = new Map(prefixes.map((prefix, index) => [prefix, prefixes[index + 1]]));
    for (let point = 0; point <= 0x10ffff; point += 1) {
      const key = parseKey(String.fromCodePoint(point));
      if (!key.ok) continue;
      const slot = slotOf(RANGE, key.value);
      const next = nextOf.get(slot);
      const isBelowNext = next === undefined || compareCodePoints(key.value, next) < 0;
      if (compareCodePoints(slot, key.value) > 0 || !isBelowNext) {
        expect({ point, slot, next }).toBe("an interval around the key");
      }
    }
  });

  it("takes stripes from the whole hash and hash slots from its upper bits", () => {
    holds(
      fc.property(canonicalKey, (key) => {
        expect(Number.parseInt(slotOf(STRIPED, key).slice(-2), 16)).toBe(murmur3(key) % 16);
        expect(Number.parseInt(slotOf(HASH, key), 32)).toBe(murmur3(key) >>> 22);
      }),
    );
  });
});

describe("sortKeyOf", () => {
  it("is the key itself in a range collection", () => {
    expect(sortKeyOf(RANGE, canonical("React"))).toBe("react");
    expect(sortKeyOf(STRIPED, canonical("React"))).toBe("react");
  });

  it("is slot and key in a hash collection", () => {
    expect(sortKeyOf(HASH, canonical("hello"))).toBe("4ihello");
  });
});

describe("floorIndex", () => {
  const sorted = ["b", "d", "f"];

  it.each([
    { name: "below all", bound: "a", index: -1 },
    { name: "the first", bound: "b", index: 0 },
    { name: "between", bound: "c", index: 0 },
    { name: "the last", bound: "f", index: 2 },
    { name: "above all", bound: "z", index: 2 },
  ])("$name", ({ bound, index }) => {
    expect(floorIndex(sorted, bound)).toBe(index);
  });

  it("finds nothing in an empty list", () => {
    expect(floorIndex([], "a")).toBe(-1);
  });

  it("agrees with looking through the list, for any bound", () => {
    holds(
      fc.property(anyText, (bound) => {
        const prefixes = prefixesOf(RANGE);
        const notAbove = prefixes.filter((prefix) => compareCodePoints(prefix, bound) <= 0);
        expect(floorIndex(prefixes, bound)).toBe(notAbove.length - 1);
      }),
      { runs: 100 },
    );
  });
});

describe("prefixOf", () => {
  it("gives the lowest prefix for what lies below it", () => {
    expect(prefixOf(RANGE, "")).toBe(" ");
    expect(prefixOf(RANGE, "\u0000")).toBe(" ");
    expect(prefixOf(HASH, "")).toBe("00");
  });
});
