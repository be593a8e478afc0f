// Reads that share a SERIAL read, on real servers: that each gets its own answer, a late enough one, and how few are sent.
// Must not repeat the contract, nor the rules of grouping: tests/unit/store/cassandra-read-groups.test.ts.
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { StoreError } from "../../shards/store/port.ts";
import { addressOf, force, put, remove, rowOf } from "../contract/store-fixture.ts";
import { createStoreBed, type Process, type StoreBed } from "./cassandra-store-bed.ts";
import { describeOnEngines } from "./engines.ts";
import { lostRequest, undisturbed } from "./faulty-session.ts";

/** Instead of an answer: servers give up a request whose rounds meet another process's for too long. */
const GIVEN_UP = "given up";

function unlessGivenUp(error: unknown): typeof GIVEN_UP {
  if (error instanceof StoreError) return GIVEN_UP;
  throw error;
}

describeOnEngines("reads of one slot on Cassandra", ({ cluster }) => {
  let bed: StoreBed;
  let us: Process;
  let others: Process;

  beforeAll(async () => {
    bed = await createStoreBed(cluster, 3);
    us = await bed.open();
    others = await bed.open();
  });

  beforeEach(() => us.session.reset());

  afterAll(() => bed.dispose());

  it("get documents, nothing for missing keys and nothing for tombstones, by far fewer SERIAL reads", async () => {
    const key = bed.freshKey();
    const keys = Array.from({ length: 30 }, (_, index) => `${key}-${index}`);
    const expected = keys.map((_, index) => (index % 3 === 0 ? `"${index}"` : null));
    await others.store.commit(keys.filter((_, index) => index % 3 < 2).map((one, index) => put(one, `"old ${index}"`)));
    await others.store.commit(
      keys.flatMap((one, index) => {
        if (index % 3 === 0) return [put(one, `"${index}"`)];
        return index % 3 === 1 ? [remove(one)] : [];
      }),
    );
    const asked = Array.from({ length: 10 }, () => keys).flat();
    const rows = await Promise.all(asked.map((one) => rowOf(us.store, one)));
    expect(rows.map((row) => row?.json ?? null)).toEqual(asked.map((_, index) => expected[index % keys.length]));
    expect(rows.filter((row, index) => row !== null && row.key !== asked[index])).toEqual([]);
    // The first by itself, and thirty keys in groups of sixteen.
    expect(us.session.takeCounts()).toEqual({ compareAndSet: 0, readSerial: 3, write: 0 });
  });

  it("get documents of the largest size whole", async () => {
    const key = bed.freshKey();
    const keys = Array.from({ length: 16 }, (_, index) => `${key}-${index}`);
    const jsonOf = (one: string) => JSON.stringify(one.padEnd(256_000, "x"));
    for (const one of keys) await others.store.commit([put(one, jsonOf(one))]);
    const rows = await Promise.all([key, ...keys].map((one) => rowOf(us.store, one)));
    expect(rows.map((row) => row?.json ?? null)).toEqual([null, ...keys.map(jsonOf)]);
    expect(us.session.takeCounts()).toMatchObject({ readSerial: 2 });
  });

  it.each([
    ["this process, in turn with them", () => us],
    ["another process, which competes with them", () => others],
  ])("see every write that was acknowledged before they were asked for: by %s", async (_name, writerOf) => {
    const key = bed.freshKey();
    const keys = ["a", "b", "c"].map((name) => `${key}-${name}`);
    let [acknowledged, isOver, answers] = [0, false, 0];
    const write = async () => {
      for (let value = 1; value <= 30; value += 1) {
        const writes = keys.map((one) => put(one, String(value)));
        const outcomes = await writerOf().store.commit(writes).catch(unlessGivenUp);
        if (outcomes !== GIVEN_UP) acknowledged = value;
      }
      isOver = true;
    };
    const read = async (reader: number) => {
      while (!isOver) {
        const before = acknowledged;
        const row = await rowOf(us.store, keys[(reader + answers) % keys.length] ?? key).catch(unlessGivenUp);
        answers += 1;
        if (row !== GIVEN_UP) expect(Number(row?.json ?? 0)).toBeGreaterThanOrEqual(before);
      }
    };
    await Promise.all([write(), ...Array.from({ length: 32 }, (_, reader) => read(reader))]);
    const { readSerial } = us.session.takeCounts();
    expect(readSerial).toBeLessThan(answers / 4);
  });

  it("are all told of an owner who has gone", async () => {
    const key = bed.freshKey();
    await us.store.commit([put(key, "1")]);
    const gone = await force(us.store, addressOf(key), "GONE");
    const outcomes = await Promise.all([key, key, `${key}-2`, `${key}-3`].map((one) => us.store.read(addressOf(one))));
    for (const outcome of outcomes) expect(outcome).toEqual({ kind: "not-owned", ownership: gone });
  });

  it("do not fail for a row that is damaged, except its own reader", async () => {
    const key = bed.freshKey();
    await us.store.commit([put(key, "1"), put(`${key}-2`, "2")]);
    const cql = `UPDATE ${bed.keyspace}.c_products SET at_ms = ? WHERE slot = ? AND kind = 0 AND key = ? IF EXISTS`;
    await bed.session.compareAndSet([{ cql, parameters: [2n ** 53n, addressOf(key).slot, key] }]);
    const reads = [`${key}-3`, key, `${key}-2`].map((one) => rowOf(us.store, one));
    const [, damaged, sound] = await Promise.allSettled(reads);
    expect(us.session.takeCounts()).toMatchObject({ readSerial: 2 });
    expect(damaged).toMatchObject({ status: "rejected", reason: { kind: "unavailable" } });
    expect(sound).toMatchObject({ status: "fulfilled", value: { json: "2" } });
  });

  it("fail with their own SERIAL read, as what the servers say it is", async () => {
    const key = bed.freshKey();
    await us.store.commit([put(key, "1")]);
    us.session.plan("readSerial", undisturbed, lostRequest("unavailable"));
    const group = Array.from({ length: 20 }, (_, index) => `${key}-${index}`);
    const [first, ...more] = await Promise.allSettled([key, ...group].map((one) => rowOf(us.store, one)));
    expect(first).toMatchObject({ status: "fulfilled", value: { json: "1" } });
    expect(more.map(({ status }) => status)).toEqual(group.map((_, index) => (index < 16 ? "rejected" : "fulfilled")));
    expect(more[0]).toMatchObject({ reason: { name: "StoreError", kind: "unavailable" } });
  });
});
