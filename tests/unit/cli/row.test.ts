// Rows of a file to documents. It must not read files.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeJsonFault } from "../../../cli/exact-json.ts";
import { type Columns, isInteger, keyIndexOf, ndjsonRow, tableRow } from "../../../cli/import/row.ts";
import { holds } from "../seed.ts";

const columns: Columns = { names: ["key", "version", "count", "summary"], keyIndex: 0, integers: new Set([2]) };
const json = (fields: readonly string[]) => {
  const row = tableRow(1, fields, columns);
  return row.kind === "document" ? row.json : row.code;
};

describe("a row of a table", () => {
  it.each([
    [
      "numbers in a column of whole numbers",
      ["a", "1.0", "42", "text"],
      '{"version":"1.0","count":42,"summary":"text"}',
    ],
    ["no member for an empty field", ["a", "", "", "x"], '{"summary":"x"}'],
    [
      "quotes and unicode as JSON text",
      ["a", 'say "hi"', "0", "ünï"],
      '{"version":"say \\"hi\\"","count":0,"summary":"ünï"}',
    ],
    ["an empty document", ["a", "", "", ""], "{}"],
  ])("gives %s", (_name, fields, expected) => {
    expect(json(fields)).toBe(expected);
  });

  it.each([
    ["too few fields", ["a", "1"], "FIELD_COUNT"],
    ["too many fields", ["a", "1", "2", "3", "4"], "FIELD_COUNT"],
    ["no key", ["", "1", "2", "3"], "EMPTY"],
    ["a key with a slash", ["a/b", "1", "2", "3"], "SLASH"],
  ])("is refused with %s", (_name, fields, code) => {
    expect(json(fields)).toBe(code);
  });

  it("keeps the raw key beside the canonical one", () => {
    expect(tableRow(7, ["JSONStream", "", "", ""], columns)).toMatchObject({
      row: 7,
      rawKey: "JSONStream",
      key: "jsonstream",
    });
  });

  it("is JSON whatever the fields hold", () => {
    holds(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const row = tableRow(1, ["a", text, "", "x"], columns);
        expect(row.kind === "document" && JSON.parse(row.json)).toEqual(
          text === "" ? { summary: "x" } : { version: text, summary: "x" },
        );
      }),
    );
  });
});

describe("a line of NDJSON", () => {
  it.each([
    ["the document with its key in it", '{"key":"a","n":1}', '{"n":1}'],
    ["an item as list prints it", '{"key":"a","etag":"\\"x\\"","lastModified":"d","value":{"n":1}}', '{"n":1}'],
    ["a value that is no object", '{"key":"a","value":[1,2]}', "[1,2]"],
    [
      "numbers as they are spelled",
      '{"key":"a","n":1.10,"m":12345678901234567890}',
      '{"n":1.10,"m":12345678901234567890}',
    ],
    ["a member named __proto__", '{"key":"a","__proto__":{"x":1}}', '{"__proto__":{"x":1}}'],
  ])("is read as %s", (_name, line, expected) => {
    const row = ndjsonRow(1, line, "key");
    expect(row.kind === "document" && row.json).toBe(expected);
  });

  it.each([
    ["broken JSON", '{"key":', "INVALID_JSON"],
    ["an array", "[1]", "NOT_AN_OBJECT"],
    ["no key", '{"n":1}', "NO_KEY"],
    ["a key that is a number", '{"key":1}', "KEY_NOT_TEXT"],
    ["a key without a canonical form", '{"key":"a/b"}', "SLASH"],
  ])("is refused with %s", (_name, line, code) => {
    expect(ndjsonRow(1, line, "key")).toMatchObject({ kind: "refused", code });
  });
});

describe("what is wrong with a line of NDJSON", () => {
  it.each([
    ['{"key":"a","n":1.10', "column 20: the line ends too early"],
    ['{"key":"a",}', 'column 12: "}" cannot stand here'],
    ['{"key":"ü", n:1}', 'column 13: "n" cannot stand here'],
    ['{"key":"a"} x', 'column 13: "x" cannot stand here'],
    ['{"key":tru}', 'column 11: "}" cannot stand here'],
    ['{"key":"a\tb"}', 'column 10: "\\t" cannot stand here'],
    ['{"key":"\\x"}', 'column 10: "x" cannot stand here'],
    [`{"key":"${"a".repeat(300)}" "n":1}`, 'column 311: "\\"" cannot stand here'],
    ["", "column 1: the line ends too early"],
    ["[1]", 'expected a JSON object, got "[1]"'],
    ['{"n":1}', 'there is no member "key"'],
    ['{"key":1.10}', 'expected the key in the member "key" as text, got 1.10'],
  ])("is said of %j: %s", (line, detail) => {
    expect(ndjsonRow(1, line, "key")).toMatchObject({ kind: "refused", detail });
  });

  it("is found wherever a document is cut or spoilt", () => {
    holds(
      fc.property(fc.json(), fc.nat(), (text, seed) => {
        const at = seed % (text.length + 1);
        expect(describeJsonFault(text)).toBeNull();
        expect(describeJsonFault(`${text.slice(0, at)}\u0001${text.slice(at)}`)).toMatch(/cannot stand here$/);
      }),
    );
  });
});

it.each([
  ["0", true],
  ["-7", true],
  ["9007199254740991", true],
  ["9007199254740993", false],
  ["007", false],
  ["1.5", false],
  ["1e3", false],
  ["-0", false],
  ["", false],
  [" 1", false],
])("isInteger(%j) is %j", (field, expected) => {
  expect(isInteger(field)).toBe(expected);
});

it.each([
  ["the column key", ["a", "key"], null, 1],
  ["else the first", ["a", "b"], null, 0],
  ["the named one", ["a", "b"], "b", 1],
  ["none when the named one is not there", ["a", "b"], "c", null],
])("keyIndexOf takes %s", (_name, names, wanted, expected) => {
  expect(keyIndexOf(names, wanted)).toBe(expected);
});
