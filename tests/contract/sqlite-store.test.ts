// The store contract on SQLite, and what only SQLite promises: schema, plans, errors of opening.
// Must not repeat the contract.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ShardId } from "../../router/ids.ts";
import { slotsOf } from "../../router/slot.ts";
import { openConnection } from "../../shards/catalog/sqlite-connection.ts";
import { type Store, type StoreCollection, StoreError } from "../../shards/store/port.ts";
import { SQL } from "../../shards/store/sqlite-statements.ts";
import { createSqliteStore } from "../../shards/store/sqlite-store.ts";
import { describeStoreContract } from "./store-contract.ts";
import {
  addressOf,
  CARTS,
  collection,
  listOf,
  PRODUCTS,
  put,
  rowOf,
  SHARD,
  STRIPED,
  type StoreHarness,
  verdictOf,
} from "./store-fixture.ts";
import { makeDirectory, removeDirectory } from "./temporary-directory.ts";

function openSqlite(collections: readonly StoreCollection[]): Promise<StoreHarness> {
  const directory = makeDirectory();
  const opened: Store[] = [];
  return Promise.resolve({
    open: async () => {
      const store = await createSqliteStore({ file: join(directory, "data", "store.db"), shard: SHARD, collections });
      opened.push(store);
      return store;
    },
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()));
      removeDirectory(directory);
    },
  });
}

describeStoreContract("SQLite", openSqlite);

