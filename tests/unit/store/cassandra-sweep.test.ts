// Whom a sweep waits for. What sweeps remove is tested on real servers: tests/engines/cassandra-sweep.test.ts.
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { CompareAndSet } from "../../../shards/cassandra/session.ts";
import { expiryBoundOf, expiryKeyOf } from "../../../shards/store/cassandra-expiry.ts";
import { createCassandraStore } from "../../../shards/store/cassandra-store.ts";
import { addressOf, PRODUCTS, put, SHARD } from "../../contract/store-fixture.ts";
import { createFakeSession } from "../cassandra/fake-session.ts";

const { slot } = addressOf("lamp");
const OWNED = { own_state: "OWNER", own_epoch: 1n };
const ENTRY = { ...OWNED, slot, key: expiryKeyOf({ what: "record", atMs: 1, name: "claim" }), op: null };

test("a removal waits for the commit of its slot that is under way", async () => {
  const sent: string[] = [];
  const answers: ((answer: CompareAndSet) => void)[] = [];
  const session = createFakeSession({
    readSerial: () => Promise.resolve([{ shard: SHARD }]),
    readQuorum: ({ parameters: [slots, bound] }) => {
      const isAskedFor = [slots].flat().includes(slot) && bound === expiryBoundOf("record", 0);
      return Promise.resolve({ rows: isAskedFor ? [ENTRY] : [], next: null });
    },
    compareAndSet: ([first]) => {
      sent.push(first?.cql.split(" ")[0] ?? "");
      return new Promise((resolve) => answers.push(resolve));
    },
  });
  const options = { session, keyspace: "k", shard: SHARD, collections: [PRODUCTS], log: () => undefined };
  const store = await createCassandraStore(options);
  const commit = store.commit([put("lamp", "1")]);
  const { name: collection } = PRODUCTS;
  const sweepRound = async (): Promise<number> => {
    let records = 0;
    for (let isOver = false; !isOver; ) {
      const outcome = await store.sweep({ collection, recordsBeforeMs: 2, tombstonesBeforeMs: 0, rowsMax: 500 });
      records += outcome.records;
      isOver = !outcome.more;
    }
    return records;
  };
  const sweep = sweepRound();
  for (let turn = 0; turn < 100; turn += 1) await nextTurn();
  expect(sent).toEqual(["UPDATE"]);
  answers[0]?.({ isApplied: true, rows: [] });
  await commit;
  await nextTurn();
  expect(sent).toEqual(["UPDATE", "DELETE"]);
  answers[1]?.({ isApplied: true, rows: [] });
  expect(await sweep).toBe(1);
});
