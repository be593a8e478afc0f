// Which bodies are JSON documents, and where the others stop being one.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJsonBody } from "../../../shards/http/json-body.ts";
import { findJsonFault, JSON_DEPTH_MAX, positionOf } from "../../../shards/http/json-fault.ts";
import { growthOf, LINEAR_GROWTH_MAX } from "../growth.ts";
import { SEED } from "../seed.ts";

const detailOf = (body: string | Uint8Array): string => {
  const result = parseJsonBody(Buffer.from(body));
  return result.ok ? "accepted" : result.detail;
};

describe("a body that is no JSON says where", () => {
  test.each([
    ["nothing", "", "line 1, column 1: the document ends too early"],
    ["only space", " \n ", "line 2, column 2: the document ends too early"],
    ["a trailing comma", '{"a":\n 1,}', "line 2, column 4: expected a member name in double quotes"],
    ["no colon", '{"a" 1}', 'line 1, column 6: expected ":" after a member name'],
    ["no comma", "[1 2]", 'line 1, column 4: expected "," or "]"'],
    ["an open string", '{"a":"b', "line 1, column 8: the document ends too early"],
    ["a raw tab in a string", '"a\tb"', "line 1, column 3: a control character inside a string; write it as an escape"],
    ["an unknown escape", '"a\\x"', "line 1, column 3: expected a JSON escape after the backslash"],
    ["two documents", "{}\r\n{}", "line 2, column 1: expected nothing after the document"],
    ["a word", "undefined", "line 1, column 1: expected a JSON value"],
    ["a leading zero", "[01]", 'line 1, column 3: expected "," or "]"'],
    ["a byte order mark", "\ufeff{}", "line 1, column 1: expected a JSON value"],
    ["columns count characters", '["😀" x]', 'line 1, column 6: expected "," or "]"'],
    [
      "bytes that are no UTF-8",
      Uint8Array.of(0x22, 0x0a, 0x61, 0xff, 0x22),
      "line 2, column 2: the bytes are not UTF-8",
    ],
    ["an encoded surrogate", Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), "line 1, column 2: the bytes are not UTF-8"],
    ["a cut character", Uint8Array.of(0x22, 0xc3), "line 1, column 2: the bytes are not UTF-8"],
  ])("%s", (_name, body, detail) => {
    expect(detailOf(body)).toBe(detail);
  });
});

test("nesting is allowed to the limit and not deeper", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  expect(detailOf(nested(JSON_DEPTH_MAX))).toBe("accepted");
  expect(detailOf(nested(JSON_DEPTH_MAX + 1))).toBe("line 1, column 129: nested deeper than 128");
  expect(detailOf(`${'{"a":'.repeat(100_000)}`)).toBe("line 1, column 641: nested deeper than 128");
});

test("every JSON text is accepted", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 20 }), fc.constantFrom("", " ", "\n\t\r "), (text, space) => {
      expect(findJsonFault(`${space}${text}${space}`)).toBeNull();
    }),
    { seed: SEED },
  );
});

test("what is refused is what JSON.parse refuses", () => {
  const pieces = fc.constantFrom(
    ...'{}[],:"\\ \n\t-+.01e9'.split(""),
    '"a"',
    "true",
    "nul",
    "null",
    "1.5",
    "\\u00e9",
    "\\ud83d",
    "\u0000",
    "é",
    "\u2028",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      expect(findJsonFault(text) === null).toBe(isJson);
    }),
    { seed: SEED, numRuns: 5000 },
  );
});

test("positions count every kind of line break once", () => {
  expect(positionOf("a\r\nb\rc\nd", 8)).toEqual({ line: 4, column: 2 });
});

test("a document of ten times the size takes about ten times as long to scan, not a hundred", () => {
  const prepare = (length: number): string =>
    JSON.stringify(Array.from({ length }, (_, index) => `item ${index} \\ "`));
  expect(growthOf(2000, { prepare, work: (text) => expect(findJsonFault(text)).toBeNull() })).toBeLessThan(
    LINEAR_GROWTH_MAX,
  );
});
