// The end of a first claim that fails. What claims do is tested on real servers: tests/engines/cassandra-store-claims.test.ts.
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { NEVER_HELD } from "../../../router/ownership.ts";
import { slotsOf } from "../../../router/slot.ts";
import { CassandraError } from "../../../shards/cassandra/session.ts";
import { claimFirst, setOwnership } from "../../../shards/store/cassandra-ownership.ts";
import { ClaimStatements, TableStatements } from "../../../shards/store/cassandra-statements.ts";
import { PRODUCTS } from "../../contract/store-fixture.ts";
import { createFakeSession } from "../cassandra/fake-session.ts";

test("columns that are there after an outcome that nobody knows are not told as set by this call: another may have set the same", async () => {
  const next = { ...NEVER_HELD, state: "OWNER", epoch: 1 } as const;
  const columns = { own_state: "OWNER", own_epoch: 1n, own_move: null, own_run: null, own_to: null, own_digest: null };
  const session = createFakeSession({
    readSerial: () => Promise.resolve([columns]),
    readQuorum: () => Promise.resolve({ rows: [], next: null }),
    compareAndSet: () => Promise.reject(new CassandraError("unknown", "no answer")),
    write: () => Promise.resolve(),
  });
  const table = { session, statements: new TableStatements("k", PRODUCTS.name) };
  const [slot = "" as never] = slotsOf(PRODUCTS.placement);
  const change = await setOwnership(table, { slot, expected: NEVER_HELD, next });
  expect(change).toEqual({ applied: false, current: next });
});

test("a claim that fails sends nothing more, and ends with its first error when nothing is under way any more", async () => {
  const writes: { readonly fail: (error: CassandraError) => void; readonly resolve: () => void }[] = [];
  const session = createFakeSession({
    readSerial: () => Promise.resolve([]),
    readQuorum: () => Promise.resolve({ rows: [], next: null }),
    compareAndSet: () => Promise.resolve({ isApplied: true, rows: [] }),
    write: () => new Promise<void>((resolve, reject) => writes.push({ resolve, fail: reject })),
  });
  const { name: collection, placement } = PRODUCTS;
  const request = { claims: new ClaimStatements("k"), collection, slots: slotsOf(placement) };
  let isEnded = false;
  const claim = claimFirst({ session, statements: new TableStatements("k", collection) }, request)
    .catch((error: unknown) => error)
    .finally(() => {
      isEnded = true;
    });
  await nextTurn();
  const [first, second, ...others] = writes.splice(0);
  first?.fail(new CassandraError("broken", "first"));
  await nextTurn();
  second?.fail(new CassandraError("unknown", "second"));
  for (const other of others.slice(1)) other.resolve();
  await nextTurn();
  expect({ isEnded, writes }).toEqual({ isEnded: false, writes: [] });
  others[0]?.resolve();
  expect(await claim).toMatchObject({ message: "first" });
  expect(writes).toEqual([]);
});
