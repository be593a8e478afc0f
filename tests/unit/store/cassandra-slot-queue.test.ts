// Turns of a slot: conditional writes one after the other, reads between them, and nobody kept by what is stuck.
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { SlotQueue, STUCK_MS } from "../../../shards/store/cassandra-slot-queue.ts";

/** A queue, works that end when told so, and sleeps that end all at once. */
function setUp() {
  const sleeps: { readonly ms: number; readonly wake: () => void }[] = [];
  const queue = new SlotQueue({ sleep: (ms) => new Promise((wake) => void sleeps.push({ ms, wake })) });
  const begun: string[] = [];
  const works = new Map<string, PromiseWithResolvers<string>>();
  const work = (name: string) => () => {
    begun.push(name);
    const one = Promise.withResolvers<string>();
    works.set(name, one);
    return one.promise;
  };
  return {
    queue,
    begun,
    slept: () => sleeps.map(({ ms }) => ms),
    write: (name: string, slot = "slot") => queue.run(slot, work(name)),
    read: (name: string, slot = "slot") => queue.runRead(slot, work(name)),
    end: async (name: string) => {
      works.get(name)?.resolve(name);
      await nextTurn();
    },
    fail: async (name: string) => {
      works.get(name)?.reject(new Error(name));
      await nextTurn();
    },
    wakeAll: async () => {
      for (const { wake } of sleeps.splice(0)) wake();
      await nextTurn();
    },
  };
}

test("what meets nothing in its slot begins in the same turn, without a timer", () => {
  const { begun, write, read, slept } = setUp();
  void write("w", "one");
  void read("r", "other");
  expect(begun).toEqual(["w", "r"]);
  expect(slept()).toEqual([]);
});

test("writes and reads take turns in the order in which they came, also after a failure", async () => {
  const { queue, begun, write, read, end, fail } = setUp();
  const failed = write("w1").catch((error: Error) => `failed: ${error.message}`);
  const others = [read("r1"), write("w2"), read("r2"), write("w3")];
  expect(begun).toEqual(["w1"]);
  await fail("w1");
  expect(await failed).toBe("failed: w1");
  expect(begun).toEqual(["w1", "r1"]);
  for (const name of ["r1", "w2", "r2"]) await end(name);
  expect(begun).toEqual(["w1", "r1", "w2", "r2", "w3"]);
  await end("w3");
  expect(await Promise.all(others)).toEqual(["r1", "w2", "r2", "w3"]);
  expect(queue.size).toBe(0);
});

test("a read does not wait for another one", () => {
  const { begun, read } = setUp();
  void read("r1");
  void read("r2");
  expect(begun).toEqual(["r1", "r2"]);
});

test("a write that waits for a stuck read begins without it", async () => {
  const { begun, write, read, slept, wakeAll } = setUp();
  void read("r");
  void write("w");
  await nextTurn();
  expect({ begun, slept: slept() }).toEqual({ begun: ["r"], slept: [STUCK_MS] });
  await wakeAll();
  expect(begun).toEqual(["r", "w"]);
});

test("a read keeps a write back for that long from when it could begin, not from when it came", async () => {
  const { begun, write, read, end, slept, wakeAll } = setUp();
  void write("w1");
  void read("r");
  void write("w2");
  await nextTurn();
  // The read, for the write before it; nobody yet for the read.
  expect(slept()).toEqual([STUCK_MS]);
  await end("w1");
  expect(begun).toEqual(["w1", "r"]);
  expect(slept()).toEqual([STUCK_MS, STUCK_MS]);
  await end("r");
  expect(begun).toEqual(["w1", "r", "w2"]);
  await wakeAll();
});

test("a read that waits for a stuck write begins without it, and another write never does", async () => {
  const { queue, begun, write, read, end, wakeAll } = setUp();
  void write("w1");
  void read("r");
  void write("w2");
  await wakeAll();
  await wakeAll();
  expect(begun).toEqual(["w1", "r"]);
  await end("r");
  expect(begun).toEqual(["w1", "r"]);
  await end("w1");
  expect(begun).toEqual(["w1", "r", "w2"]);
  await end("w2");
  expect(queue.size).toBe(0);
});
