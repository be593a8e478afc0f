// Identifiers: what is one, what is not, and how a value is shown in an error.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCollectionName, parseMapVersion, parseShardId, quote } from "../../../router/ids.ts";
import { accepted, refused } from "../../../router/result.ts";
import { holds } from "../seed.ts";
import { anyText } from "./arbitraries.ts";

describe("parseShardId", () => {
  it.each(["shard-1", "1", "a", "eu-west-1a", "a".repeat(32)])("takes %j", (text) => {
    expect(parseShardId(text)).toEqual({ ok: true, value: text });
  });

  it.each([
    { name: "nothing", text: "" },
    { name: "a hyphen in front", text: "-a" },
    { name: "upper case", text: "Shard" },
    { name: "33 characters", text: "a".repeat(33) },
    { name: "a line feed at the end", text: "shard-1\n" },
    { name: "a URL", text: "http://x" },
    { name: "a digit of another script", text: "shard-١" },
  ])("refuses $name", ({ text }) => {
    expect(parseShardId(text)).toMatchObject({ ok: false, reason: "INVALID_SHARD_ID" });
  });
});

describe("parseCollectionName", () => {
  it.each(["products", "p", "carts-2", "a".repeat(32)])("takes %j", (text) => {
    expect(parseCollectionName(text)).toEqual({ ok: true, value: text });
  });

  it.each([
    { name: "nothing", text: "" },
    { name: "a digit in front", text: "1a" },
    { name: "upper case", text: "Products" },
    { name: "33 characters", text: "a".repeat(33) },
    { name: "a line feed at the end", text: "products\n" },
    ...["healthz", "readyz", "internal", "problems", "maps"].map((text) => ({ name: `the reserved ${text}`, text })),
  ])("refuses $name", ({ text }) => {
    expect(parseCollectionName(text)).toMatchObject({ ok: false, reason: "INVALID_COLLECTION" });
  });
});

describe("parseMapVersion", () => {
  it.each([1, 2, Number.MAX_SAFE_INTEGER])("takes %d", (value) => {
    expect(parseMapVersion(value)).toEqual({ ok: true, value });
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "1", null, undefined, 1n, {}])(
    "refuses %s",
    (value) => {
      expect(parseMapVersion(value)).toMatchObject({ ok: false, reason: "INVALID_VERSION" });
    },
  );
});

describe("quote", () => {
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;

  it.each([
    { name: "a text", value: 'say "hi"', shown: '"say \\"hi\\""' },
    { name: "a number", value: 1.5, shown: "1.5" },
    { name: "what JSON calls null", value: Number.NaN, shown: "NaN" },
    { name: "a bigint", value: 10n, shown: "10" },
    { name: "nothing", value: undefined, shown: "nothing" },
    { name: "null", value: null, shown: "null" },
    { name: "a table", value: { a: [true] }, shown: '{"a":[true]}' },
    { name: "a function", value: () => 1, shown: "undefined" },
    { name: "a circle", value: circle, shown: "an object that JSON cannot hold" },
    { name: "80 characters", value: "a".repeat(78), shown: `"${"a".repeat(78)}"` },
    { name: "more than 80 characters", value: "a".repeat(79), shown: `"${"a".repeat(76)}...` },
    { name: "a symbol cut in two", value: `${"a".repeat(75)}😀😀`, shown: `"${"a".repeat(75)}\ufffd...` },
  ])("shows $name", ({ value, shown }) => {
    expect(quote(value)).toBe(shown);
  });

  it("never throws and never shows more than 80 characters", () => {
    holds(
      fc.property(fc.anything({ withBigInt: true, withDate: true }), (value) => {
        expect(quote(value).length).toBeLessThanOrEqual(80);
      }),
    );
  });
});

describe("parsers of identifiers", () => {
  it("accept any text unchanged or refuse it", () => {
    holds(
      fc.property(anyText, (text) => {
        for (const parsed of [parseShardId(text), parseCollectionName(text)]) {
          if (parsed.ok) expect(parsed.value).toBe(text);
          else expect(parsed.detail).toContain("expected");
        }
      }),
    );
  });
});

describe("results", () => {
  it("are a value or a reason with a sentence", () => {
    expect(accepted(1)).toEqual({ ok: true, value: 1 });
    expect(refused("NO", "because")).toEqual({ ok: false, reason: "NO", detail: "because" });
  });
});
