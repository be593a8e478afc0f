// How a commit asks for its own fate. What commits do is tested on real servers: tests/engines.
import { expect, test } from "vitest";
import { CassandraError, type CassandraSession, type Urgency } from "../../../shards/cassandra/session.ts";
import { createCassandraStore } from "../../../shards/store/cassandra-store.ts";
import { type Store, StoreError, type WriteOutcome } from "../../../shards/store/port.ts";
import { addressOf, movedOwnership, PRODUCTS, put, SHARD } from "../../contract/store-fixture.ts";
import { createFakeSession } from "../cassandra/fake-session.ts";

function storeOver(session: CassandraSession): Promise<Store> {
  return createCassandraStore({ session, keyspace: "k", shard: SHARD, collections: [PRODUCTS], log: () => undefined });
}

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
  return { store: await storeOver(session), urgencies };
}

function outcomeOf(commit: Promise<readonly WriteOutcome[]>): Promise<unknown> {
  return commit.then(
    ([first]) => first?.kind,
    (error: unknown) => (error instanceof StoreError && error.kind === "unknown" ? "OUTCOME_UNKNOWN" : error),
  );
}

test("the read that tells the fate of a batch is urgent", async () => {
  const { store, urgencies } = await setUp();
  await expect(store.commit([put("lamp", "1")])).rejects.toMatchObject({ kind: "unknown" });
  expect(urgencies).toEqual(["urgent"]);
});

test.each([
  ["a read that the servers give up is sent again", 3, "verdict"],
  ["but not for ever", Number.POSITIVE_INFINITY, "OUTCOME_UNKNOWN"],
])("%s", async (_name, giveUps, expected) => {
  const write = put("lamp", "1");
  let readings = 0;
  const session = createFakeSession({
    readSerial: ({ cql }) => {
      if (cql.includes("identity")) return Promise.resolve([{ shard: SHARD }]);
      readings += 1;
      if (readings <= giveUps) return Promise.reject(new CassandraError("unavailable", "given up"));
      const owner = { own_state: "OWNER", own_epoch: 1n };
      return Promise.resolve([{ ...owner, kind: 0, key: write.address.key, op: write.op, at_ms: 1n, deleted: false }]);
    },
    compareAndSet: () => Promise.reject(new CassandraError("unknown", "no answer")),
  });
  const store = await storeOver(session);
  expect(await outcomeOf(store.commit([write]))).toBe(expected);
  expect(readings).toBe(4);
});

test.each([
  ["what it was to replace is still there: it was not applied, and the next owner is asked", true, "not-owned"],
  ["nothing is there: it may have been applied and cleaned up", false, "OUTCOME_UNKNOWN"],
])("of a slot that has gone meanwhile, %s", async (_name, isThere, expected) => {
  const first = put("lamp", "1");
  let sendings = 0;
  const session = createFakeSession({
    readSerial: ({ cql }) => {
      if (cql.includes("identity")) return Promise.resolve([{ shard: SHARD }]);
      const gone = { own_state: "GONE", own_epoch: 2n };
      const row = { ...gone, kind: 0, key: first.address.key, op: first.op, at_ms: 1n, deleted: false };
      return Promise.resolve([isThere ? row : gone]);
    },
    compareAndSet: () => {
      sendings += 1;
      if (sendings === 1) return Promise.resolve({ isApplied: true, rows: [] });
      return Promise.reject(new CassandraError("unknown", "no answer"));
    },
  });
  const store = await storeOver(session);
  await store.commit([first]);
  expect(await outcomeOf(store.commit([put("lamp", "2")]))).toBe(expected);
  expect(sendings).toBe(2);
});

test("so is the one that tells the fate of a change of ownership; others are not", async () => {
  const { store, urgencies } = await setUp();
  const expected = await store.ownership(addressOf("lamp"));
  const change = store.setOwnership(addressOf("lamp"), expected, movedOwnership("GONE"));
  await expect(change).rejects.toMatchObject({ kind: "unknown" });
  expect(urgencies).toEqual(["usual", "urgent"]);
});
