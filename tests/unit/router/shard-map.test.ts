// The shard map: what is one, why not, and that every key lies in exactly one range of every map.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MapVersion } from "../../../router/ids.ts";
import { contains } from "../../../router/range.ts";
import {
  isNewer,
  type MapRules,
  parseRanges,
  parseShardMap,
  rangeOf,
  type ShardMap,
  shardsOf,
} from "../../../router/shard-map.ts";
import { sortKeyOf } from "../../../router/slot.ts";
import { holds } from "../seed.ts";
import { anyText, canonicalKey, PLACEMENTS, SHARDS, shardMap } from "./arbitraries.ts";

const RULES: MapRules = { placement: { kind: "range", stripes: 1 }, shards: new Set(SHARDS) };
const TWO = [
  { start: "", end: "m", shard: "shard-1" },
  { start: "m", shard: "shard-2" },
];

function mapWith(change: Readonly<Record<string, unknown>>): unknown {
  return { collection: "products", version: 1, parent: 0, ranges: TWO, ...change };
}

describe("parseShardMap", () => {
  it("takes a map that covers everything", () => {
    expect(parseShardMap(mapWith({}), RULES)).toEqual({
      ok: true,
      value: {
        collection: "products",
        version: 1,
        parent: 0,
        ranges: [
          { start: "", end: "m", shard: "shard-1" },
          { start: "m", end: null, shard: "shard-2" },
        ],
      },
    });
  });

  it.each([
    { name: "nothing", input: undefined, reason: "NOT_A_MAP", says: "got nothing" },
    { name: "null", input: null, reason: "NOT_A_MAP", says: "got null" },
    { name: "a text", input: "map", reason: "NOT_A_MAP", says: 'got "map"' },
    { name: "a list", input: [], reason: "NOT_A_MAP", says: "got []" },
    { name: "version 0", input: mapWith({ version: 0 }), reason: "NOT_A_MAP", says: '"version":0' },
    { name: "a version with a fraction", input: mapWith({ version: 1.5 }), reason: "NOT_A_MAP", says: "1.5" },
    { name: "a version as text", input: mapWith({ version: "1" }), reason: "NOT_A_MAP", says: '"1"' },
    { name: "a negative parent", input: mapWith({ parent: -1 }), reason: "NOT_A_MAP", says: '"parent":-1' },
    {
      name: "a parent that is not older",
      input: mapWith({ parent: 1 }),
      reason: "NOT_A_MAP",
      says: "parent < version",
    },
    { name: "ranges that are no list", input: mapWith({ ranges: {} }), reason: "NOT_A_MAP", says: "ranges: []" },
    { name: "no collection", input: mapWith({ collection: 7 }), reason: "INVALID_COLLECTION", says: "collection name" },
    {
      name: "a reserved collection",
      input: mapWith({ collection: "maps" }),
      reason: "INVALID_COLLECTION",
      says: '"maps"',
    },
    { name: "bad ranges", input: mapWith({ ranges: [] }), reason: "GAP", says: "got nothing" },
  ])("refuses $name as $reason", ({ input, reason, says }) => {
    expect(parseShardMap(input, RULES)).toEqual({ ok: false, reason, detail: expect.stringContaining(says) });
  });

  it("gives back a map that was printed", () => {
    for (const placement of PLACEMENTS) {
      holds(
        fc.property(shardMap(placement), (map) => {
          const printed: unknown = JSON.parse(JSON.stringify(map));
          expect(parseShardMap(printed, { placement, shards: null })).toEqual({ ok: true, value: map });
        }),
        { runs: 100 },
      );
    }
  });

  it("takes any input apart without throwing", () => {
    const field = fc.oneof(fc.anything({ withBigInt: true }), anyText, fc.nat());
    const range = fc.record({ start: field, end: field, shard: field }, { requiredKeys: [] });
    const input = fc.oneof(
      fc.anything({ withBigInt: true }),
      fc.record(
        { collection: field, version: field, parent: field, ranges: fc.array(fc.oneof(range, field)) },
        { requiredKeys: [] },
      ),
    );
    holds(
      fc.property(input, (data) => {
        expect(typeof parseShardMap(data, RULES).ok).toBe("boolean");
        expect(typeof parseRanges([data], RULES).ok).toBe("boolean");
      }),
      { runs: 1000 },
    );
  });
});

