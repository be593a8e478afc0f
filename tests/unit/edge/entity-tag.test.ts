// If-None-Match on reads: what is a list, and what it names.
// It must not test preconditions of writes.
import { describe, expect, it } from "vitest";
import { namesEntityTag, requireTagList } from "../../../edge/cache/entity-tag.ts";

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

  it.each([
    { name: "many tags", header: `${'"a",'.repeat(4000)}x` },
    { name: "many commas and spaces", header: `"a"${" ,  ".repeat(4000)}x` },
    { name: "a long row of spaces", header: `"a",${" ".repeat(16_000)}x` },
    { name: "many quotes", header: '" '.repeat(8000) },
  ])("with $name is refused without much thought", ({ header }) => {
    const started = performance.now();
    expect(() => requireTagList(header)).toThrow("If-None-Match");
    expect(performance.now() - started).toBeLessThan(100);
  });
});
