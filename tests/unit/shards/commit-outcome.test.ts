// What a write is told after a commit with an unknown outcome: only proof counts, and no later failure may replace it.
import { describe, expect, test } from "vitest";
import { NEVER_HELD } from "../../../router/ownership.ts";
import { commitOnce } from "../../../shards/commit-outcome.ts";
import type { SubmitOutcome } from "../../../shards/group-commit.ts";
import { type LatestOpOutcome, StoreError, type StoreFailure, type Write } from "../../../shards/store/port.ts";
import { claim, merge, put, remove } from "../../contract/store-fixture.ts";

interface Scene {
  readonly write: Write;
  /** What each submission comes to; the first is unknown unless a test is about something else. */
  readonly submissions?: readonly (SubmitOutcome | Error)[];
  readonly latest?: LatestOpOutcome | Error;
}

const failure = (kind: StoreFailure): StoreError => new StoreError(kind, `the disk is ${kind}`);
const latest = (op: string | null): LatestOpOutcome => ({ kind: "op", op });
const notOwned = { kind: "not-owned", ownership: NEVER_HELD } as const;
const ours = { op: "ours", atMs: 7 };
const keyed = put("lamp", "1", { ...ours, claim: claim("c") });
const unkeyed = put("lamp", "1", ours);
const replacing = put("lamp", "1", { ...ours, ifMatch: "*" });

function settled(value: unknown): unknown {
  if (value instanceof Error) throw value;
  return value;
}

async function play({ write, submissions = [failure("unknown")], latest: found = latest(null) }: Scene) {
  const submitted: Write[] = [];
  const commits = {
    submit: async (given: Write) => settled(submissions[submitted.push(given) - 1]) as SubmitOutcome,
  };
  const store = { latestOp: async () => settled(found) as LatestOpOutcome };
  const outcome = await commitOnce({ commits, store }, write).catch((error: unknown) => error);
  return { outcome, submitted };
}

const verdict = { kind: "created", op: "ours", modifiedAtMs: 7 } as const;
const created: SubmitOutcome = { kind: "verdict", verdict, replayed: false };
const replayed: SubmitOutcome = { kind: "verdict", verdict, replayed: true };

describe("a commit that told its outcome", () => {
  test.each<[string, SubmitOutcome | Error]>([
    ["a verdict", created],
    ["overloaded", { kind: "overloaded" }],
    ["not-owned", notOwned],
    ["busy", failure("busy")],
    ["a bug", new Error("broken assumption")],
  ])("is not asked again: %s", async (_name, first) => {
    const { outcome, submitted } = await play({ write: keyed, submissions: [first] });
    expect(outcome).toBe(first);
    expect(submitted).toHaveLength(1);
  });
});

describe("after an unknown outcome, with an idempotency claim", () => {
  test("the same write tells: replayed or applied only now", async () => {
    for (const second of [replayed, created]) {
      const { outcome, submitted } = await play({ write: keyed, submissions: [failure("unknown"), second] });
      expect(outcome).toEqual(second);
      expect(submitted).toEqual([keyed, keyed]);
    }
  });

  test.each<[string, SubmitOutcome | StoreError]>([
    ["busy", failure("busy")],
    ["full", failure("full")],
    ["unavailable", failure("unavailable")],
    ["unknown", failure("unknown")],
    ["overloaded", { kind: "overloaded" }],
    ["not-owned", notOwned],
  ])("%s leaves it unknown", async (_name, second) => {
    const { outcome, submitted } = await play({ write: keyed, submissions: [failure("unknown"), second] });
    expect(outcome).toBeInstanceOf(StoreError);
    expect(outcome).toMatchObject({ kind: "unknown" });
    expect(submitted).toHaveLength(2);
  });

  test("a bug stays what it is", async () => {
    const bug = new Error("broken assumption");
    expect((await play({ write: keyed, submissions: [failure("unknown"), bug] })).outcome).toBe(bug);
  });
});

describe("after an unknown outcome, without a claim", () => {
  const version = { op: "ours", modifiedAtMs: 7 };

  test.each<[string, Write, object]>([
    ["a put that only creates", put("lamp", "1", { ...ours, ifNoneMatch: "*" }), { kind: "created", ...version }],
    ["a put that only replaces", put("lamp", "1", { ...ours, ifMatch: "*" }), { kind: "replaced", ...version }],
    ["a merge", merge("lamp", "{}", ours), { kind: "replaced", ...version }],
    ["a delete", remove("lamp", ours), { kind: "deleted" }],
  ])("%s is applied when the key shows its op", async (_name, write, applied) => {
    const { outcome, submitted } = await play({ write, latest: latest("ours") });
    expect(outcome).toEqual({ kind: "verdict", verdict: applied, replayed: false });
    expect(submitted).toHaveLength(1);
  });

  test.each<[string, Write]>([
    ["without conditions", unkeyed],
    ["that must not meet some versions", put("lamp", "1", { ...ours, ifNoneMatch: ["old"] })],
  ])("a put %s stays unknown though the key shows its op: it may have created or replaced", async (_name, write) => {
    const { outcome, submitted } = await play({ write, latest: latest("ours") });
    expect(outcome).toBeInstanceOf(StoreError);
    expect(outcome).toMatchObject({ kind: "unknown" });
    expect(submitted).toHaveLength(1);
  });

  test.each<[string, LatestOpOutcome | StoreError]>([
    ["another op", latest("theirs")],
    ["no op", latest(null)],
    ["not-owned", notOwned],
    ["busy", failure("busy")],
    ["unavailable", failure("unavailable")],
  ])("%s leaves it unknown, and nothing is sent again", async (_name, found) => {
    const { outcome, submitted } = await play({ write: replacing, latest: found });
    expect(outcome).toBeInstanceOf(StoreError);
    expect(outcome).toMatchObject({ kind: "unknown" });
    expect(submitted).toHaveLength(1);
  });
});
