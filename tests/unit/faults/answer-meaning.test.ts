// What the clients of the fault suite make of an answer: never more than docs/guarantees.md promises.
// Must not need a server.
import { describe, expect, it } from "vitest";
import { meaningOf } from "../../faults/answer-meaning.ts";
import { type RunOptions, readRunOptions } from "../../faults/run-options.ts";
import type { WireAnswer } from "../../faults/shard-wire.ts";

const answer = (status: number, more: Partial<WireAnswer> = {}): WireAnswer => ({
  kind: "answer",
  status,
  code: "",
  op: null,
  hasRetryAfter: status === 503,
  header: () => null,
  text: "",
  ...more,
});

describe("what an answer means", () => {
  it.each([
    { name: "a document", kind: "read", outcome: answer(200, { op: "a" }), result: { kind: "found", op: "a" } },
    { name: "no document", kind: "read", outcome: answer(404), result: { kind: "missing" } },
    { name: "a creation", kind: "put", outcome: answer(201, { op: "a" }), result: { kind: "created", op: "a" } },
    { name: "a replacement", kind: "put", outcome: answer(200, { op: "a" }), result: { kind: "replaced", op: "a" } },
    { name: "a deletion", kind: "delete", outcome: answer(204), result: { kind: "deleted" } },
    {
      name: "a conflict",
      kind: "put",
      outcome: answer(412, { op: "b" }),
      result: { kind: "conflict", currentOp: "b" },
    },
    {
      name: "a conflict with nothing",
      kind: "put",
      outcome: answer(412),
      result: { kind: "conflict", currentOp: null },
    },
    { name: "no connection", kind: "put", outcome: { kind: "not-sent" }, result: { kind: "refused" } },
    { name: "no answer", kind: "put", outcome: { kind: "lost", reason: "ECONNRESET" }, result: { kind: "unknown" } },
    {
      name: "storage that refuses",
      kind: "put",
      outcome: answer(503, { code: "STORAGE_UNAVAILABLE" }),
      result: { kind: "refused" },
    },
    {
      name: "an outcome that the shard does not know",
      kind: "put",
      outcome: answer(503, { code: "OUTCOME_UNKNOWN" }),
      result: { kind: "unknown" },
    },
    {
      name: "clocks too far apart",
      kind: "put",
      outcome: answer(401, { code: "INVALID_SIGNATURE" }),
      result: { kind: "refused" },
    },
  ] as const)("$name", ({ kind, outcome, result }) => {
    expect(meaningOf(outcome, kind)).toMatchObject({ result, oddity: null });
  });

  it.each([
    { name: "a failure of the shard", outcome: answer(500, { code: "INTERNAL" }), result: "unknown" },
    { name: "503 without Retry-After", outcome: answer(503, { hasRetryAfter: false }), result: "unknown" },
    { name: "a reused key", outcome: answer(422, { code: "IDEMPOTENCY_KEY_REUSED" }), result: "refused" },
    { name: "a slot of another shard", outcome: answer(421), result: "refused" },
  ])("$name must not happen", ({ outcome, result }) => {
    const meaning = meaningOf(outcome, "put");
    expect(meaning.result.kind).toBe(result);
    expect(meaning.oddity).not.toBeNull();
  });
});

describe("the size of a run", () => {
  const defaults: Omit<RunOptions, "seed"> = { operations: 100, minutes: 3 };

  it("is the environment's, or the default with a seed of its own", () => {
    const environment = { ZGATE_SEED: "7", ZGATE_FAULT_OPERATIONS: "5", ZGATE_FAULT_MINUTES: "2" };
    expect(readRunOptions(environment, defaults)).toEqual({ seed: 7, operations: 5, minutes: 2 });
    expect(readRunOptions({}, defaults)).toMatchObject(defaults);
  });

  it("is refused when it is no number", () => {
    expect(() => readRunOptions({ ZGATE_SEED: "x" }, defaults)).toThrow(/ZGATE_SEED/);
  });
});
