// The draft of a page: that it ends up with the smallest rows, whatever order they come in.
// Must not need a database.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CanonicalKey } from "../../../router/ids.ts";
import { type FoundRow, PageDraft } from "../../../shards/store/list-page.ts";
import { holds } from "../seed.ts";

function found(name: string, json = "1", prefix = 0): FoundRow {
  return { sortKey: name, prefix, row: { key: name as CanonicalKey, op: "op", modifiedAtMs: 1, json } };
}

function keysOf(draft: PageDraft, coveredTo: string | null = null) {
  const page = draft.finish(coveredTo);
  if (page.kind !== "page") throw new Error("a draft makes pages");
  return { keys: page.rows.map(({ key }) => key), coveredTo: page.coveredTo };
}

describe("the draft of a page", () => {
  it("is covered to where the list ends while nothing follows", () => {
    const draft = new PageDraft({ limit: 2, bytesMax: 100 });
    draft.add([found("a"), found("b")]);
    expect(draft.horizon).toBeNull();
    expect(keysOf(draft, "m")).toEqual({ keys: ["a", "b"], coveredTo: "m" });
  });

  it("is covered to its last row once another one follows", () => {
    const draft = new PageDraft({ limit: 2, bytesMax: 100 });
    draft.add([found("a"), found("b"), found("c"), found("d")]);
    expect(draft.horizon).toMatchObject({ sortKey: "c" });
    expect(keysOf(draft, "m")).toEqual({ keys: ["a", "b"], coveredTo: "b " });
  });

  it("has room again for what is left when a prefix is dropped", () => {
    const draft = new PageDraft({ limit: 2, bytesMax: 100 });
    draft.add([found("a"), found("b1", "1", 1), found("b2", "1", 1)]);
    draft.dropFrom(1);
    expect(draft.horizon).toBeNull();
    expect(keysOf(draft, "b")).toEqual({ keys: ["a"], coveredTo: "b" });
  });

  it("ends with the row that reaches the bytes, counted as UTF-8", () => {
    const draft = new PageDraft({ limit: 9, bytesMax: 5 });
    draft.add([found("a", '"ö"'), found("b", "12"), found("c", "3")]);
    expect(keysOf(draft).keys).toEqual(["a", "b"]);
  });

  it("misses as many rows as limit and bytes still allow, and the one that follows", () => {
    const draft = new PageDraft({ limit: 10, bytesMax: 100 });
    expect(draft.missingRows(1)).toBe(11);
    expect(draft.missingRows(50)).toBe(3);
    draft.add([found("a", "x".repeat(90))]);
    expect(draft.missingRows(5)).toBe(3);
  });

  it("holds the smallest rows in order, however stripes are mixed", () => {
    const rows = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 40 });
    const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 5 });
    const property = fc.property(rows, cuts, fc.integer({ min: 1, max: 20 }), (names, ends, limit) => {
      const draft = new PageDraft({ limit, bytesMax: 1_000 });
      let start = 0;
      for (const end of [...ends.toSorted((a, b) => a - b), names.length]) {
        draft.add(names.slice(start, end).map((name) => found(name)));
        start = Math.max(start, end);
      }
      expect(keysOf(draft).keys).toEqual(names.toSorted().slice(0, limit));
    });
    holds(property);
  });
});
