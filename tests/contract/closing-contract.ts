/**
 * Store contract: what is under way when a store closes, and what comes after.
 * It must not measure how long closing takes.
 */
import { describe, expect, it } from "vitest";
import { NEVER_HELD } from "../../router/ownership.ts";
import { type Store, StoreError } from "../../shards/store/port.ts";
import { addressOf, listOf, type OpenStore, owned, PRODUCTS, put, rowOf } from "./store-fixture.ts";

const OPERATIONS: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  read: (store) => store.read(addressOf("lamp")),
  latestOp: (store) => store.latestOp(addressOf("lamp")),
  commit: (store) => store.commit([put("lamp", "1")]),
  list: (store) => store.list(listOf()),
  ownership: (store) => store.ownership(addressOf("lamp")),
  setOwnership: (store) => store.setOwnership(addressOf("lamp"), NEVER_HELD, NEVER_HELD),
  claimFirst: (store) => store.claimFirst(PRODUCTS.name, [addressOf("lamp").slot]),
  hasHeld: (store) => store.hasHeld(PRODUCTS.name),
  sweep: (store) => store.sweep({ collection: PRODUCTS.name, recordsBeforeMs: 0, tombstonesBeforeMs: 0, rowsMax: 1 }),
};

/** The chapter, on the store that `openStore` makes. */
export function describeClosing(openStore: OpenStore): void {
  describe("closing", () => {
    it(
      "waits for the writes under way",
      owned(openStore, async (store, harness) => {
        const writes = Array.from({ length: 20 }, (_, index) => store.commit([put(`lamp-${index}`, "1")]));
        await store.close();
        const outcomes = await Promise.all(writes);
        expect(outcomes.flat()).toHaveLength(20);
        const reopened = await harness.open();
        for (let index = 0; index < 20; index += 1) expect(await rowOf(reopened, `lamp-${index}`)).not.toBeNull();
      }),
    );

    it(
      "may be asked for twice",
      owned(openStore, async (store) => {
        await Promise.all([store.close(), store.close()]);
        await store.close();
      }),
    );

    it.each(Object.entries(OPERATIONS))("makes a later %s reject as unavailable", (_name, operate) =>
      owned(openStore, async (store) => {
        await store.close();
        const error = await operate(store).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(StoreError);
        expect(error).toMatchObject({ kind: "unavailable" });
      })(),
    );

    it(
      "keeps everything for the next opening",
      owned(openStore, async (store, harness) => {
        await store.commit([put("lamp", "1", { op: "one" })]);
        const before = await store.ownership(addressOf("lamp"));
        await store.close();
        const reopened = await harness.open();
        expect(await rowOf(reopened, "lamp")).toMatchObject({ op: "one", json: "1" });
        expect(await reopened.ownership(addressOf("lamp"))).toEqual(before);
      }),
    );
  });
}
