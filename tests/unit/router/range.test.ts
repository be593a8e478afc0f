// Half-open ranges: the algebra, and the boundaries that ranges may have.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compareEnds,
  contains,
  describeRange,
  endOfPrefix,
  intersect,
  isEmpty,
  type KeyRange,
  parseBoundary,
  parseRange,
  WHOLE_RANGE,
} from "../../../router/range.ts";
import { type Placement, prefixesOf } from "../../../router/slot.ts";
import { compareCodePoints } from "../../../router/text.ts";
import { holds } from "../seed.ts";
import { anyText, boundary, PLACEMENTS, wellFormedText } from "./arbitraries.ts";

const RANGE: Placement = { kind: "range", stripes: 1 };
const HASH: Placement = { kind: "hash", stripes: 1 };

const anyRange: fc.Arbitrary<KeyRange> = fc.record({ start: anyText, end: fc.option(anyText) });

describe("contains", () => {
  it.each([
    { name: "the start", range: { start: "a", end: "m" }, key: "a", expected: true },
    { name: "below the start", range: { start: "b", end: "m" }, key: "a", expected: false },
    { name: "not the end", range: { start: "a", end: "m" }, key: "m", expected: false },
    { name: "the last key before the end", range: { start: "a", end: "m" }, key: "lzzz", expected: true },
    { name: "anything above an open end's start", range: { start: "m", end: null }, key: "\u{10ffff}", expected: true },
    { name: "anything in the whole range", range: WHOLE_RANGE, key: "", expected: true },
  ])("$name", ({ range, key, expected }) => {
    expect(contains(range, key)).toBe(expected);
  });
});

describe("isEmpty", () => {
  it.each([
    { name: "end above start", range: { start: "a", end: "b" }, expected: false },
    { name: "end at start", range: { start: "a", end: "a" }, expected: true },
    { name: "end below start", range: { start: "b", end: "a" }, expected: true },
    { name: "open end", range: { start: "\u{10ffff}", end: null }, expected: false },
  ])("$name", ({ range, expected }) => {
    expect(isEmpty(range)).toBe(expected);
  });

  it("holds exactly where no key can lie", () => {
    holds(
      fc.property(anyRange, (range) => {
        expect(isEmpty(range)).toBe(!contains(range, range.start));
      }),
    );
  });
});

describe("intersect", () => {
  it.each([
    { name: "overlapping", left: ["a", "m"], right: ["g", "z"], both: ["g", "m"] },
    { name: "one inside the other", left: ["a", null], right: ["g", "h"], both: ["g", "h"] },
    { name: "both open", left: ["a", null], right: ["g", null], both: ["g", null] },
    { name: "touching", left: ["a", "m"], right: ["m", null], both: null },
    { name: "apart", left: ["a", "b"], right: ["m", "n"], both: null },
  ] as const)("$name", ({ left, right, both }) => {
    const expected = both === null ? null : { start: both[0], end: both[1] };
    const [one, other] = [left, right].map(([start, end]) => ({ start, end }));
    expect(intersect(one ?? WHOLE_RANGE, other ?? WHOLE_RANGE)).toEqual(expected);
    expect(intersect(other ?? WHOLE_RANGE, one ?? WHOLE_RANGE)).toEqual(expected);
  });

  it("contains what both contain and nothing else", () => {
    holds(
      fc.property(anyRange, anyRange, anyText, (left, right, key) => {
        const both = intersect(left, right);
        expect(both !== null && contains(both, key)).toBe(contains(left, key) && contains(right, key));
      }),
      { runs: 2000 },
    );
  });
});

describe("compareEnds", () => {
  it.each([
    { name: "two open ends", left: null, right: null, sign: 0 },
    { name: "open above text", left: null, right: "\u{10ffff}", sign: 1 },
    { name: "text below open", left: "", right: null, sign: -1 },
    { name: "texts by code points", left: "\uffff", right: "\u{10000}", sign: -1 },
  ])("$name", ({ left, right, sign }) => {
    expect(Math.sign(compareEnds(left, right))).toBe(sign);
  });
});

