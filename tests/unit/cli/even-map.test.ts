// First maps for any number of shards. It must not start anything.
import { describe, expect, it } from "vitest";
import { evenMap, SHARDS_MAX, shardIds } from "../../../cli/even-map.ts";
import { parseRanges } from "../../../router/shard-map.ts";

const counts = Array.from({ length: SHARDS_MAX }, (_, index) => index + 1);

describe.each(["range", "hash"] as const)("an even map of a %s collection", (kind) => {
  const placement = { kind, stripes: 1 } as const;

  it.each(counts)("of %d shards is valid and gives each shard one range", (count) => {
    const shards = shardIds(count);
    const ranges = parseRanges(evenMap(kind, shards), { placement, shards: new Set(shards) });
    expect(ranges.ok && ranges.value.map((range) => range.shard)).toEqual(shards);
  });
});

it("cuts the alphabet by letters", () => {
  expect(evenMap("range", shardIds(3))).toEqual([
    { start: "", end: "j", shard: "shard-1" },
    { start: "j", end: "r", shard: "shard-2" },
    { start: "r", shard: "shard-3" },
  ]);
});

it("cuts hash slots into equal halves", () => {
  expect(evenMap("hash", shardIds(2))).toEqual([
    { start: "", end: "g0", shard: "shard-1" },
    { start: "g0", shard: "shard-2" },
  ]);
});
