// If-None-Match on reads: what is a list, and what it names.
// It must not test preconditions of writes.
import { describe, expect, it } from "vitest";
import { namesEntityTag, requireTagList } from "../../../edge/cache/entity-tag.ts";
import { growthOf, LINEAR_GROWTH_MAX } from "../growth.ts";

describe("If-None-Match", () => {
  it.each(["*", ' "a" ', '"a","b"', '"a", W/"b" , ', ', "a"', '""', null])("%j is well formed", (header) => {
    expect(() => requireTagList(header)).not.toThrow();
  });

  it.each(["", "a", '"a', '"a" "b"', '"a"b', "W/a", 'w/"a"', '*, "a"', ",", '"a\u0001"'])("%j is not", (header) => {
    expect(() => requireTagList(header)).toThrow("If-None-Match");
  });

  it.each([
    { header: '"a"', etag: '"a"', names: true },
    { header: 'W/"a"', etag: '"a"', names: true },
    { header: '"x", "a"', etag: 'W/"a"', names: true },
    { header: "*", etag: '"a"', names: true },
    { header: '"ab"', etag: '"a"', names: false },
    { header: '"x"', etag: '"a"', names: false },
  ])("$header names $etag: $names", ({ header, etag, names }) => {
    expect(namesEntityTag(header, etag)).toBe(names);
  });

  it.each<{ readonly name: string; readonly headerOf: (length: number) => string }>([
    { name: "many tags", headerOf: (length) => `${'"a",'.repeat(length)}x` },
    { name: "many commas and spaces", headerOf: (length) => `"a"${" ,  ".repeat(length)}x` },
    { name: "a long row of spaces", headerOf: (length) => `"a",${" ".repeat(length)}x` },
    { name: "many quotes", headerOf: (length) => '" '.repeat(length) },
  ])("with $name is refused, in linear time", ({ headerOf }) => {
    const work = (header: string): void => expect(() => requireTagList(header)).toThrow("If-None-Match");
    expect(growthOf(5000, { prepare: headerOf, work })).toBeLessThan(LINEAR_GROWTH_MAX);
  });
});
