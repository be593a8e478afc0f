// Ranges made for a bench: as many rows in each slot as it says, all of them in the range. Must not store them.
import { describe, expect, it } from "vitest";
import { halfOf } from "../../../bench/half-ground.ts";
import { clientKeysOf, LOT_PREFIXES, lotOf, rowsOf } from "../../../bench/lots.ts";
import { canonicalKey } from "../../../bench/spread.ts";
import type { CollectionName } from "../../../router/ids.ts";
import { slotsIn } from "../../../router/move-plan.ts";
import { slotOf } from "../../../router/slot.ts";

const COLLECTION = "moved" as CollectionName;
const PRODUCTS = [{ key: "a", json: '{"n":1}' }];

describe.each([
  { stripes: 1, slots: 3, prefixes: 3 },
  { stripes: 8, slots: 11, prefixes: 2 },
])("a lot of $slots slots in $stripes stripes", ({ stripes, slots, prefixes }) => {
  const placement = { kind: "range", stripes } as const;
  const lot = lotOf({ collection: COLLECTION, placement, firstPrefix: 8, slots, rowsPerSlot: 20 });
  const groups = [...rowsOf(lot, PRODUCTS)];

  it("has its rows in as many slots, each in the slot that its key falls into, all within the range", () => {
    expect(lot).toMatchObject({ prefixes, rows: slots * 20 });
    expect(groups.map((rows) => rows.length)).toEqual(Array(slots).fill(20));
    const within = new Set(slotsIn(placement, lot));
    for (const { key, address } of groups.flat()) {
      expect(slotOf(placement, canonicalKey(key))).toBe(address.slot);
      expect(within.has(address.slot)).toBe(true);
    }
    expect(new Set(groups.flat().map(({ key }) => key)).size).toBe(lot.rows);
  });

  it("has a key for a client in each of these slots, others in each round", () => {
    const [first, second] = [clientKeysOf(lot, 0), clientKeysOf(lot, 1)];
    const slotsOfRows = groups.map(([row]) => row?.address.slot);
    for (const keys of [first, second]) {
      expect(keys.map((key) => slotOf(placement, canonicalKey(key)))).toEqual(slotsOfRows);
    }
    expect(new Set([...first, ...second, ...groups.flat().map(({ key }) => key)]).size).toBe(2 * slots + lot.rows);
  });
});

it("there is no lot beyond the last prefix", () => {
  const place = { collection: COLLECTION, placement: { kind: "range", stripes: 1 }, rowsPerSlot: 1 } as const;
  expect(lotOf({ ...place, firstPrefix: LOT_PREFIXES.length - 1, slots: 1 }).rows).toBe(1);
  expect(() => lotOf({ ...place, firstPrefix: LOT_PREFIXES.length - 1, slots: 2 })).toThrow(RangeError);
});

it("half of the products is cut at a slot, as evenly as slots allow, each key counted once", () => {
  const products = ["aa", "ab", "ab2", "ca", "ca", "ca2", "ca3", "d1"].map((key) => ({ key, json: "{}" }));
  const { start, end, going, staying } = halfOf(products);
  expect([start, end]).toEqual(["ca", null]);
  expect(staying.map(({ slot }) => slot)).toEqual(["aa", "ab"]);
  expect(going.map(({ products: ofSlot }) => ofSlot.length)).toEqual([3, 1]);
});
