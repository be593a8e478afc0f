// Group commit: who shares a commit, who is told what, and that grouping changes no outcome.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NEVER_HELD } from "../../../router/ownership.ts";
import { GroupCommit } from "../../../shards/group-commit.ts";
import { StoreError, type Write } from "../../../shards/store/port.ts";
import { SEED } from "../seed.ts";
import { createMemoryStore, putOf } from "./memory-store.ts";

const created = { kind: "verdict", verdict: { kind: "created" }, replayed: false };

/** A promise and the function that fulfils it. */
function createGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe("who shares a commit", () => {
  test("writes that arrive together become one commit, in their order", async () => {
    const store = createMemoryStore();
    const commits = new GroupCommit({ store });
    const writes = ["a", "b", "a"].map((key) => putOf(key));
    const outcomes = await Promise.all(writes.map((write) => commits.submit(write)));
    expect(store.groups).toEqual([writes.map(({ op }) => op)]);
    expect(outcomes.map((outcome) => outcome.kind === "verdict" && outcome.verdict.kind)).toEqual([
      "created",
      "created",
      "replaced",
    ]);
  });

  test("what arrives during a commit waits for the next one", async () => {
    const store = createMemoryStore();
    const commits = new GroupCommit({ store });
    const { opened, open } = createGate();
    const started = createGate();
    store.beforeCommit = () => {
      started.open();
      return opened;
    };
    const first = commits.submit(putOf("a"));
    await started.opened;
    const later = [commits.submit(putOf("b")), commits.submit(putOf("c"))];
    expect(store.groups).toHaveLength(1);
    open();
    await Promise.all([first, ...later]);
    expect(store.groups.map((group) => group.length)).toEqual([1, 2]);
  });

  test("with commit scope slot, each slot has its own commit in flight", async () => {
    const store = createMemoryStore("slot");
    const commits = new GroupCommit({ store });
    await Promise.all([putOf("aa1"), putOf("zz1"), putOf("aa2")].map((write) => commits.submit(write)));
    expect(store.groups.map((group) => group.length)).toEqual([2, 1]);
  });

  test("a group ends at its rows and at its bytes", async () => {
    const store = createMemoryStore();
    const commits = new GroupCommit({ store, limits: { rowsMax: 3, bytesMax: 100 } });
    const small = Array.from({ length: 4 }, (_, index) => putOf(`k${index}`));
    const large = [putOf("l1", "x".repeat(60)), putOf("l2", "x".repeat(60)), putOf("l3", "x".repeat(500))];
    await Promise.all([...small, ...large].map((write) => commits.submit(write)));
    expect(store.groups.map((group) => group.length)).toEqual([3, 2, 1, 1]);
  });

  test("one row a group commits one by one", async () => {
    const store = createMemoryStore();
    const commits = new GroupCommit({ store, limits: { rowsMax: 1 } });
    await Promise.all(["a", "b", "c"].map((key) => commits.submit(putOf(key))));
    expect(store.groups.map((group) => group.length)).toEqual([1, 1, 1]);
  });
});