describe("endOfPrefix", () => {
  it.each([
    { name: "the next letter", prefix: "re", end: "rf" },
    { name: "over the gap of the surrogates", prefix: "a\ud7ff", end: "a\ue000" },
    { name: "out of the basic plane", prefix: "\uffff", end: "\u{10000}" },
    { name: "carried over the last code point", prefix: "a\u{10ffff}\u{10ffff}", end: "b" },
    { name: "none above everything", prefix: "\u{10ffff}", end: null },
    { name: "none above every text", prefix: "", end: null },
  ])("$name", ({ prefix, end }) => {
    expect(endOfPrefix(prefix)).toBe(end);
  });

  it("bounds exactly the texts that begin with the prefix", () => {
    holds(
      fc.property(wellFormedText, wellFormedText, (prefix, text) => {
        const range = { start: prefix, end: endOfPrefix(prefix) };
        expect(contains(range, text)).toBe(text.startsWith(prefix));
        expect(contains(range, prefix + text)).toBe(true);
      }),
      { runs: 2000 },
    );
  });
});

describe("parseBoundary", () => {
  it.each([
    { name: "the empty end of the alphabet", placement: RANGE, text: "", value: "" },
    { name: "the lowest prefix, which is the same", placement: RANGE, text: " ", value: "" },
    { name: "a letter", placement: RANGE, text: "m", value: "m" },
    { name: "two letters", placement: RANGE, text: "mn", value: "mn" },
    { name: "another script", placement: RANGE, text: "\u0400", value: "\u0400" },
    { name: "the lowest hash slot", placement: HASH, text: "00", value: "" },
    { name: "a hash slot", placement: HASH, text: "g0", value: "g0" },
  ])("takes $name", ({ placement, text, value }) => {
    expect(parseBoundary(placement, text)).toEqual({ ok: true, value });
  });

  it.each([
    { name: "three letters", placement: RANGE, text: "mno", nearest: '"mn" or "mo"' },
    { name: "upper case", placement: RANGE, text: "M", nearest: '":" or "_"' },
    { name: "inside an interval", placement: RANGE, text: "é", nearest: '"À" or "Ā"' },
    { name: "above the last", placement: RANGE, text: "\u{20001}", nearest: '"\u{20000}"' },
    { name: "below the lowest", placement: RANGE, text: "\u0001", nearest: '" " or "-"' },
    { name: "one hash digit", placement: HASH, text: "g", nearest: '"fv" or "g0"' },
    { name: "a hash digit that does not exist", placement: HASH, text: "zz", nearest: '"vv"' },
  ])("refuses $name and names the nearest", ({ placement, text, nearest }) => {
    const refusal = parseBoundary(placement, text);
    expect(refusal).toMatchObject({ ok: false, reason: "NOT_A_BOUNDARY" });
    expect(refusal).toHaveProperty("detail", expect.stringContaining(`the nearest are ${nearest}`));
  });

  it.each(PLACEMENTS)("takes every prefix and nothing else: %j", (placement) => {
    const prefixes = new Set(prefixesOf(placement));
    holds(
      fc.property(boundary(placement), (text) => {
        expect(parseBoundary(placement, text).ok).toBe(text === "" || prefixes.has(text));
      }),
    );
  });
});

describe("parseRange", () => {
  it.each([
    { name: "everything", range: WHOLE_RANGE, value: WHOLE_RANGE },
    { name: "from the lowest prefix", range: { start: " ", end: "m" }, value: { start: "", end: "m" } },
    { name: "to the open end", range: { start: "m", end: null }, value: { start: "m", end: null } },
  ])("takes $name", ({ range, value }) => {
    expect(parseRange(RANGE, range)).toEqual({ ok: true, value });
  });

  it.each([
    { name: "a start that is no boundary", range: { start: "mno", end: null }, reason: "NOT_A_BOUNDARY" },
    { name: "an end that is no boundary", range: { start: "", end: "mno" }, reason: "NOT_A_BOUNDARY" },
    { name: "start at end", range: { start: "m", end: "m" }, reason: "EMPTY_RANGE" },
    { name: "start above end", range: { start: "m", end: "a" }, reason: "EMPTY_RANGE" },
    { name: "nothing before the lowest prefix", range: { start: "", end: " " }, reason: "EMPTY_RANGE" },
  ])("refuses $name as $reason", ({ range, reason }) => {
    expect(parseRange(RANGE, range)).toEqual({ ok: false, reason, detail: expect.stringContaining("expected") });
  });

  it("gives back what it gave", () => {
    holds(
      fc.property(boundary(RANGE), fc.option(boundary(RANGE)), (start, end) => {
        const parsed = parseRange(RANGE, { start, end });
        if (!parsed.ok) return;
        expect(parseRange(RANGE, parsed.value)).toEqual(parsed);
        expect(compareCodePoints(parsed.value.start, start)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe("describeRange", () => {
  it("writes a range as people do", () => {
    expect(describeRange({ start: "a", end: "m" })).toBe('["a", "m")');
    expect(describeRange(WHOLE_RANGE)).toBe('["", ∞)');
  });
});
