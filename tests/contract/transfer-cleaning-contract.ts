/**
 * Store contract: what a move left behind is removed in bounded steps, and nothing where the columns say otherwise.
 * It must not know how rows are stored.
 */
import { describe, expect, it } from "vitest";
import type { OwnState } from "../../router/ownership.ts";
import { slotsOfPrefix } from "../../router/slot.ts";
import type { SlotAddress, Store, StoreCollection } from "../../shards/store/port.ts";
import type { SlotCleaning, SlotRow } from "../../shards/store/transfer.ts";
import {
  addressOf,
  CARTS,
  force,
  listOf,
  movedOwnership,
  type OpenStore,
  PRODUCTS,
  rowOf,
  STRIPED,
} from "./store-fixture.ts";
import {
  begin,
  documentRow,
  keysIn,
  MOVE,
  RUN,
  recordRow,
  rowsOf,
  send,
  slotAt,
  tombstoneRow,
} from "./transfer-fixture.ts";

/** Cleaning up after a move, done or aborted. */
export function describeCleaning(openStore: OpenStore): void {
  describe("clean-up", () => {
    it.each([
      { collection: PRODUCTS, state: "GONE" },
      { collection: PRODUCTS, state: "ABORTED" },
      { collection: CARTS, state: "GONE" },
      { collection: STRIPED, state: "ABORTED" },
    ] as const)("empties a slot of $collection.name that is $state, step by step", ({ collection, state }) =>
      filled(openStore, collection, async (store, address, rows) => {
        const left = await leave(store, address, state);
        const ownership = await store.ownership(address);
        const steps = await cleanAll(store, address, { left, rowsMax: 4 });
        for (const step of steps) expect(step).toMatchObject({ kind: "cleaned" });
        const removed = steps.map((step) => (step.kind === "cleaned" ? step.rows : 0));
        for (const count of removed) expect(count).toBeLessThanOrEqual(4);
        expect(removed.reduce((sum, count) => sum + count, 0)).toBe(rows.length);
        expect(await rowsOf(store, address)).toEqual([]);
        expect(await store.ownership(address)).toEqual(ownership);
        expect(await store.cleanSlot(address, left, 4)).toEqual({ kind: "cleaned", rows: 0, more: false });
      })(),
    );

    it(
      "takes the rows of one stripe only",
      filled(openStore, STRIPED, async (store, address) => {
        const others = slotsOfPrefix(STRIPED.placement, "la").filter((slot) => slot !== address.slot);
        const beside = { collection: STRIPED.name, slot: others[0] ?? address.slot };
        const [key = ""] = keysIn(STRIPED.placement, beside.slot, { stem: "lamp", count: 1 });
        await begin(store, beside);
        await store.fillSlot({ address: beside, run: RUN, put: [documentRow(key), recordRow("c1")], remove: [] });
        const left = await leave(store, address, "GONE");
        await cleanAll(store, address, { left, rowsMax: 100 });
        expect(await rowsOf(store, beside)).toEqual([documentRow(key), recordRow("c1")]);
      }),
    );

    it(
      "lets the slot be received and filled again",
      filled(openStore, PRODUCTS, async (store, address, rows) => {
        await send(store, address, { kind: "abort", ...MOVE });
        await cleanAll(store, address, { left: MOVE, rowsMax: 100 });
        await begin(store, address, { move: "move-2", epoch: MOVE.epoch + 1 });
        expect(await store.fillSlot({ address, run: RUN, put: rows.slice(2), remove: [] })).toEqual({
          kind: "applied",
        });
        expect(await rowsOf(store, address)).toEqual(rows.slice(2));
        const late = await store.cleanSlot(address, MOVE, 100);
        expect(late).toEqual({ kind: "refused", ownership: await store.ownership(address) });
        await force(store, address, "OWNER");
        expect(await rowOf(store, "lamp-2")).toMatchObject({ json: "1" });
        expect(await rowsOf(store, address)).toEqual(rows.slice(2));
      }),
    );

    describeRefusedCleaning(openStore);
  });
}