describe("who is told what", () => {
  test("nobody is told before the commit", async () => {
    const store = createMemoryStore();
    const commits = new GroupCommit({ store });
    const { opened, open } = createGate();
    const started = createGate();
    store.beforeCommit = () => {
      started.open();
      return opened;
    };
    let isTold = false;
    const told = commits.submit(putOf("a")).then(() => {
      isTold = true;
    });
    await started.opened;
    await new Promise(setImmediate);
    expect(isTold).toBe(false);
    open();
    await told;
  });

  test("a failure of the store is told to its group only, and the next group goes on", async () => {
    const store = createMemoryStore();
    const commits = new GroupCommit({ store, limits: { rowsMax: 2 } });
    let groups = 0;
    store.beforeCommit = () => {
      groups += 1;
      if (groups === 1) throw new StoreError("full", "no space");
    };
    const settled = await Promise.allSettled(["a", "b", "c"].map((key) => commits.submit(putOf(key))));
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  });

  test("a slot that is not owned answers its own writes only", async () => {
    const store = createMemoryStore();
    store.ownerships.set("zz", NEVER_HELD);
    const commits = new GroupCommit({ store });
    const outcomes = await Promise.all(["aa", "zz", "bb"].map((key) => commits.submit(putOf(key))));
    expect(outcomes).toMatchObject([created, { kind: "not-owned" }, created]);
    expect(store.groups).toHaveLength(1);
  });

  test("a write that has waited too long for its turn is refused and never sent; what came later is committed", async () => {
    const store = createMemoryStore();
    let nowMs = 0;
    const commits = new GroupCommit({ store, limits: { queuedRowsMax: 3 }, clock: { nowMs: () => nowMs } });
    const { opened, open } = createGate();
    const started = createGate();
    store.beforeCommit = () => {
      started.open();
      return opened;
    };
    const first = commits.submit(putOf("a"));
    await started.opened;
    const late = commits.submit(putOf("b"));
    nowMs = 4_000;
    const inTime = putOf("c");
    const later = commits.submit(inTime);
    nowMs = 4_001;
    open();
    expect(await Promise.all([first, late, later])).toMatchObject([created, { kind: "overloaded" }, created]);
    expect(store.groups).toHaveLength(2);
    expect(store.groups[1]).toEqual([inTime.op]);
    // What was refused takes no room any more.
    expect(await Promise.all(["d", "e", "f"].map((key) => commits.submit(putOf(key))))).toMatchObject(
      Array.from({ length: 3 }, () => created),
    );
  });

  test("too many rows or bytes waiting: the write is not taken, and later ones are", async () => {
    const store = createMemoryStore();
    const commits = new GroupCommit({ store, limits: { queuedRowsMax: 2, queuedBytesMax: 100 } });
    const full = await Promise.all(["a", "b", "c"].map((key) => commits.submit(putOf(key))));
    expect(full).toMatchObject([created, created, { kind: "overloaded" }]);
    const heavy = await Promise.all(
      [putOf("d", "x".repeat(80)), putOf("e", "x".repeat(80))].map((w) => commits.submit(w)),
    );
    expect(heavy).toMatchObject([created, { kind: "overloaded" }]);
    expect(await commits.submit(putOf("f"))).toMatchObject(created);
  });

  test("drain waits for all that was submitted", async () => {
    const store = createMemoryStore();
    const commits = new GroupCommit({ store, limits: { rowsMax: 1 } });
    await commits.drain();
    let told = 0;
    for (const key of ["a", "b", "c"]) void commits.submit(putOf(key)).then(() => (told += 1));
    await commits.drain();
    expect(told).toBe(3);
  });
});

test("outcomes are those of the same writes one at a time", async () => {
  const key = fc.constantFrom("aa", "ab", "zz");
  const kind = fc.constantFrom("put", "create", "replace", "delete");
  const asked = fc.array(fc.record({ key, kind, pause: fc.boolean() }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      asked,
      fc.constantFrom("slot", "store"),
      fc.integer({ min: 1, max: 5 }),
      async (steps, scope, rowsMax) => {
        const writes = steps.map((step): Write => {
          const ifMatch = step.kind === "replace" ? "*" : null;
          const ifNoneMatch = step.kind === "create" ? "*" : null;
          const change = step.kind === "delete" ? ({ kind: "delete" } as const) : ({ kind: "put", json: "1" } as const);
          return putOf(step.key, "1", { change, preconditions: { ifMatch, ifNoneMatch } });
        });
        const alone = createMemoryStore();
        const expected = [];
        for (const write of writes) expected.push(...(await alone.commit([write])));
        const commits = new GroupCommit({ store: createMemoryStore(scope), limits: { rowsMax } });
        const submitted = [];
        for (const [index, write] of writes.entries()) {
          submitted.push(commits.submit(write));
          if (steps[index]?.pause === true) await new Promise(setImmediate);
        }
        expect(await Promise.all(submitted)).toEqual(expected);
      },
    ),
    { seed: SEED, numRuns: 200 },
  );
});
