// Merge patch: the RFC's own table, exact numbers, members with dangerous names, and agreement with a naive model.
// Must not go through a store.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergePatch } from "../../../shards/store/merge-patch.ts";
import { holds } from "../seed.ts";

/** RFC 7396, appendix A. */
const RFC_EXAMPLES = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', "null", "null"],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
] as const;

describe("mergePatch", () => {
  it.each(RFC_EXAMPLES)("makes of %s and %s as the RFC does: %s", (target, patch, merged) => {
    expect(mergePatch(target, patch)).toBe(merged);
  });

  it.each(["1.10", "12345678901234567890", "1e400", "-0", "0.1e-7", "1E+2", "100000000000000000000000"])(
    "keeps the number %s as it was written, on both sides and in lists",
    (number) => {
      const target = `{"a":${number},"b":[${number}]}`;
      expect(mergePatch(target, `{"c":{"d":${number}}}`)).toBe(`{"a":${number},"b":[${number}],"c":{"d":${number}}}`);
    },
  );

  it.each(["__proto__", "constructor", "prototype", "hasOwnProperty", "toString", ""])(
    "treats a member named %j like any other",
    (name) => {
      const member = JSON.stringify(name);
      expect(mergePatch("{}", `{${member}:{"x":1}}`)).toBe(`{${member}:{"x":1}}`);
      expect(mergePatch(`{${member}:{"x":1}}`, `{${member}:{"y":2}}`)).toBe(`{${member}:{"x":1,"y":2}}`);
      expect(mergePatch(`{${member}:{"x":1},"a":1}`, `{${member}:null}`)).toBe('{"a":1}');
      expect(Object.keys(Object.prototype)).toEqual([]);
      expect("x" in {}).toBe(false);
    },
  );

  it.each([
    ['{"2":0,"1":0}', '{"0":0}', '{"2":0,"1":0,"0":0}'],
    ['{ "a" : [ 1 , {"b":"]"} ] }', "{}", '{"a":[ 1 , {"b":"]"} ]}'],
    ['{"a":"\\\\","b":"\\"}"}', '{"c":"\u00e9"}', '{"a":"\\\\","b":"\\"}","c":"\u00e9"}'],
    ['{"a":1,"\\u0061":2}', '{"b":true}', '{"a":2,"b":true}'],
    [" \n{ }\t", ' { "a" : null , "b" : "null" } ', '{"b":"null"}'],
  ])("leaves order and spelling of %s as they are", (target, patch, merged) => {
    expect(mergePatch(target, patch)).toBe(merged);
  });

  it("leaves the long rest of a document of 256 KiB alone", () => {
    const digits = "1,".repeat(131_000);
    const target = `{"a":[${digits}1],"b":"${"\\\\".repeat(1000)}"}`;
    expect(mergePatch(target, '{"c":0}')).toBe(`${target.slice(0, -1)},"c":0}`);
  });

  it("ends with a SyntaxError or the same value as JSON.parse for any text", () => {
    const symbol = fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "1", "a", " ", "null");
    holds(
      fc.property(fc.array(symbol, { maxLength: 12 }), (symbols) => {
        const text = symbols.join("");
        if (isJson(text)) expect(JSON.parse(mergePatch("0", `{"t":[${text}]}`))).toEqual({ t: [JSON.parse(text)] });
        else expect(attempt(text)).toMatch(/^(SyntaxError|string)$/);
      }),
    );
  });

  it("works at the deepest nesting that is allowed", () => {
    const nested = (inner: string) => `${'{"a":'.repeat(127)}${inner}${"}".repeat(127)}`;
    expect(mergePatch(nested('{"b":1}'), nested('{"c":2}'))).toBe(nested('{"b":1,"c":2}'));
    expect(mergePatch("0", `${"[".repeat(128)}${"]".repeat(128)}`)).toBe(`${"[".repeat(128)}${"]".repeat(128)}`);
  });

  it("agrees with the RFC's pseudocode for any two values", () => {
    holds(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const merged: unknown = JSON.parse(mergePatch(JSON.stringify(target), JSON.stringify(patch)));
        expect(merged).toEqual(JSON.parse(JSON.stringify(naiveMerge(target, patch))));
      }),
    );
  });

  it("changes nothing the second time", () => {
    holds(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const once = mergePatch(JSON.stringify(target), JSON.stringify(patch));
        expect(mergePatch(once, JSON.stringify(patch))).toBe(once);
      }),
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function attempt(text: string): string {
  try {
    return typeof mergePatch(text, text);
  } catch (error) {
    return error instanceof Error ? error.name : "";
  }
}

/** RFC 7396, section 2, on values; it does not know exact numbers. */
function naiveMerge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === "object" && target !== null && !Array.isArray(target);
  let members: [string, unknown][] = isObject ? Object.entries(target) : [];
  for (const [name, value] of Object.entries(patch)) {
    const before = members.find(([member]) => member === name);
    const others = members.filter(([member]) => member !== name);
    if (value === null) members = others;
    else if (before === undefined) members = [...members, [name, naiveMerge(undefined, value)]];
    else members = members.map((member) => (member === before ? [name, naiveMerge(before[1], value)] : member));
  }
  return Object.fromEntries(members);
}
