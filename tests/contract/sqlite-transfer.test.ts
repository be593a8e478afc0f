// What only SQLite does for moves: stripes of one prefix share a range of keys, and each transaction looks at so many of them.
// Must not repeat the contract.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { slotsOfPrefix } from "../../router/slot.ts";
import type { SlotAddress, Store } from "../../shards/store/port.ts";
import { createSqliteStore } from "../../shards/store/sqlite-store.ts";
import { force, movedOwnership, SHARD, STRIPED } from "./store-fixture.ts";
import { makeDirectory, removeDirectory } from "./temporary-directory.ts";
import { begin, documentRow, keysIn, RUN, rowsOf, WIDE } from "./transfer-fixture.ts";

const MANY = 9000;

describe("a stripe with one row behind thousands of another's", () => {
  const directory = makeDirectory();
  const stripe = (index: number): SlotAddress => {
    const slot = slotsOfPrefix(STRIPED.placement, "la")[index];
    if (slot === undefined) throw new Error(`no stripe ${index}`);
    return { collection: STRIPED.name, slot };
  };
  const sparse = stripe(0);
  const dense = stripe(1);
  let store: Store;
  let key: string;

  beforeAll(async () => {
    store = await createSqliteStore({ file: join(directory, "store.db"), shard: SHARD, collections: [STRIPED] });
    await fillWith(dense, keysIn(STRIPED.placement, dense.slot, { stem: "lamp", count: MANY }));
    [key = ""] = keysIn(STRIPED.placement, sparse.slot, { stem: "lazy", count: 1 });
    await fillWith(sparse, [key]);
  });

  afterAll(async () => {
    await store.close();
    removeDirectory(directory);
  });

  async function fillWith(address: SlotAddress, keys: readonly string[]): Promise<void> {
    await begin(store, address);
    const put = keys.map((one) => documentRow(one));
    expect(await store.fillSlot({ address, run: RUN, put, remove: [] })).toEqual({ kind: "applied" });
  }

  it("is read in pages that come forward, the first without a row", async () => {
    const first = await store.slotPage({ address: sparse, after: null, ...WIDE });
    expect(first).toMatchObject({ rows: [], next: { of: "key" } });
    expect(await rowsOf(store, sparse)).toEqual([documentRow(key)]);
    expect(await rowsOf(store, dense)).toHaveLength(MANY);
  });

  it("is weighed whole", async () => {
    expect(await store.weighSlot(sparse)).toMatchObject({ rows: 1 });
    expect(await store.weighSlot(dense)).toMatchObject({ rows: MANY });
  });

  it("is cleaned up in one step, and the other stays", async () => {
    const { epoch } = await force(store, sparse, "GONE");
    const left = { move: movedOwnership("GONE").move ?? "", epoch };
    expect(await store.cleanSlot(sparse, left, 10)).toEqual({ kind: "cleaned", rows: 1, more: false });
    expect(await rowsOf(store, sparse)).toEqual([]);
    expect(await rowsOf(store, dense)).toHaveLength(MANY);
  });
});
