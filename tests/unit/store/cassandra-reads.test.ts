// What reads of the store send, and what waits for what. That the answers are right is tested on real servers: tests/engines.
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { NEVER_HELD } from "../../../router/ownership.ts";
import type { Columns, Statement, Urgency } from "../../../shards/cassandra/session.ts";
import { createCassandraStore } from "../../../shards/store/cassandra-store.ts";
import { addressOf, PRODUCTS, put, SHARD } from "../../contract/store-fixture.ts";
import { createFakeSession } from "../cassandra/fake-session.ts";

const OWNED = { own_state: "OWNER", own_epoch: 1n };

/** A SERIAL read that is answered when a test says so. */
interface Sent extends PromiseWithResolvers<readonly Columns[]> {
  readonly statement: Statement;
  readonly urgency: Urgency | undefined;
}

/** A store, and the reads of documents that it has sent. */
async function setUp() {
  const sent: Sent[] = [];
  let isClosed = false;
  let writes = 0;
  const session = createFakeSession({
    readSerial: (statement, urgency) => {
      if (statement.cql.includes("identity")) return Promise.resolve([{ shard: SHARD }]);
      const one = { statement, urgency, ...Promise.withResolvers<readonly Columns[]>() };
      sent.push(one);
      return one.promise;
    },
    compareAndSet: async () => {
      writes += 1;
      return { isApplied: true, rows: [] };
    },
    close: async () => {
      isClosed = true;
    },
  });
  const options = { session, keyspace: "k", shard: SHARD, collections: [PRODUCTS], log: () => undefined };
  const store = await createCassandraStore(options);
  return { store, sent, isClosed: () => isClosed, writes: () => writes };
}

test("one key alone has a statement of its own; groups of any size share another", async () => {
  const { store, sent } = await setUp();
  const read = (key: string) => store.read(addressOf(key));
  const reads = ["lamp", "lamp", "lamp-2", "lamp-3"].map(read);
  sent[0]?.resolve([OWNED]);
  await nextTurn();
  reads.push(...["lamp", "lamp-2"].map(read));
  sent[1]?.resolve([OWNED]);
  await nextTurn();
  sent[2]?.resolve([OWNED]);
  await Promise.all(reads);
  const [alone, three, two] = sent.map(({ statement }) => statement);
  expect(alone?.parameters).toEqual(["la", "lamp"]);
  expect(three?.parameters).toEqual(["la", ["lamp", "lamp-2", "lamp-3", ""]]);
  expect(two?.parameters).toEqual(["la", ["lamp", "lamp-2", ""]]);
  expect(alone?.cql).not.toBe(three?.cql);
  expect(two?.cql).toBe(three?.cql);
});

test("a group that finds no row finds a slot that was never held", async () => {
  const { store, sent } = await setUp();
  const reads = ["lamp", "lamp", "lamp-2"].map((key) => store.read(addressOf(key)));
  sent[0]?.resolve([]);
  await nextTurn();
  sent[1]?.resolve([]);
  const notOwned = { kind: "not-owned", ownership: NEVER_HELD };
  expect(await Promise.all(reads)).toEqual([notOwned, notOwned, notOwned]);
});

test("commits of a slot and its reads take turns", async () => {
  const { store, sent, writes } = await setUp();
  const reads = [store.read(addressOf("lamp"))];
  const commit = store.commit([put("lamp", "1")]);
  reads.push(store.read(addressOf("lamp")));
  await nextTurn();
  expect({ sent: sent.length, writes: writes() }).toEqual({ sent: 1, writes: 0 });
  sent[0]?.resolve([OWNED]);
  await commit;
  expect(writes()).toBe(1);
  await nextTurn();
  expect(sent).toHaveLength(2);
  sent[1]?.resolve([OWNED]);
  await Promise.all(reads);
});

test("the latest op is asked for at once and urgently, whatever is under way", async () => {
  const { store, sent } = await setUp();
  void store.read(addressOf("lamp"));
  void store.read(addressOf("lamp"));
  void store.latestOp(addressOf("lamp"));
  expect(sent.map(({ urgency }) => urgency)).toEqual([undefined, "urgent"]);
});

test("closing waits for reads that wait for their group", async () => {
  const { store, sent, isClosed } = await setUp();
  const reads = ["lamp", "lamp-2"].map((key) => store.read(addressOf(key)));
  const closing = store.close();
  sent[0]?.resolve([OWNED]);
  await nextTurn();
  expect({ isClosed: isClosed(), sent: sent.length }).toEqual({ isClosed: false, sent: 2 });
  sent[1]?.resolve([OWNED]);
  await closing;
  expect(isClosed()).toBe(true);
  expect(await Promise.all(reads)).toEqual([
    { kind: "row", row: null },
    { kind: "row", row: null },
  ]);
});
