// Expiry entries: that their keys order them by what they name and by age, and say what they say.
// Must not need a database.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ExpiryEntry,
  expiryBoundOf,
  expiryKeyOf,
  parseExpiryKey,
} from "../../../shards/store/cassandra-expiry.ts";
import { holds } from "../seed.ts";

const TIME_MS_MAX = 10 ** 15 - 1;

const entry: fc.Arbitrary<ExpiryEntry> = fc.record({
  what: fc.constantFrom("record", "tombstone"),
  atMs: fc.nat({ max: TIME_MS_MAX }),
  name: fc.string({ unit: "grapheme" }),
});

describe("the key of an expiry entry", () => {
  it("is what databases hold", () => {
    const lamp = { atMs: 1_700_000_000_000, name: "lamp" } as const;
    expect(expiryKeyOf({ ...lamp, what: "record" })).toBe("r001700000000000lamp");
    expect(expiryKeyOf({ ...lamp, what: "tombstone" })).toBe("t001700000000000lamp");
  });

  it("gives the entry back", () => {
    const property = fc.property(entry, (one) => {
      expect(parseExpiryKey(expiryKeyOf(one))).toEqual(one);
    });
    holds(property);
  });

  it("lies below a bound of its kind exactly when it is older", () => {
    const property = fc.property(entry, fc.nat({ max: TIME_MS_MAX }), (one, beforeMs) => {
      const key = expiryKeyOf(one);
      const isFound = key >= expiryBoundOf(one.what, 0) && key < expiryBoundOf(one.what, beforeMs);
      expect(isFound).toBe(one.atMs < beforeMs);
    });
    holds(property);
  });

  it("never lies between the bounds of the other kind", () => {
    const property = fc.property(entry, (one) => {
      const other = one.what === "record" ? "tombstone" : "record";
      const key = expiryKeyOf(one);
      expect(key >= expiryBoundOf(other, 0) && key < expiryBoundOf(other, TIME_MS_MAX)).toBe(false);
    });
    holds(property);
  });

  it.each([
    { name: "before 1970", atMs: -5, key: "r000000000000000" },
    { name: "beyond all digits", atMs: 1e300, key: "r999999999999999" },
  ])("is held within its digits $name", ({ atMs, key }) => {
    expect(expiryBoundOf("record", atMs)).toBe(key);
  });

  it.each(["", "r", "x001700000000000lamp", "r00170000000000 lamp"])("is not %j", (key) => {
    expect(() => parseExpiryKey(key)).toThrow("no expiry key");
  });
});
