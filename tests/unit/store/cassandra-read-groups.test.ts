// Who is answered by which SERIAL read of a slot, and when it begins. What it reads is tested on real servers: tests/engines.
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SlotId } from "../../../router/ids.ts";
import { GROUP_KEYS_MAX, GROUP_WAIT_MS_MAX, ReadGroups } from "../../../shards/store/cassandra-read-groups.ts";
import { STUCK_MS } from "../../../shards/store/cassandra-slot-queue.ts";
import { SEED } from "../seed.ts";

const SLOT = "slot" as SlotId;
const OTHER_SLOT = "other" as SlotId;

/** One SERIAL read at servers that answer when a test says so. Its answer is its number, counted from 1. */
interface Sent extends PromiseWithResolvers<number> {
  readonly slot: SlotId;
  readonly keys: readonly string[];
  readonly goOut: () => void;
}

/** Read groups, what they have sent, and a clock that only the test moves. */
function setUp({ isSentLater = false } = {}) {
  let nowMs = 1_000_000;
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  const clock = {
    nowMs: () => nowMs,
    sleep: (ms: number) => new Promise<void>((wake) => void sleepers.push({ atMs: nowMs + ms, wake })),
  };
  const sent: Sent[] = [];
  const groups = new ReadGroups((slot, keys, goOut) => {
    const one = { slot, keys, goOut, ...Promise.withResolvers<number>() };
    sent.push(one);
    if (!isSentLater) goOut();
    return one.promise;
  }, clock);
  const pass = async (durationMs: number) => {
    nowMs += durationMs;
    const due = sleepers.filter(({ atMs }) => atMs <= nowMs);
    sleepers = sleepers.filter(({ atMs }) => atMs > nowMs);
    for (const { wake } of due) wake();
    await nextTurn();
  };
  return {
    groups,
    pass,
    sleepers: () => sleepers.length,
    keysSent: () => sent.map(({ keys }) => keys.join("")),
    sent: () => sent,
    /** The `number`th read ends, and whatever follows from it begins. */
    end: async (number: number) => {
      sent[number - 1]?.resolve(number);
      await nextTurn();
    },
    fail: async (number: number, error: Error) => {
      sent[number - 1]?.reject(error);
      await nextTurn();
    },
  };
}

const manyKeys = (count: number) => Array.from({ length: count }, (_, index) => `k${index} `);

describe("a read of a slot", () => {
  test("of which nothing is under way is sent in the same turn, without a timer", () => {
    const { groups, keysSent, sleepers } = setUp();
    void groups.read(SLOT, "a");
    expect(keysSent()).toEqual(["a"]);
    expect(sleepers()).toBe(0);
  });

  test("never joins one that was sent before it arrived, not even for the same key", async () => {
    const { groups, keysSent, end } = setUp();
    const first = groups.read(SLOT, "a");
    const second = groups.read(SLOT, "a");
    expect(keysSent()).toEqual(["a"]);
    await end(1);
    expect(await first).toBe(1);
    expect(keysSent()).toEqual(["a", "a"]);
    const third = groups.read(SLOT, "a");
    await end(2);
    expect(await second).toBe(2);
    await end(3);
    expect(await third).toBe(3);
  });

  test("waits with all others that come meanwhile; the next SERIAL read answers them, each key once", async () => {
    const { groups, keysSent, end } = setUp();
    void groups.read(SLOT, "a");
    const waiting = ["b", "a", "b", "c"].map((key) => groups.read(SLOT, key));
    await end(1);
    expect(keysSent()).toEqual(["a", "bac"]);
    await end(2);
    expect(await Promise.all(waiting)).toEqual([2, 2, 2, 2]);
  });

  test("is not held back by reads of other slots", () => {
    const { groups, sent } = setUp();
    void groups.read(SLOT, "a");
    void groups.read(OTHER_SLOT, "a");
    expect(sent().map(({ slot }) => slot)).toEqual([SLOT, OTHER_SLOT]);
  });

  test("that finds a group full goes into the one after, in order of arrival", async () => {
    const { groups, sent, end } = setUp();
    void groups.read(SLOT, "first");
    const keys = manyKeys(2 * GROUP_KEYS_MAX + 1);
    const reads = [...keys, ...keys].map((key) => groups.read(SLOT, key));
    for (const number of [1, 2, 3, 4]) await end(number);
    expect(sent().map((one) => one.keys)).toEqual([
      ["first"],
      keys.slice(0, GROUP_KEYS_MAX),
      keys.slice(GROUP_KEYS_MAX, 2 * GROUP_KEYS_MAX),
      keys.slice(2 * GROUP_KEYS_MAX),
    ]);
    const answers = await Promise.all(reads);
    expect(answers.slice(0, keys.length)).toEqual(answers.slice(keys.length));
    expect([answers[0], answers[GROUP_KEYS_MAX], answers[2 * GROUP_KEYS_MAX]]).toEqual([2, 3, 4]);
  });

  test("fails with its group, and with no other", async () => {
    const { groups, fail, end } = setUp();
    const first = groups.read(SLOT, "a");
    const second = [groups.read(SLOT, "a"), groups.read(SLOT, "b")];
    const errorOf = (read: Promise<number>) => read.catch((error: unknown) => error);
    const failed = Promise.all([errorOf(first), ...second.map(errorOf)]);
    await fail(1, new Error("one"));
    const third = groups.read(SLOT, "a");
    await fail(2, new Error("two"));
    await end(3);
    expect(await failed).toMatchObject([{ message: "one" }, { message: "two" }, { message: "two" }]);
    expect(await third).toBe(3);
    expect(groups.size).toBe(0);
  });
});

