/**
 * Store contract: a slot that was copied from one store to another and handed over serves there what it served before.
 * It must not test the protocol: its statements are sent in their order, and nothing goes wrong.
 */
import { describe, expect, it } from "vitest";
import type { SlotAddress, Store, StoreCollection } from "../../shards/store/port.ts";
import {
  addressOf,
  CARTS,
  claim,
  commitOne,
  listOf,
  type OpenStore,
  PRODUCTS,
  put,
  remove,
  rowOf,
  STRIPED,
  verdictOf,
  type WriteOptions,
} from "./store-fixture.ts";
import { begin, copySlot, keysIn, moveSlot, RUN, rowsOf, slotAt, twoStores } from "./transfer-fixture.ts";

/** What clients see of a moved slot. */
export function describeMovedSlots(openStore: OpenStore): void {
  describe.each([PRODUCTS, STRIPED, CARTS])("a slot of $name that has moved", (collection) => {
    it(
      "is read, listed and missing as before",
      twoStores(openStore, [collection], async (source, destination) => {
        const { address, keys } = await prepare(source, collection);
        const [first = "", second = ""] = keys;
        const before = await viewOf(source, collection, keys);
        await moveSlot({ source, destination }, address);
        expect(await rowsOf(destination, address)).toEqual(await rowsOf(source, address));
        expect(await viewOf(destination, collection, keys)).toEqual(before);
        expect(await source.read(addressOf(first, collection))).toMatchObject({ kind: "not-owned" });
        const page = await destination.list(
          listOf({ collection: collection.name, from: addressOf(second, collection).sortKey, limit: 1 }),
        );
        if (collection !== STRIPED) expect(page).toMatchObject({ kind: "page", rows: [{ key: second }] });
      }),
    );

    it(
      "replays what was recorded, and judges conditions by what was there",
      twoStores(openStore, [collection], async (source, destination) => {
        const { address, keys, first } = await prepare(source, collection);
        const [key = "", , deleted = ""] = keys;
        await moveSlot({ source, destination }, address);
        const options: WriteOptions = { collection, claim: claim("first") };
        const again = await commitOne(destination, put(key, "1", options));
        expect(again).toEqual({ kind: "verdict", verdict: first, replayed: true });
        const other = claim("first", "another request");
        expect(await verdictOf(destination, put(key, "1", { collection, claim: other }))).toEqual({
          kind: "key-reused",
        });
        const known = await rowOf(destination, key, collection);
        expect(await verdictOf(destination, put(key, "5", { collection, ifMatch: ["never"] }))).toEqual({
          kind: "precondition-failed",
          currentOp: known?.op,
        });
        const next = await verdictOf(destination, put(key, "5", { collection, ifMatch: [known?.op ?? ""] }));
        expect(next).toMatchObject({ kind: "replaced" });
        expect(await verdictOf(destination, remove(deleted, { collection }))).toEqual({ kind: "absent" });
        expect(await verdictOf(destination, put(deleted, "6", { collection, ifNoneMatch: "*" }))).toMatchObject({
          kind: "created",
        });
      }),
    );
  });

  describeReturn(openStore);
}

function describeReturn(openStore: OpenStore): void {
  it(
    "comes back with what was changed meanwhile, whatever its first owner remembers of it",
    twoStores(openStore, [PRODUCTS], async (source, destination) => {
      const { address, keys } = await prepare(source, PRODUCTS);
      const [changed = "", removed = "", recreated = ""] = keys;
      await moveSlot({ source, destination }, address);
      await destination.commit([put(changed, "7", { op: "changed", claim: claim("away") })]);
      await destination.commit([remove(removed)]);
      await destination.commit([put(recreated, "8", { op: "recreated" })]);
      await moveSlot({ source: destination, destination: source }, address, { move: "move-2", epoch: 3 });
      expect(await rowsOf(source, address)).toEqual(await rowsOf(destination, address));
      expect(await rowOf(source, changed)).toMatchObject({ json: "7", op: "changed" });
      expect(await rowOf(source, removed)).toBeNull();
      expect(await commitOne(source, put(changed, "7", { claim: claim("away") }))).toMatchObject({ replayed: true });
      expect(await verdictOf(source, put(recreated, "9", { ifNoneMatch: "*" }))).toMatchObject({
        currentOp: "recreated",
      });
      expect(await verdictOf(source, put(removed, "9", { ifMatch: "*" }))).toMatchObject({ currentOp: null });
      expect(await verdictOf(source, put(changed, "9"))).toMatchObject({ kind: "replaced" });
    }),
  );

  it(
    "is swept at its new owner of what has expired",
    twoStores(openStore, [PRODUCTS], async (source, destination) => {
      const { address, keys } = await prepare(source, PRODUCTS);
      await moveSlot({ source, destination }, address);
      const everything = { collection: PRODUCTS.name, recordsBeforeMs: 2e12, tombstonesBeforeMs: 2e12, rowsMax: 1000 };
      const removed = { records: 0, tombstones: 0 };
      for (let step = 0, more = true; more && step < 100; step += 1) {
        const outcome = await destination.sweep(everything);
        removed.records += outcome.records;
        removed.tombstones += outcome.tombstones;
        more = outcome.more;
      }
      expect(removed).toEqual({ records: 2, tombstones: 1 });
      expect((await rowsOf(destination, address)).map(({ kind }) => kind)).toEqual(keys.slice(1).map(() => "document"));
    }),
  );

  it(
    "shows nothing of what an earlier, aborted move has left at its destination",
    twoStores(openStore, [PRODUCTS], async (source, destination) => {
      const { address, keys } = await prepare(source, PRODUCTS);
      await begin(destination, address, { move: "move-0", epoch: 1 });
      await copySlot({ source, destination }, address, { run: RUN, rowsMax: 2 });
      await source.commit([remove(keys[0] ?? "")]);
      await moveSlot({ source, destination }, address);
      expect(await rowOf(destination, keys[0] ?? "")).toBeNull();
      expect(await rowsOf(destination, address)).toEqual(await rowsOf(source, address));
    }),
  );
}

/** A slot that the store owns: four keys, of which the third was deleted, and two records. */
async function prepare(store: Store, collection: StoreCollection) {
  const address: SlotAddress = slotAt(addressOf("lamp-1", collection));
  await store.claimFirst(collection.name, [address.slot]);
  const keys = keysIn(collection.placement, address.slot, { stem: "lamp", count: 4 });
  const [key = "", , deleted = ""] = keys;
  const first = await verdictOf(store, put(key, "1", { collection, claim: claim("first") }));
  for (const other of keys.slice(1)) await store.commit([put(other, `"${other} \u{1f600}"`, { collection })]);
  await store.commit([remove(deleted, { collection, claim: claim("second") })]);
  return { address, keys, first };
}

/** What clients see of the keys, and of one that never was. */
async function viewOf(store: Store, collection: StoreCollection, keys: readonly string[]) {
  const { slot } = addressOf("lamp-1", collection);
  const missing = keysIn(collection.placement, slot, { stem: "lamp-missing", count: 1 });
  const addresses = [...keys, ...missing].map((key) => addressOf(key, collection));
  return Promise.all(addresses.map(async (address) => [await store.read(address), await store.latestOp(address)]));
}