describe("parseRanges", () => {
  const range = (start: unknown, end: unknown, shard: unknown = "shard-1") => ({ start, end, shard });

  it.each([
    { name: "a range that is no table", ranges: ["a-m"], reason: "NOT_A_MAP", says: "ranges[0]: expected {start, end" },
    { name: "a start that is no text", ranges: [range(1, null)], reason: "NOT_A_MAP", says: "start: text" },
    { name: "an end that is no text", ranges: [range("", 1)], reason: "NOT_A_MAP", says: "end: text or null" },
    { name: "a shard that is no text", ranges: [range("", null, 1)], reason: "NOT_A_MAP", says: "shard: text" },
    { name: "no shard id", ranges: [range("", null, "A B")], reason: "INVALID_SHARD_ID", says: '"A B"' },
    {
      name: "an unknown shard",
      ranges: [range("", null, "shard-9")],
      reason: "UNKNOWN_SHARD",
      says: "shard-1, shard-2",
    },
    { name: "a start between slots", ranges: [range("abc", null)], reason: "NOT_A_BOUNDARY", says: '"ab" or "ac"' },
    { name: "an end between slots", ranges: [range("", "abc")], reason: "NOT_A_BOUNDARY", says: 'got "abc"' },
    { name: "an empty range", ranges: [range("m", "m")], reason: "EMPTY_RANGE", says: "start below end" },
    { name: "nothing at the low end", ranges: [range("a", null)], reason: "GAP", says: 'to start at ""' },
    { name: "nothing at the high end", ranges: [range("", "m")], reason: "GAP", says: "to end at infinity" },
    {
      name: "nothing in between",
      ranges: [range("", "m"), range("n", null)],
      reason: "GAP",
      says: 'ranges[1]: expected ["n", ∞) to start where the one before ends: ["", "m")',
    },
    { name: "two for the same keys", ranges: [range("", "n"), range("m", null)], reason: "OVERLAP", says: "ranges[1]" },
    {
      name: "one after the open end",
      ranges: [range("", null), range("m", null)],
      reason: "OVERLAP",
      says: "ranges[1]",
    },
    { name: "the wrong order", ranges: [range("", "m"), range("", "m")], reason: "NOT_SORTED", says: "to come after" },
  ])("refuses $name as $reason", ({ ranges, reason, says }) => {
    expect(parseRanges(ranges, RULES)).toEqual({ ok: false, reason, detail: expect.stringContaining(says) });
  });

  it("takes any well-formed shard where none are given", () => {
    expect(parseRanges([range("", null, "shard-9")], { ...RULES, shards: null }).ok).toBe(true);
  });
});

describe("rangeOf", () => {
  it.each(PLACEMENTS)("finds the one range that holds a key: %j", (placement) => {
    holds(
      fc.property(shardMap(placement), canonicalKey, (map, key) => {
        const sortKey = sortKeyOf(placement, key);
        const holding = map.ranges.filter((range) => contains(range, sortKey));
        expect(holding).toEqual([rangeOf(map, sortKey)]);
      }),
      { runs: 500 },
    );
  });

  it("stops at a map without ranges, which no parser makes", () => {
    const map = { collection: "products", version: 1, parent: 0, ranges: [] } as unknown as ShardMap;
    expect(() => rangeOf(map, "a")).toThrow("broken assumption: map products v1 has no ranges");
  });
});

describe("shardsOf", () => {
  it("names each shard once, in order of its first range", () => {
    const map = parseShardMap(
      mapWith({
        ranges: [
          { start: "", end: "c", shard: "shard-2" },
          { start: "c", end: "m", shard: "shard-1" },
          { start: "m", shard: "shard-2" },
        ],
      }),
      RULES,
    );
    expect(map.ok && shardsOf(map.value)).toEqual(["shard-2", "shard-1"]);
  });
});

describe("isNewer", () => {
  const version = (number: number): ShardMap => ({
    collection: "products" as ShardMap["collection"],
    version: number as MapVersion,
    parent: number - 1,
    ranges: [],
  });

  it.each([
    { name: "anything than nothing", candidate: 1, current: null, expected: true },
    { name: "a higher version", candidate: 3, current: 2, expected: true },
    { name: "not the same version", candidate: 2, current: 2, expected: false },
    { name: "not a lower version", candidate: 1, current: 2, expected: false },
  ])("$name", ({ candidate, current, expected }) => {
    expect(isNewer(version(candidate), current === null ? null : version(current))).toBe(expected);
  });
});
