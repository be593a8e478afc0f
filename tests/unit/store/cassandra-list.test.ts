// How much a list asks for at once. What lists give is tested on real servers: tests/engines/cassandra-list.test.ts.
import { expect, test } from "vitest";
import { LIST_BUDGET, listCassandra } from "../../../shards/store/cassandra-list.ts";
import { addressOf, listOf, PRODUCTS } from "../../contract/store-fixture.ts";
import { createFakeSession } from "../cassandra/fake-session.ts";

const { slot } = addressOf("lamp");
const TOMBSTONES = 150;

/** Lists a slot full of tombstones, of a collection whose documents were as large; what the list asked for. */
async function rowsAskedFor(documentBytes: number): Promise<readonly number[]> {
  const asked: number[] = [];
  let left = TOMBSTONES;
  const session = createFakeSession({
    readQuorum: (_statement, { rowsMax }) => {
      asked.push(rowsMax);
      const count = Math.min(left, rowsMax);
      const rows = Array.from({ length: count }, (_, index) => {
        const key = `lamp${String(TOMBSTONES - left + index).padStart(3, "0")}`;
        return { slot, own_state: "OWNER", own_epoch: 1n, kind: 0, key, op: "op", deleted: true, at_ms: 1n };
      });
      left -= count;
      return Promise.resolve({ rows, next: null });
    },
  });
  await listCassandra(
    {
      session,
      table: "k.c_products",
      placement: PRODUCTS.placement,
      experience: new Map([[PRODUCTS.name, { slotsAtOnce: 1, documentBytes }]]),
      clock: { nowMs: () => 0 },
      budget: LIST_BUDGET,
    },
    listOf({ from: "lamp", to: "lamp999", limit: 4 }),
  );
  return asked;
}

test("a list asks for more rows each time where it meets tombstones alone", async () => {
  expect(await rowsAskedFor(100)).toEqual([6, 12, 24, 48, 64, 64]);
});

test("but not for more than two pages of documents as large as those before", async () => {
  const asked = await rowsAskedFor(256 * 1024);
  expect(asked.slice(0, 4)).toEqual([6, 9, 9, 9]);
  expect(Math.max(...asked)).toBe(9);
});