describe("behind a stuck read", () => {
  test("those that wait begin when it is as old as a stuck one, not before", async () => {
    const { groups, keysSent, pass, end } = setUp();
    void groups.read(SLOT, "a");
    await pass(100);
    const waiting = groups.read(SLOT, "b");
    await pass(STUCK_MS - 101);
    expect(keysSent()).toEqual(["a"]);
    await pass(1);
    expect(keysSent()).toEqual(["a", "b"]);
    await end(2);
    expect(await waiting).toBe(2);
  });

  test("one that comes later begins at once, and holds others back in its turn", async () => {
    const { groups, keysSent, pass } = setUp();
    void groups.read(SLOT, "a");
    await pass(STUCK_MS);
    void groups.read(SLOT, "b");
    void groups.read(SLOT, "c");
    expect(keysSent()).toEqual(["a", "b"]);
    await pass(STUCK_MS - 1);
    expect(keysSent()).toEqual(["a", "b"]);
    await pass(1);
    expect(keysSent()).toEqual(["a", "b", "c"]);
  });

  test("the time counts from when it goes out: a read that is in a line itself is not stuck", async () => {
    const { groups, keysSent, pass, sent } = setUp({ isSentLater: true });
    void groups.read(SLOT, "a");
    void groups.read(SLOT, "b");
    await pass(STUCK_MS);
    expect(keysSent()).toEqual(["a"]);
    sent()[0]?.goOut();
    await pass(STUCK_MS - 1);
    expect(keysSent()).toEqual(["a"]);
    await pass(1);
    expect(keysSent()).toEqual(["a", "b"]);
  });

  test("its end lets nobody begin whom another one holds back", async () => {
    const { groups, keysSent, pass, end } = setUp();
    const stuck = groups.read(SLOT, "a");
    await pass(STUCK_MS);
    void groups.read(SLOT, "b");
    const waiting = groups.read(SLOT, "c");
    await end(1);
    expect(await stuck).toBe(1);
    expect(keysSent()).toEqual(["a", "b"]);
    await end(2);
    expect(keysSent()).toEqual(["a", "b", "c"]);
    await end(3);
    expect(await waiting).toBe(3);
    expect(groups.size).toBe(0);
  });

  test("who has waited for too long is refused as busy and not read; the others go on", async () => {
    const { groups, sent, pass, end } = setUp();
    void groups.read(SLOT, "first");
    const keys = manyKeys(6 * GROUP_KEYS_MAX);
    const outcomes = Promise.allSettled(keys.map((key) => groups.read(SLOT, key)));
    for (let passedMs = 0; passedMs < GROUP_WAIT_MS_MAX; passedMs += STUCK_MS) await pass(STUCK_MS);
    const read = sent()
      .slice(1)
      .flatMap((one) => one.keys);
    expect(read).toEqual(keys.slice(0, read.length));
    expect(read.length).toBeLessThan(keys.length);
    for (const number of sent().keys()) await end(number + 1);
    const refused = (await outcomes).flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(refused).toHaveLength(keys.length - read.length);
    expect(refused[0]).toMatchObject({ kind: "busy", message: `no turn within ${GROUP_WAIT_MS_MAX} ms` });
    expect(groups.size).toBe(0);
  });
});

