// What SQLite tells of names that do not belong where they lie: nothing of a store may lie where nobody looks.
// Must not repeat the contract.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SlotId } from "../../router/ids.ts";
import { slotsOf } from "../../router/slot.ts";
import type { Store, StoreCollection } from "../../shards/store/port.ts";
import { createSqliteStore } from "../../shards/store/sqlite-store.ts";
import { addressOf, CARTS, collection, PRODUCTS, put, SHARD, STRIPED } from "./store-fixture.ts";
import { makeDirectory, removeDirectory } from "./temporary-directory.ts";
import { namesOf } from "./transfer-fixture.ts";

const STRIPED_CARTS = collection("striped-carts", { kind: "hash", stripes: 3 });
const ALL = [PRODUCTS, STRIPED, CARTS, STRIPED_CARTS];

const directory = makeDirectory();
const file = join(directory, "store.db");
let store: Store;

beforeAll(async () => {
  store = await createSqliteStore({ file, shard: SHARD, collections: ALL });
  for (const { name, placement } of ALL) await store.claimFirst(name, slotsOf(placement));
  for (const one of ALL) {
    await store.commit(["lamp", "lady", "zoo", "-", "éa"].map((key) => put(key, "1", { collection: one })));
  }
});

afterAll(async () => {
  await store.close();
  removeDirectory(directory);
});

/** Puts a row where no statement of the store would. Resolves to the slots that tell of it. */
async function planted(
  { name, placement }: StoreCollection,
  { sortKey, slot, key }: { readonly sortKey: string; readonly slot?: string; readonly key: string },
): Promise<readonly SlotId[]> {
  const db = new DatabaseSync(file);
  const [table, columns] = slot === undefined ? ["documents", "modified_at_ms, json"] : ["tombstones", "at_ms, slot"];
  db.prepare(`INSERT INTO ${table} (collection, sort_key, op, ${columns}) VALUES (?, ?, 'op', 1, ?)`).run(
    ...[name, sortKey, slot ?? "{}"],
  );
  const slots: SlotId[] = [];
  for (const one of slotsOf(placement)) {
    const names = await namesOf(store, { collection: name, slot: one });
    if (names.some((found) => found.of !== "record" && found.name === key)) slots.push(one);
  }
  db.prepare(`DELETE FROM ${table} WHERE collection = ? AND sort_key = ?`).run(name, sortKey);
  db.close();
  return slots;
}

const { slot: ofTable } = addressOf("table", CARTS);
const { slot: ofStripedTable } = addressOf("table", STRIPED);

describe("a row that lies where it may not is told of once", () => {
  it.each([
    { name: "a document under another hash", of: CARTS, row: { sortKey: "00table", key: "table" }, at: ["00"] },
    {
      name: "a document under another hash, in a divided prefix",
      of: STRIPED_CARTS,
      row: { sortKey: "0ctable", key: "table" },
      at: ["0c~00"],
    },
    { name: "a document in upper case", of: PRODUCTS, row: { sortKey: "Lamp", key: "Lamp" }, at: [":"] },
    { name: "a document below every slot", of: PRODUCTS, row: { sortKey: "\u0001", key: "\u0001" }, at: [" "] },
    { name: "a document without a key", of: PRODUCTS, row: { sortKey: "", key: "" }, at: [" "] },
    {
      name: "a document above every key",
      of: PRODUCTS,
      row: { sortKey: "\u{10ffff}zz", key: "\u{10ffff}zz" },
      at: [slotsOf(PRODUCTS.placement).at(-1)],
    },
    {
      name: "a document above every key, in a divided prefix",
      of: STRIPED_CARTS,
      row: { sortKey: "\u{10ffff}zz", key: "\u{10ffff}zz" },
      at: ["vv~00"],
    },
    { name: "a document whose sort key holds no key", of: CARTS, row: { sortKey: "0c", key: "0c" }, at: ["0c"] },
    {
      name: "a document under what is no hash",
      of: STRIPED_CARTS,
      row: { sortKey: "0ztable", key: "0ztable" },
      at: ["0v~00"],
    },
    {
      name: "a tombstone without a key",
      of: CARTS,
      row: { sortKey: "z", slot: "0a", key: "z" },
      at: ["0a"],
    },
    {
      name: "a tombstone in a slot above its key",
      of: PRODUCTS,
      row: { sortKey: "table", slot: "za", key: "table" },
      at: ["za"],
    },
    {
      name: "a tombstone in a slot below its key",
      of: PRODUCTS,
      row: { sortKey: "table", slot: "aa", key: "table" },
      at: ["aa"],
    },
    {
      name: "a tombstone in another stripe",
      of: STRIPED,
      row: { sortKey: "table", slot: ofStripedTable === "ta~00" ? "ta~01" : "ta~00", key: "table" },
      at: [ofStripedTable === "ta~00" ? "ta~01" : "ta~00"],
    },
    {
      name: "a tombstone under another hash",
      of: CARTS,
      row: { sortKey: `${ofTable}table`, slot: "00", key: "table" },
      at: ["00"],
    },
  ])("$name", async ({ of, row, at }) => {
    expect(await planted(of, row)).toEqual(at);
  });
});

it("each name is told of once, over all slots and however many lie in one", async () => {
  const keys = Array.from({ length: 3000 }, (_, index) => `many-${index}`);
  for (const one of ALL) {
    await store.commit(keys.map((key) => put(key, "1", { collection: one })));
    const names: string[] = [];
    for (const slot of slotsOf(one.placement)) {
      names.push(...(await namesOf(store, { collection: one.name, slot })).map(({ name }) => name));
    }
    expect(names.toSorted()).toEqual([...keys, "lamp", "lady", "zoo", "-", "éa"].toSorted());
  }
});

it("a name that begins with another and goes on with the lowest symbol is not passed over at the end of a page", async () => {
  const keys = Array.from({ length: 1024 }, (_, index) => `page-${String(index).padStart(4, "0")}`);
  const one = collection("products", PRODUCTS.placement);
  await store.commit(keys.map((key) => put(key, "1", { collection: one })));
  const late = `${keys.at(-1)}\u0000`;
  expect(await planted(one, { sortKey: late, key: late })).toEqual(["pa"]);
});
