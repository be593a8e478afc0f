// Code points and UTF-8: order, length, bytes and hash against Node's own and against a second implementation.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareCodePoints, murmur3, utf8Bytes, utf8Length } from "../../../router/text.ts";
import { holds } from "../seed.ts";
import { anyText, wellFormedText } from "./arbitraries.ts";

const BOUNDARY_POINTS = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff];

/** MurmurHash3 x86 32-bit over a buffer in 64-bit arithmetic: written anew from the published algorithm. */
function referenceMurmur3(bytes: Buffer): number {
  const mask = 0xffffffffn;
  const rotate = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (32n - by))) & mask;
  const scramble = (word: bigint): bigint => (rotate((word * 0xcc9e2d51n) & mask, 15n) * 0x1b873593n) & mask;
  let hash = 0n;
  const whole = bytes.length - (bytes.length % 4);
  for (let at = 0; at < whole; at += 4) {
    hash ^= scramble(BigInt(bytes.readUInt32LE(at)));
    hash = (rotate(hash, 13n) * 5n + 0xe6546b64n) & mask;
  }
  const rest = bytes.subarray(whole);
  if (rest.length > 0) hash ^= scramble(BigInt(rest.readUIntLE(0, rest.length)));
  hash ^= BigInt(bytes.length);
  for (const [shift, factor] of [
    [16n, 0x85ebca6bn],
    [13n, 0xc2b2ae35n],
  ] as const) {
    hash = ((hash ^ (hash >> shift)) * factor) & mask;
  }
  return Number(hash ^ (hash >> 16n));
}

describe("compareCodePoints", () => {
  it("orders well-formed texts as their UTF-8 bytes", () => {
    holds(
      fc.property(wellFormedText, wellFormedText, (left, right) => {
        const bytes = Buffer.compare(Buffer.from(left), Buffer.from(right));
        expect(Math.sign(compareCodePoints(left, right))).toBe(bytes);
      }),
      { runs: 2000 },
    );
  });

  it("orders the code points at every boundary of the encodings", () => {
    for (const left of BOUNDARY_POINTS) {
      for (const right of BOUNDARY_POINTS) {
        const order = compareCodePoints(String.fromCodePoint(left), String.fromCodePoint(right));
        expect(Math.sign(order)).toBe(Math.sign(left - right));
      }
    }
  });

  it("puts an astral symbol above U+FFFF, where < does not", () => {
    expect("\u{10000}" < "\uffff").toBe(true);
    expect(compareCodePoints("\u{10000}", "\uffff")).toBeGreaterThan(0);
  });

  it("is a total order of any texts, also of lone surrogates", () => {
    holds(
      fc.property(anyText, anyText, anyText, (a, b, c) => {
        expect(Math.sign(compareCodePoints(a, b)) + Math.sign(compareCodePoints(b, a))).toBe(0);
        expect(compareCodePoints(a, b) === 0).toBe(a === b);
        const [low, middle, high] = [a, b, c].sort(compareCodePoints);
        expect(compareCodePoints(low ?? "", high ?? "")).toBeLessThanOrEqual(0);
        expect(compareCodePoints(low ?? "", middle ?? "")).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe("UTF-8", () => {
  it("measures and encodes well-formed texts as Buffer does", () => {
    holds(
      fc.property(wellFormedText, (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
        expect(utf8Bytes(text)).toEqual([...Buffer.from(text)]);
      }),
      { runs: 1000 },
    );
  });

  it.each(BOUNDARY_POINTS)("measures and encodes code point %i", (point) => {
    const text = String.fromCodePoint(point);
    expect(utf8Length(text)).toBe(Buffer.byteLength(text));
    expect(utf8Bytes(text)).toEqual([...Buffer.from(text)]);
  });
});

describe("murmur3", () => {
  it.each([
    { name: "nothing", text: "", hash: "00000000" },
    { name: "one block and a tail", text: "hello", hash: "248bfa47" },
    { name: "many blocks", text: "The quick brown fox jumps over the lazy dog", hash: "2e4ff723" },
    { name: "a tail of three bytes", text: "abc", hash: "b3dd93fa" },
    { name: "a whole block", text: "test", hash: "ba6bd213" },
    { name: "blocks and a tail of one byte", text: "Hello, world!", hash: "c0363e43" },
  ])("gives the published value for $name", ({ text, hash }) => {
    expect(murmur3(text).toString(16).padStart(8, "0")).toBe(hash);
    expect(referenceMurmur3(Buffer.from(text)).toString(16).padStart(8, "0")).toBe(hash);
  });

  it("agrees with a second implementation on any well-formed text", () => {
    holds(
      fc.property(wellFormedText, (text) => {
        expect(murmur3(text)).toBe(referenceMurmur3(Buffer.from(text)));
      }),
      { runs: 1000 },
    );
  });
});
