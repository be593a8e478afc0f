// How many rows a page of a slot costs to read. What is in it is the contract's: tests/contract.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { slotsOf } from "../../../router/slot.ts";
import type { Store } from "../../../shards/store/port.ts";
import { prepareStatements, type Statements } from "../../../shards/store/sqlite-statements.ts";
import { createSqliteStore } from "../../../shards/store/sqlite-store.ts";
import { readSlotPage } from "../../../shards/store/sqlite-transfer.ts";
import { addressOf, PRODUCTS, put, SHARD } from "../../contract/store-fixture.ts";
import { makeDirectory, removeDirectory } from "../../contract/temporary-directory.ts";

let directory: string;
let store: Store;
let db: DatabaseSync;

beforeEach(async () => {
  directory = makeDirectory();
  const file = join(directory, "store.db");
  store = await createSqliteStore({ file, shard: SHARD, collections: [PRODUCTS] });
  await store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
  db = new DatabaseSync(file);
});
afterEach(async () => {
  db.close();
  await store.close();
  removeDirectory(directory);
});

/** Statements that count the rows which come from `listSlotRows`. */
function counting(count: (rows: number) => void): Statements {
  const statements = prepareStatements(db);
  const { listSlotRows } = statements;
  const all = listSlotRows.all.bind(listSlotRows);
  Object.assign(listSlotRows, {
    all: (...parameters: Parameters<typeof all>) => {
      const rows = all(...parameters);
      count(rows.length);
      return rows;
    },
  });
  return statements;
}

test.each([
  ["of small documents, as many as the page has", 10, { rows: 100, read: 100, statements: 3 }],
  ["of large ones, hardly more than its bytes hold", 64 * 1024, { rows: 4, read: 8, statements: 1 }],
  ["of middling ones, few more than its bytes hold", 16 * 1024, { rows: 16, read: 16, statements: 2 }],
])("a page reads %s", async (_name, size, expected) => {
  const json = JSON.stringify("x".repeat(size));
  for (let first = 0; first < 120; first += 20) {
    await store.commit(Array.from({ length: 20 }, (_, index) => put(`lamp-${1000 + first + index}`, json)));
  }
  let read = 0;
  let count = 0;
  const statements = counting((rows) => {
    read += rows;
    count += 1;
  });
  const request = { address: addressOf("lamp"), after: null, rowsMax: 100, bytesMax: 256 * 1024 };
  const page = readSlotPage({ statements, placement: PRODUCTS.placement }, request);
  expect({ rows: page.rows.length, read, statements: count }).toEqual(expected);
});
