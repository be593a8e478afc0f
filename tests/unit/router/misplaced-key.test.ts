// Keys that lie where they may not, and how many of them are named.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SlotId } from "../../../router/ids.ts";
import {
  addMisplaced,
  findMisplaced,
  MISPLACED_LENGTH_MAX,
  MISPLACED_NAMED_MAX,
  NONE_MISPLACED,
  nowhere,
} from "../../../router/misplaced-key.ts";
import { slotOf } from "../../../router/slot.ts";
import { holds } from "../seed.ts";
import { canonicalKey, PLACEMENTS } from "./arbitraries.ts";

describe.each(PLACEMENTS)("in a $kind collection with $stripes stripes", (placement) => {
  it("a canonical key is misplaced in every slot but its own", () => {
    holds(
      fc.property(canonicalKey, canonicalKey, (key, other) => {
        const [belongsTo, slot] = [slotOf(placement, key), slotOf(placement, other)];
        expect(findMisplaced(placement, belongsTo, key)).toBeNull();
        expect(findMisplaced(placement, slot, key)).toEqual(slot === belongsTo ? null : { key, belongsTo });
      }),
    );
  });
});

describe("a text that lies where no key does", () => {
  it("belongs nowhere, also when it looks like a key, and is named up to a bound", () => {
    expect(nowhere("0c")).toEqual({ key: "0c", belongsTo: null });
    expect(nowhere("z".repeat(MISPLACED_LENGTH_MAX + 1)).key).toHaveLength(MISPLACED_LENGTH_MAX);
  });
});

describe("what is no canonical key", () => {
  const RANGE = { kind: "range", stripes: 1 } as const;

  it.each([
    ["upper case", "Lamp"],
    ["nothing", ""],
    ["a slash", "la/mp"],
    ["a control character", "la\u0000mp"],
    ["another normal form", "cafe\u0301"],
  ])("belongs nowhere: %s", (_name, key) => {
    const slot = slotOf(RANGE, key as Parameters<typeof slotOf>[1]);
    expect(findMisplaced(RANGE, slot, key)).toEqual({ key, belongsTo: null });
  });

  it("is named by its beginning, however long it is", () => {
    const key = "L".repeat(100_000);
    expect(findMisplaced(RANGE, ":" as SlotId, key)?.key).toHaveLength(MISPLACED_LENGTH_MAX);
  });
});

it("all are counted, and the first are named", () => {
  const found = Array.from({ length: MISPLACED_NAMED_MAX + 3 }, (_, index) => ({ key: `K${index}`, belongsTo: null }));
  expect(found.reduce(addMisplaced, NONE_MISPLACED)).toEqual({
    rows: MISPLACED_NAMED_MAX + 3,
    named: found.slice(0, MISPLACED_NAMED_MAX),
  });
});