describe("a SQLite store's file", () => {
  const directory = makeDirectory();
  const file = join(directory, "store.db");
  const open = (collections: readonly StoreCollection[] = [PRODUCTS]) =>
    createSqliteStore({ file, shard: SHARD, collections });

  afterAll(() => removeDirectory(directory));

  it("is connected to with a log, a flush at every commit, and no waiting inside SQLite", async () => {
    const schema = { migrations: [], prepare: () => undefined };
    const connection = await openConnection({ file: join(directory, "settings.db"), schema });
    const setting = (name: string) => Object.values(connection.db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    expect(setting("journal_mode")).toBe("wal");
    expect(setting("synchronous")).toBe(2);
    // A lazy write leaves the flush to the next one, whatever becomes of it; no other does.
    const settingWithin = { lazy: 0, failing: 0, flushed: 0 };
    await connection.write(() => (settingWithin.lazy = Number(setting("synchronous"))), "lazy");
    const failing = connection.write(() => {
      settingWithin.failing = Number(setting("synchronous"));
      throw new Error("no");
    }, "lazy");
    await expect(failing).rejects.toThrow("no");
    await connection.write(() => (settingWithin.flushed = Number(setting("synchronous"))));
    expect(setting("synchronous")).toBe(2);
    expect(settingWithin).toEqual({ lazy: 1, failing: 1, flushed: 2 });
    expect(setting("busy_timeout")).toBe(0);
    await connection.close();
  });

  it("is created once when several open it at the same time", async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => open([PRODUCTS, STRIPED, CARTS])));
    const [first] = stores;
    expect(await first?.claimFirst(CARTS.name, slotsOf(CARTS.placement))).toEqual({ kind: "claimed", slots: 1024 });
    await Promise.all(stores.map((store) => store.close()));
  });

  it("keeps the ownership of its slots when another collection is added", async () => {
    const added = collection("added", { kind: "hash", stripes: 1 });
    const store = await open([PRODUCTS, CARTS, added]);
    expect((await store.ownership(addressOf("lamp", CARTS))).state).toBe("OWNER");
    expect((await store.ownership(addressOf("lamp", added))).state).toBe("NONE");
    await store.close();
  });

  it("refuses to cut a collection's slots in another way", async () => {
    const opening = open([collection("striped", { kind: "range", stripes: 4 })]);
    await expect(opening).rejects.toThrow(StoreError);
    await expect(open([collection("carts", { kind: "range", stripes: 1 })])).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining('collection "carts" was created as hash'),
    });
  });

  it("refuses a schema of a later program", async () => {
    const later = join(directory, "later.db");
    const db = new DatabaseSync(later);
    db.exec("PRAGMA user_version = 99");
    db.close();
    await expect(createSqliteStore({ file: later, shard: SHARD, collections: [PRODUCTS] })).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringMatching(/later\.db: has schema version 99, this program knows up to \d+/),
    });
  });

  it("belongs to the first shard that opens it, and refuses every other", async () => {
    const own = join(directory, "own.db");
    const openAs = (shard: string) =>
      createSqliteStore({ file: own, shard: shard as ShardId, collections: [PRODUCTS] });
    await (await openAs("shard-1")).close();
    await (await openAs("shard-1")).close();
    await expect(openAs("shard-2")).rejects.toMatchObject({
      name: "StoreError",
      kind: "unavailable",
      message: expect.stringMatching(/own\.db: is the store of shard "shard-1", and shard "shard-2" must not serve it/),
    });
  });

  it("made before stores knew their shard takes the first that opens it, and keeps its content", async () => {
    const old = join(directory, "old.db");
    const openAs = (shard: string) =>
      createSqliteStore({ file: old, shard: shard as ShardId, collections: [PRODUCTS] });
    const before = await openAs("shard-1");
    await before.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
    await before.commit([put("lamp", "1")]);
    await before.close();
    const db = new DatabaseSync(old);
    db.exec("DROP TABLE identity; PRAGMA user_version = 1");
    db.close();
    const migrated = await openAs("shard-2");
    expect(await rowOf(migrated, "lamp")).toMatchObject({ json: "1" });
    await migrated.close();
    await expect(openAs("shard-1")).rejects.toMatchObject({ message: expect.stringContaining('of shard "shard-2"') });
  });

  it("refuses a file that is no database", async () => {
    const other = join(directory, "other.db");
    writeFileSync(other, "no database at all, but long enough to look like one".repeat(50));
    await expect(createSqliteStore({ file: other, shard: SHARD, collections: [PRODUCTS] })).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("other.db"),
    });
  });

  it("says which directory cannot be made", async () => {
    const below = join(file, "below", "store.db");
    await expect(createSqliteStore({ file: below, shard: SHARD, collections: [PRODUCTS] })).rejects.toMatchObject({
      name: "StoreError",
      kind: "unavailable",
      message: expect.stringContaining(below),
    });
  });

  it("is unavailable for a collection that it was not opened with", async () => {
    const store = await open([PRODUCTS]);
    await expect(store.list(listOf({ collection: STRIPED.name }))).rejects.toMatchObject({ kind: "unavailable" });
    await store.close();
  });

  it("guards ownership columns even against its own statements", () => {
    const db = new DatabaseSync(file);
    expect(() => db.exec("UPDATE slots SET own_epoch = -1")).toThrow(/never goes down|CHECK/);
    expect(() => db.exec("DELETE FROM slots")).toThrow(/never deleted/);
    expect(() => db.exec("UPDATE slots SET own_state = 'LOST'")).toThrow(/CHECK/);
    db.close();
  });
});

describe("a write while another process holds the lock", () => {
  it("waits without blocking reads, and fails as busy in the end", async () => {
    const directory = makeDirectory();
    const file = join(directory, "store.db");
    let nowMs = 0;
    const pacing = {
      now: () => nowMs,
      random: () => 0.5,
      sleep: (ms: number) => {
        nowMs += ms;
        return new Promise<void>((resolve) => setImmediate(resolve));
      },
    };
    const store = await createSqliteStore({ file, shard: SHARD, collections: [PRODUCTS], pacing, busyMsMax: 1000 });
    await store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
    const blocker = new DatabaseSync(file);
    blocker.exec("BEGIN IMMEDIATE");
    const waiting = store.commit([put("lamp", "1")]);
    expect(await rowOf(store, "lamp")).toBeNull();
    await expect(waiting).rejects.toMatchObject({ name: "StoreError", kind: "busy" });
    blocker.exec("ROLLBACK");
    expect(await verdictOf(store, put("lamp", "1"))).toMatchObject({ kind: "created" });
    blocker.close();
    await store.close();
    removeDirectory(directory);
  });
});

