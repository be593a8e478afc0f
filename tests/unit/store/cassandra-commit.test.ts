// What a commit asks for urgently. What commits do is tested on real servers: tests/engines.
import { expect, test } from "vitest";
import { CassandraError, type Urgency } from "../../../shards/cassandra/session.ts";
import { createCassandraStore } from "../../../shards/store/cassandra-store.ts";
import { addressOf, movedOwnership, PRODUCTS, put, SHARD } from "../../contract/store-fixture.ts";
import { createFakeSession } from "../cassandra/fake-session.ts";

/** A store whose conditional writes have no answer, and the urgencies of the reads that find nothing written. */
async function setUp() {
  const urgencies: (Urgency | undefined)[] = [];
  const session = createFakeSession({
    readSerial: ({ cql }, urgency) => {
      if (cql.includes("identity")) return Promise.resolve([{ shard: SHARD }]);
      urgencies.push(urgency);
      return Promise.resolve([{ own_state: "OWNER", own_epoch: 1n }]);
    },
    compareAndSet: () => Promise.reject(new CassandraError("unknown", "no answer")),
  });
  const options = { session, keyspace: "k", shard: SHARD, collections: [PRODUCTS], log: () => undefined };
  return { store: await createCassandraStore(options), urgencies };
}

test("the read that tells the fate of a batch is urgent", async () => {
  const { store, urgencies } = await setUp();
  await expect(store.commit([put("lamp", "1")])).rejects.toMatchObject({ kind: "unknown" });
  expect(urgencies).toEqual(["urgent"]);
});

test("so is the one that tells the fate of a change of ownership; others are not", async () => {
  const { store, urgencies } = await setUp();
  const expected = await store.ownership(addressOf("lamp"));
  const change = store.setOwnership(addressOf("lamp"), expected, movedOwnership("GONE"));
  await expect(change).rejects.toMatchObject({ kind: "unknown" });
  expect(urgencies).toEqual(["usual", "urgent"]);
});