test("nothing is left of a slot when its last read ends, whatever became of it, and no timer goes on", async () => {
  const { groups, pass, end, fail, sleepers } = setUp();
  void groups.read(SLOT, "a");
  void groups.read(SLOT, "b");
  void groups.read(OTHER_SLOT, "a");
  expect(groups.size).toBe(2);
  for (const number of [1, 2, 3]) await end(number);
  expect(groups.size).toBe(0);
  await pass(STUCK_MS);
  expect(sleepers()).toBe(0);
  const failed = groups.read(SLOT, "a").catch(() => "failed");
  await fail(4, new Error("down"));
  expect(await failed).toBe("failed");
  expect(groups.size).toBe(0);
});

/** What may happen next: a read arrives, a SERIAL read under way ends well or not, time passes. */
type Step =
  | { readonly kind: "read"; readonly key: number }
  | { readonly kind: "end" | "fail"; readonly which: number }
  | { readonly kind: "pass"; readonly ms: number };

const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("read" as const), key: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("end" as const, "fail" as const), which: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 100, 150, 300) }) },
);

/** A read that was asked for, and how many SERIAL reads had been sent before. */
interface Asked {
  readonly key: string;
  readonly sentBefore: number;
  readonly outcome: Promise<number>;
}

/** Does the steps, and ends whatever is under way then. Resolves to what was asked for, and to the keys of what was sent. */
async function follow(steps: readonly Step[]) {
  const { groups, sent, end, fail, pass } = setUp();
  const asked: Asked[] = [];
  const open = new Set<number>();
  let seen = 0;
  const lookForSent = () => {
    while (seen < sent().length) open.add((seen += 1));
  };
  const settle = async (how: (number: number) => Promise<void>, which: number) => {
    const number = [...open][which % Math.max(open.size, 1)];
    if (number === undefined) return;
    open.delete(number);
    await how(number);
  };
  for (const step of steps) {
    if (step.kind === "pass") await pass(step.ms);
    else if (step.kind === "read") {
      const sentBefore = sent().length;
      const outcome = groups.read(SLOT, `k${step.key}`).catch((error: Error) => Number(error.message));
      asked.push({ key: `k${step.key}`, sentBefore, outcome });
    } else if (step.kind === "end") await settle(end, step.which);
    else await settle((number) => fail(number, new Error(String(number))), step.which);
    lookForSent();
  }
  for (; open.size > 0; lookForSent()) await settle(end, 0);
  return { asked, sent: sent(), groups };
}

test("in any order of events a read is answered by a SERIAL read of its key that began after it arrived", async () => {
  const property = fc.asyncProperty(fc.array(STEP, { maxLength: 150 }), async (steps) => {
    const { asked, sent, groups } = await follow(steps);
    for (const { key, sentBefore, outcome } of asked) {
      const number = await outcome;
      // Refused after a long wait: answered by none.
      if (Number.isNaN(number)) continue;
      expect(number).toBeGreaterThan(sentBefore);
      expect(sent[number - 1]?.keys).toContain(key);
    }
    for (const { keys } of sent) {
      expect(keys.length).toBeLessThanOrEqual(GROUP_KEYS_MAX);
      expect(new Set(keys).size).toBe(keys.length);
    }
    expect(groups.size).toBe(0);
  });
  await fc.assert(property, { seed: SEED, numRuns: 200 });
});
