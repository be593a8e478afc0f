// Windows of list requests: bounds and prefixes at the edges of slots. The rest is the list contract's.
// Must not go through a store.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Placement, prefixesOf } from "../../../router/slot.ts";
import { compareCodePoints } from "../../../router/text.ts";
import { clipBefore, successorOf, windowOf } from "../../../shards/store/list-window.ts";
import { listOf } from "../../contract/store-fixture.ts";
import { canonicalKey } from "../router/arbitraries.ts";
import { holds } from "../seed.ts";

const RANGE: Placement = { kind: "range", stripes: 1 };
const HASH: Placement = { kind: "hash", stripes: 1 };
const prefixNumber = (prefix: string, placement: Placement = RANGE): number => prefixesOf(placement).indexOf(prefix);

describe("windowOf", () => {
  const last = prefixesOf(RANGE).length - 1;

  it.each([
    { name: "everything", part: {}, first: 0, last },
    { name: "below the first prefix", part: { from: "" }, first: 0, last },
    {
      name: "inside one prefix",
      part: { from: "lab", to: "lamp" },
      first: prefixNumber("la"),
      last: prefixNumber("la"),
    },
    { name: "up to a prefix", part: { from: "la", to: "lb" }, first: prefixNumber("la"), last: prefixNumber("la") },
    { name: "into the next", part: { from: "la", to: "lb " }, first: prefixNumber("la"), last: prefixNumber("lb") },
    { name: "after the only key of a prefix", part: { after: "l" }, first: prefixNumber("l "), last },
    { name: "after a key", part: { after: "la" }, first: prefixNumber("la"), last },
  ])("covers the prefixes of $name", ({ part, first, last: end }) => {
    expect(windowOf(RANGE, listOf(part))).toMatchObject({ firstPrefix: first, lastPrefix: end });
  });

  it.each([
    { from: "b", to: "a" },
    { from: "b", to: "b" },
    { after: "b", to: "b" },
    { after: "b", to: "b " },
    { from: "", to: "" },
    { from: "", to: " " },
  ])("is empty for %j", (part) => {
    expect(windowOf(RANGE, listOf(part))).toBeNull();
  });

  it("goes by the two digits of a hash collection", () => {
    const window = windowOf(HASH, listOf({ from: "g0", to: "g2" }));
    expect(window).toMatchObject({ firstPrefix: prefixNumber("g0", HASH), lastPrefix: prefixNumber("g1", HASH) });
  });
});

describe("clipBefore", () => {
  it("ends a window at the prefix, and leaves nothing before its first", () => {
    const window = windowOf(RANGE, listOf({ from: "lamp", to: "m" }));
    if (window === null) throw new Error("expected a window");
    const clipped = clipBefore(window, RANGE, prefixNumber("lc"));
    expect(clipped).toEqual({ ...window, end: "lc", lastPrefix: prefixNumber("lb") });
    expect(clipBefore(window, RANGE, prefixNumber("la"))).toBeNull();
  });
});

describe("successorOf", () => {
  it("leaves no key between a key and its successor", () => {
    holds(
      fc.property(canonicalKey, canonicalKey, (key, other) => {
        const isAfter = compareCodePoints(other, key) > 0;
        expect(compareCodePoints(other, successorOf(key)) >= 0).toBe(isAfter);
      }),
    );
  });
});