function describeRefusedCleaning(openStore: OpenStore): void {
  const refusedIn: readonly OwnState[] = ["NONE", "OWNER", "FENCED", "RECEIVING"];
  it.each(refusedIn)("is refused where the slot is %s", (state) =>
    filled(openStore, PRODUCTS, async (store, address, rows) => {
      const left = await leave(store, address, state);
      const ownership = await store.ownership(address);
      expect(await store.cleanSlot(address, left, 100)).toEqual({ kind: "refused", ownership });
      expect(await rowsOf(store, address)).toEqual(rows);
    })(),
  );

  it.each(["GONE", "ABORTED"] as const)(
    "is refused for another move, and at another epoch, of a slot that is %s",
    (state) =>
      filled(openStore, PRODUCTS, async (store, address, rows) => {
        const { move, epoch } = await leave(store, address, state);
        const ownership = await store.ownership(address);
        for (const other of [
          { move: "move-9", epoch },
          { move, epoch: epoch - 1 },
          { move, epoch: epoch + 1 },
        ]) {
          expect(await store.cleanSlot(address, other, 100)).toEqual({ kind: "refused", ownership });
        }
        expect(await rowsOf(store, address)).toEqual(rows);
        await expect(store.cleanSlot(address, { move, epoch }, 0)).rejects.toThrow(/at least one row/);
      })(),
  );

  it(
    "and a sweep pass by what is being received, and no list shows it",
    filled(openStore, PRODUCTS, async (store, address, rows) => {
      const everything = { collection: PRODUCTS.name, recordsBeforeMs: 2e12, tombstonesBeforeMs: 2e12, rowsMax: 1000 };
      for (let step = 0; step < 20; step += 1)
        expect(await store.sweep(everything)).toMatchObject({ records: 0, tombstones: 0 });
      expect(await rowsOf(store, address)).toEqual(rows);
      expect(await store.list(listOf({ from: "la" }))).toMatchObject({ kind: "not-owned", slot: address.slot });
      expect(await store.read(addressOf("lamp-1"))).toMatchObject({ kind: "not-owned" });
      expect(await store.latestOp(addressOf("lamp-1"))).toMatchObject({ kind: "not-owned" });
    }),
  );
}

/** A slot that is being received, with rows of all kinds in it. */
function filled(
  openStore: OpenStore,
  collection: StoreCollection,
  body: (store: Store, address: SlotAddress, rows: readonly SlotRow[]) => Promise<void>,
) {
  return async () => {
    const harness = await openStore([collection]);
    try {
      const store = await harness.open();
      const address = slotAt(addressOf("lamp-1", collection));
      const keys = keysIn(collection.placement, address.slot, { stem: "lamp", count: 6 });
      const rows = [
        ...keys.map((key, index) => (index < 2 ? tombstoneRow(key) : documentRow(key))),
        ...["c1", "c2", "c3"].map(recordRow),
      ];
      await begin(store, address);
      await store.fillSlot({ address, run: RUN, put: rows, remove: [] });
      await body(store, address, rows);
    } finally {
      await harness.dispose();
    }
  };
}

/** Brings the slot into `state`; what a clean-up of its move would say. */
async function leave(store: Store, address: SlotAddress, state: OwnState) {
  const { epoch } = await force(store, address, state);
  return { move: movedOwnership(state).move ?? "", epoch };
}

async function cleanAll(
  store: Store,
  address: SlotAddress,
  { left, rowsMax }: { readonly left: typeof MOVE; readonly rowsMax: number },
): Promise<readonly SlotCleaning[]> {
  const steps: SlotCleaning[] = [];
  const wantsMore = () => {
    const last = steps.at(-1);
    return last?.kind === "cleaned" && last.more;
  };
  do steps.push(await store.cleanSlot(address, left, rowsMax));
  while (wantsMore() && steps.length < 100);
  return steps;
}
