// Which If-Match and If-None-Match headers are read, and as what.
import { describe, expect, test } from "vitest";
import { parseIfMatch, parseIfNoneMatch } from "../../../shards/http/entity-tag.ts";
import { growthOf, LINEAR_GROWTH_MAX } from "../growth.ts";

const valueOf = (result: ReturnType<typeof parseIfMatch>) => (result.ok ? result.value : result.reason);

describe("entity tags", () => {
  test.each([
    ["absent", null, null, null],
    ["a star", "*", "*", "*"],
    ["a star with spaces", " * ", "*", "*"],
    ["one tag", '"a"', ["a"], ["a"]],
    ["two tags", '"a", "b"', ["a", "b"], ["a", "b"]],
    ["no space after the comma", '"a","b"', ["a", "b"], ["a", "b"]],
    ["a tab after the comma", '"a",\t"b"', ["a", "b"], ["a", "b"]],
    ["empty elements, which RFC 9110 allows", ', "a",, "b" ,', ["a", "b"], ["a", "b"]],
    ["a weak tag", 'W/"a"', [], ["a"]],
    ["weak and strong", 'W/"a", "b"', ["b"], ["a", "b"]],
    ["the empty tag", '""', [""], [""]],
    ["a comma inside a tag", '"a,b"', ["a,b"], ["a,b"]],
    ["a backslash, which is no escape", '"a\\"', ["a\\"], ["a\\"]],
  ])("%s", (_name, header, ifMatch, ifNoneMatch) => {
    expect(valueOf(parseIfMatch(header))).toEqual(ifMatch);
    expect(valueOf(parseIfNoneMatch(header))).toEqual(ifNoneMatch);
  });

  test.each([
    ["nothing", ""],
    ["only commas", ",,"],
    ["no quotes", "a"],
    ["half a quote", '"a'],
    ["a star in a list", '*, "a"'],
    ["two tags without a comma", '"a" "b"'],
    ["lower-case w", 'w/"a"'],
    ["a space inside", '"a b"'],
    ["text behind the tag", '"a"b'],
    ["a control character", '"a\u0001"'],
  ])("%s is refused", (_name, header) => {
    expect(valueOf(parseIfMatch(header))).toBe("INVALID_PARAMETER");
    expect(valueOf(parseIfNoneMatch(header))).toBe("INVALID_PARAMETER");
  });

  test.each([
    ["commas", ", "],
    ["spaces", " "],
    ["quotes", '" '],
  ])("a long row of %s is read in linear time", (_name, text) => {
    const prepare = (length: number): string => `"a"${text.repeat(length)}x`;
    expect(growthOf(5000, { prepare, work: (header) => void parseIfMatch(header) })).toBeLessThan(LINEAR_GROWTH_MAX);
  });
});