describe("a table of 100,000 keys", () => {
  const directory = makeDirectory();
  const file = join(directory, "store.db");
  let store: Store;

  beforeAll(async () => {
    store = await createSqliteStore({ file, shard: SHARD, collections: [PRODUCTS] });
    await store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
    const keys = Array.from({ length: 100_000 }, (_, index) => `lamp-${String(index).padStart(6, "0")}`);
    for (let at = 0; at < keys.length; at += 5000) {
      await store.commit(keys.slice(at, at + 5000).map((key) => put(key, "{}")));
    }
  });

  afterAll(async () => {
    await store.close();
    removeDirectory(directory);
  });

  it("gives a page from its middle", async () => {
    const page = await store.list(listOf({ from: "lamp-050000", limit: 2 }));
    expect(page).toMatchObject({
      rows: [{ key: "lamp-050000" }, { key: "lamp-050001" }],
      coveredTo: "lamp-050001 ",
    });
  });

  it.each([
    ["readDocument", [/SEARCH slots USING PRIMARY KEY/, /SEARCH documents USING INDEX/]],
    [
      "firstNotReadable",
      [/SEARCH slots USING INDEX slots_not_readable \(collection=\? AND ordinal>\? AND ordinal<\?\)/],
    ],
    ["listDocuments", [/SEARCH documents USING INDEX \S+ \(collection=\? AND sort_key>\? AND sort_key<\?\)/]],
    ["readRecord", [/SEARCH records USING INDEX/]],
    ["oldRecords", [/SEARCH records USING (COVERING )?INDEX records_by_age/, /SEARCH slots USING PRIMARY KEY/]],
    [
      "oldTombstones",
      [/SEARCH tombstones USING (COVERING )?INDEX tombstones_by_age/, /SEARCH slots USING PRIMARY KEY/],
    ],
    [
      "listSlotKeys",
      [
        /MERGE \(UNION ALL\)/,
        /SEARCH documents USING COVERING INDEX \S+ \(collection=\? AND sort_key>\? AND sort_key<\?\)/,
        /SEARCH tombstones USING INDEX \S+ \(collection=\? AND slot=\? AND sort_key>\?\)/,
      ],
    ],
    [
      "listStoredKeys",
      [
        /MERGE \(UNION ALL\)/,
        /SEARCH documents USING COVERING INDEX \S+ \(collection=\? AND sort_key>\? AND sort_key<\?\)/,
        /SEARCH tombstones USING COVERING INDEX \S+ \(collection=\? AND slot=\? AND sort_key>\?\)/,
      ],
    ],
    ["listRecordIds", [/SEARCH records USING COVERING INDEX \S+ \(collection=\? AND slot=\? AND id>\?\)/]],
    ["readSlotDocument", [/SEARCH documents USING INDEX \S+ \(collection=\? AND sort_key=\?\)/]],
    ["listSlotRecords", [/SEARCH records USING INDEX \S+ \(collection=\? AND slot=\? AND id>\?\)/]],
    ["setOwnership", [/SEARCH slots USING PRIMARY KEY \(collection=\? AND slot=\?\)/]],
  ] as const)("is never scanned or sorted by %s", (name, searches) => {
    const db = new DatabaseSync(file);
    const plan = db
      .prepare(`EXPLAIN QUERY PLAN ${SQL[name]}`)
      .all()
      .map((step) => String(step["detail"]));
    db.close();
    expect(plan.join("\n")).not.toMatch(/SCAN|TEMP B-TREE/);
    for (const search of searches) expect(plan.join("\n")).toMatch(search);
  });
});
