// The decision on one write: what is stored with each verdict. The verdicts themselves are the store contract's.
// Must not go through a store.
import { describe, expect, it } from "vitest";
import { decideWrite, type IdempotencyRecord, type StoredDocument } from "../../../shards/store/decide-write.ts";
import { claim, merge, put, remove } from "../../contract/store-fixture.ts";

const LIVE: StoredDocument = { op: "before", modifiedAtMs: 1, json: '{"a":1}' };
const TOMBSTONE: StoredDocument = { op: "before", modifiedAtMs: 1, json: null };
const next = { op: "after", atMs: 2 };

describe("decideWrite", () => {
  it.each([
    ["a put", put("lamp", "1", next), null, { op: "after", modifiedAtMs: 2, json: "1" }],
    ["a put over a tombstone", put("lamp", "1", next), TOMBSTONE, { op: "after", modifiedAtMs: 2, json: "1" }],
    ["a merge", merge("lamp", '{"b":2}', next), LIVE, { op: "after", modifiedAtMs: 2, json: '{"a":1,"b":2}' }],
    ["a delete", remove("lamp", next), LIVE, { op: "after", modifiedAtMs: 2, json: null }],
    ["a delete of nothing", remove("lamp", next), null, null],
    ["a delete of a tombstone", remove("lamp", next), TOMBSTONE, null],
    ["a merge with a tombstone", merge("lamp", "{}", next), TOMBSTONE, null],
    ["a refused put", put("lamp", "1", { ...next, ifNoneMatch: "*" }), LIVE, null],
    ["a put that is too large", put("lamp", "12", { ...next, documentBytesMax: 1 }), LIVE, null],
  ])("stores the document that %s leaves, and no record without a claim", (_name, write, document, stored) => {
    const decision = decideWrite(write, { document, record: null });
    expect(decision.document).toEqual(stored);
    expect(decision.record).toBeNull();
    expect(decision.replayed).toBe(false);
  });

  it.each([
    ["created", put("lamp", "1", { ...next, claim: claim("c") }), null, true],
    ["deleted", remove("lamp", { ...next, claim: claim("c") }), LIVE, true],
    ["absent", remove("lamp", { ...next, claim: claim("c") }), null, true],
    ["precondition-failed", put("lamp", "1", { ...next, ifMatch: "*", claim: claim("c") }), null, true],
    ["too-large", put("lamp", "12", { ...next, documentBytesMax: 1, claim: claim("c") }), null, false],
    ["too-large", merge("lamp", '{"b":2}', { ...next, documentBytesMax: 7, claim: claim("c") }), LIVE, true],
  ])("keeps a record of %s as it should", (kind, write, document, isKept) => {
    const decision = decideWrite(write, { document, record: null });
    expect(decision.verdict.kind).toBe(kind);
    expect(decision.record).toEqual(isKept ? { fingerprint: "same request", verdict: decision.verdict } : null);
  });

  it("looks at the record before anything else, and stores nothing then", () => {
    const record: IdempotencyRecord = { fingerprint: "same request", verdict: { kind: "deleted" } };
    const write = put("lamp", "too large", { documentBytesMax: 1, ifMatch: "*", claim: claim("c") });
    const replay = decideWrite(write, { document: null, record });
    expect(replay).toEqual({ verdict: { kind: "deleted" }, replayed: true, document: null, record: null });
    const reuse = decideWrite(write, { document: null, record: { ...record, fingerprint: "other" } });
    expect(reuse).toEqual({ verdict: { kind: "key-reused" }, replayed: false, document: null, record: null });
  });
});
