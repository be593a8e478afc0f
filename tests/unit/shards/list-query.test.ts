// What the query of an internal list request may say.
import { describe, expect, test } from "vitest";
import { parseListQuery } from "../../../shards/http/list-query.ts";

const NONE = { from: null, after: null, to: null };

describe("list query", () => {
  test.each([
    ["from the beginning", "from=&limit=10", { ...NONE, from: "", limit: 10 }],
    ["after a key", "after=b%2Bc&limit=1", { ...NONE, after: "b+c", limit: 1 }],
    ["to an end", "from=a&to=%C3%A9&limit=1000", { ...NONE, from: "a", to: "é", limit: 1000 }],
    ["plus is a plus", "from=a+b&limit=5", { ...NONE, from: "a+b", limit: 5 }],
    ["any order", "limit=5&to=z&from=a", { ...NONE, from: "a", to: "z", limit: 5 }],
  ])("%s", (_name, query, expected) => {
    expect(parseListQuery(query)).toEqual({ ok: true, value: expected });
  });

  test.each([
    ["no beginning", "limit=10"],
    ["two beginnings", "from=a&after=b&limit=10"],
    ["no limit", "from=a"],
    ["limit zero", "from=a&limit=0"],
    ["limit too high", "from=a&limit=1001"],
    ["limit not whole", "from=a&limit=1.5"],
    ["limit in hexadecimal", "from=a&limit=0x1"],
    ["twice the same", "from=a&from=b&limit=1"],
    ["an unknown name", "from=a&limit=1&x=1"],
    ["no value", "from&limit=1"],
    ["not UTF-8", "from=%ff&limit=1"],
    ["half an escape", "from=%4&limit=1"],
    ["empty parts", "from=a&&limit=1"],
    ["nothing", ""],
  ])("%s is refused", (_name, query) => {
    expect(parseListQuery(query)).toMatchObject({ ok: false, reason: "INVALID_PARAMETER" });
  });
});
