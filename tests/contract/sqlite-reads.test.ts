// Reads of a SQLite store beside the writes of the same process, and reads that share a turn of the event loop.
// Must not repeat what the contract says of reads alone.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { slotsOf } from "../../router/slot.ts";
import { ReadGroup } from "../../shards/catalog/read-group.ts";
import { createSqliteStore } from "../../shards/store/sqlite-store.ts";
import { addressOf, listOf, PRODUCTS, put, rowOf, SHARD } from "./store-fixture.ts";
import { makeDirectory, removeDirectory } from "./temporary-directory.ts";

/** More than a commit takes between its being asked for and its transaction's end. */
const MICROTASKS_MAX = 20;

async function afterMicrotasks<Value>(count: number, work: () => Promise<Value>): Promise<Value> {
  for (let passed = 0; passed < count; passed += 1) await Promise.resolve();
  return work();
}

describe("reads beside a write of the same process", () => {
  const directory = makeDirectory();
  const open = async (name: string) => {
    const store = await createSqliteStore({ file: join(directory, name), shard: SHARD, collections: [PRODUCTS] });
    await store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
    return store;
  };

  afterAll(() => removeDirectory(directory));

  it("are answered at whichever moment of the commit they come", async () => {
    const store = await open("moments.db");
    await store.commit([put("lamp", "1")]);
    for (let moment = 0; moment < MICROTASKS_MAX; moment += 1) {
      const write = store.commit([put("lamp", String(moment))]);
      const list = afterMicrotasks(moment, () => store.list(listOf()));
      const read = afterMicrotasks(moment, () => store.read(addressOf("lamp")));
      expect(await list).toMatchObject({ kind: "page", rows: [{ key: "lamp" }] });
      expect(await read).toMatchObject({ kind: "row", row: { key: "lamp" } });
      await write;
    }
    await store.close();
  });

  it("see what was acknowledged before they came", async () => {
    const store = await open("order.db");
    await store.commit([put("lamp", "1")]);
    const [early, , late] = await Promise.all([
      rowOf(store, "lamp"),
      store.commit([put("lamp", "2")]),
      store.commit([put("lamp", "3")]).then(() => rowOf(store, "lamp")),
    ]);
    expect(["1", "2", "3"]).toContain(early?.json);
    expect(late?.json).toBe("3");
    await store.close();
  });

  it("that came before the store was closed are answered", async () => {
    const store = await open("closing.db");
    const reads = Promise.all([store.read(addressOf("a")), store.read(addressOf("b")), store.list(listOf())]);
    await store.close();
    expect((await reads).map((outcome) => outcome.kind)).toEqual(["row", "row", "page"]);
  });
});

describe("reads of one turn", () => {
  it("run on one state of the database, and each fails for itself", async () => {
    const db = new DatabaseSync(":memory:");
    const group = new ReadGroup(db);
    const isTogether = () => db.isTransaction;
    const fails = () => {
      throw new Error("this read only");
    };
    const reads = await Promise.allSettled([group.run(isTogether), group.run(fails), group.run(isTogether)]);
    expect(reads.map((read) => (read.status === "fulfilled" ? read.value : String(read.reason)))).toEqual([
      true,
      "Error: this read only",
      true,
    ]);
    expect(db.isTransaction).toBe(false);
    expect(await group.run(isTogether)).toBe(false);
    db.close();
  });

  it("are each answered when a common transaction cannot begin", async () => {
    const db = new DatabaseSync(":memory:");
    const group = new ReadGroup(db);
    db.close();
    const reads = await Promise.allSettled([group.run(() => db.prepare("SELECT 1")), group.run(() => "no database")]);
    expect(reads).toMatchObject([
      { status: "rejected", reason: { message: "database is not open" } },
      { status: "fulfilled", value: "no database" },
    ]);
  });
});
