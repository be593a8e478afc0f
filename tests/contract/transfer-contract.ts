/**
 * Store contract: what moves need. Pages of a slot, filling it, cleaning it up, weighing it; each under the slot's ownership.
 * It must not drive moves as the mover does: only the statements that a move is made of.
 */
import { describe, expect, it } from "vitest";
import { NEVER_HELD } from "../../router/ownership.ts";
import { slotsOf } from "../../router/slot.ts";
import type { Store } from "../../shards/store/port.ts";
import type { SlotRowName } from "../../shards/store/transfer.ts";
import { describeDividedPrefixes } from "./divided-prefix-contract.ts";
import { describeMovedSlots } from "./moved-slot-contract.ts";
import { addressOf, claim, force, type OpenStore, owned, PRODUCTS, put, remove } from "./store-fixture.ts";
import { describeCleaning } from "./transfer-cleaning-contract.ts";
import { describeFills } from "./transfer-fill-contract.ts";
import { LAMP, namesOf, received, rowsOf, WIDE } from "./transfer-fixture.ts";
import { describeTransferModel } from "./transfer-model-contract.ts";

/** The chapter, on the store that `openStore` makes. */
export function describeTransfer(openStore: OpenStore): void {
  describe("transfer of slots", () => {
    describeOwnerships(openStore);
    describePages(openStore);
    describeNames(openStore);
    describePagesInAnyState(openStore);
    describeFills(openStore);
    describeTransferModel(openStore);
    describeCleaning(openStore);
    describeMovedSlots(openStore);
    describeDividedPrefixes(openStore);
  });
}

function describeOwnerships(openStore: OpenStore): void {
  it(
    "tells the columns of many slots, in the order in which they were asked for",
    owned(openStore, async (store) => {
      const gone = await force(store, LAMP, "GONE");
      const slots = slotsOf(PRODUCTS.placement).toReversed();
      const found = await store.ownerships(PRODUCTS.name, slots);
      expect(found).toHaveLength(slots.length);
      expect(found[slots.indexOf(LAMP.slot)]).toEqual(gone);
      expect(found.filter(({ state }) => state === "OWNER")).toHaveLength(slots.length - 1);
      expect(await store.ownerships(PRODUCTS.name, [])).toEqual([]);
    }),
  );

  it(
    "tells of slots that were never held",
    received(openStore, async (store) => {
      const slots = [addressOf("zoo").slot, LAMP.slot];
      expect(await store.ownerships(PRODUCTS.name, slots)).toMatchObject([NEVER_HELD, { state: "RECEIVING" }]);
      const zoo = { collection: PRODUCTS.name, slot: addressOf("zoo").slot };
      expect(await store.slotPage({ address: zoo, after: null, ...WIDE })).toEqual({
        ownership: NEVER_HELD,
        rows: [],
        next: null,
      });
      expect(await store.weighSlot(zoo)).toEqual({ rows: 0, bytes: 0 });
      expect(await store.slotNames(zoo, null)).toEqual({ names: [], next: null });
    }),
  );
}

/** Eight rows of all kinds, as writes leave them. */
async function writeRows(store: Store): Promise<void> {
  await store.commit([put("lamp", '{"n": 1.10}', { op: "one", atMs: 7, claim: claim("c1") })]);
  for (const key of ["lab", "lace", "lad"])
    await store.commit([put(key, `"${key} ü \u{1f600}"`, { op: `op ${key}`, atMs: 8 })]);
  await store.commit([remove("lab", { op: "end", atMs: 9, claim: claim("c2") })]);
  await store.commit([remove("late", { atMs: 10, claim: claim("c3") })]);
  await store.commit([put("lace", "2", { op: "no", atMs: 11, ifMatch: ["never"], claim: claim("a") })]);
}

const same = "same request";
const WRITTEN = [
  { kind: "tombstone", key: "lab", op: "end", atMs: 9 },
  { kind: "document", key: "lace", op: "op lace", atMs: 8, json: '"lace ü \u{1f600}"' },
  { kind: "document", key: "lad", op: "op lad", atMs: 8, json: '"lad ü \u{1f600}"' },
  { kind: "document", key: "lamp", op: "one", atMs: 7, json: '{"n": 1.10}' },
  {
    kind: "record",
    id: "a",
    fingerprint: same,
    verdict: { kind: "precondition-failed", currentOp: "op lace" },
    atMs: 11,
  },
  {
    kind: "record",
    id: "c1",
    fingerprint: same,
    verdict: { kind: "created", op: "one", modifiedAtMs: 7 },
    atMs: 7,
  },
  { kind: "record", id: "c2", fingerprint: same, verdict: { kind: "deleted" }, atMs: 9 },
  { kind: "record", id: "c3", fingerprint: same, verdict: { kind: "absent" }, atMs: 10 },
];

function describePages(openStore: OpenStore): void {
  it(
    "gives documents, tombstones and records exactly as they were written, keys before records",
    owned(openStore, async (store) => {
      await writeRows(store);
      const page = await store.slotPage({ address: LAMP, after: null, ...WIDE });
      expect(page).toEqual({ ownership: await store.ownership(LAMP), rows: WRITTEN, next: null });
    }),
  );

  it(
    "gives the same rows in pages of every size",
    owned(openStore, async (store) => {
      await writeRows(store);
      for (let rowsMax = 1; rowsMax <= WRITTEN.length + 1; rowsMax += 1) {
        expect(await rowsOf(store, LAMP, { ...WIDE, rowsMax })).toEqual(WRITTEN);
      }
      for (const bytesMax of [1, 30, 100, 300])
        expect(await rowsOf(store, LAMP, { ...WIDE, bytesMax })).toEqual(WRITTEN);
    }),
  );

  it(
    "ends a page with the row that reaches a bound, and goes on behind any name",
    owned(openStore, async (store) => {
      await writeRows(store);
      const keysOf = async (after: SlotRowName | null, bounds: Partial<typeof WIDE>) =>
        (await store.slotPage({ address: LAMP, after, ...WIDE, ...bounds })).rows.map((row) =>
          row.kind === "record" ? row.id : row.key,
        );
      expect(await keysOf(null, { rowsMax: 2 })).toEqual(["lab", "lace"]);
      expect(await keysOf(null, { bytesMax: 10 })).toEqual(["lab", "lace"]);
      expect(await keysOf({ of: "key", name: "lac" }, { rowsMax: 1 })).toEqual(["lace"]);
      expect(await keysOf({ of: "key", name: "zz" }, { rowsMax: 1 })).toEqual(["a"]);
      expect(await keysOf({ of: "record", name: "b" }, {})).toEqual(["c1", "c2", "c3"]);
      expect(await keysOf({ of: "record", name: "c3" }, {})).toEqual([]);
      await expect(keysOf(null, { rowsMax: 0 })).rejects.toThrow(/at least one row, got 0/);
      await expect(keysOf(null, { bytesMax: 0 })).rejects.toThrow(/at least one byte, got 0/);
    }),
  );
}

function describeNames(openStore: OpenStore): void {
  it.each(["OWNER", "FENCED", "GONE", "RECEIVING", "ABORTED"] as const)(
    "tells the names in a slot that is %s",
    (state) =>
      owned(openStore, async (store) => {
        await writeRows(store);
        await force(store, LAMP, state);
        const names = WRITTEN.map((row) =>
          row.id === undefined ? { of: "key", name: row.key } : { of: "record", name: row.id },
        );
        expect(await namesOf(store, LAMP)).toEqual(names);
        expect(await store.slotNames(LAMP, { of: "record", name: "c1" })).toEqual({
          names: names.slice(-2),
          next: null,
        });
      })(),
  );

  it(
    "tells the names of many rows, whatever is remembered of them",
    owned(openStore, async (store) => {
      const keys = Array.from({ length: 1200 }, (_, index) => `lamp-${String(index).padStart(4, "0")}`);
      for (let first = 0; first < keys.length; first += 100) {
        await store.commit(keys.slice(first, first + 100).map((key) => put(key, "1", { claim: claim(key) })));
      }
      const names = await namesOf(store, LAMP);
      expect(names.filter(({ of }) => of === "key").map(({ name }) => name)).toEqual(keys);
      expect(names.filter(({ of }) => of === "record")).toHaveLength(keys.length);
    }),
  );
}

function describePagesInAnyState(openStore: OpenStore): void {
  it.each(["FENCED", "GONE", "RECEIVING", "ABORTED"] as const)("gives rows and columns of a slot that is %s", (state) =>
    owned(openStore, async (store) => {
      await writeRows(store);
      const ownership = await force(store, LAMP, state);
      expect(await store.slotPage({ address: LAMP, after: null, ...WIDE })).toEqual({
        ownership,
        rows: WRITTEN,
        next: null,
      });
      const behind = { of: "record", name: "c3" } as const;
      expect(await store.slotPage({ address: LAMP, after: behind, ...WIDE })).toEqual({
        ownership,
        rows: [],
        next: null,
      });
    })(),
  );

  it(
    "gives the same page whatever columns were seen before",
    owned(openStore, async (store) => {
      await writeRows(store);
      const before = await store.ownership(LAMP);
      const ownership = await force(store, LAMP, "FENCED");
      for (const after of [null, { of: "key", name: "lac" }, { of: "record", name: "c3" }] as const) {
        const page = await store.slotPage({ address: LAMP, after, ...WIDE });
        expect(page.ownership).toEqual(ownership);
        for (const seen of [ownership, before, NEVER_HELD, { ...ownership, move: "other" }]) {
          expect(await store.slotPage({ address: LAMP, after, seen, ...WIDE })).toEqual(page);
        }
      }
      const zoo = { collection: PRODUCTS.name, slot: addressOf("zoo").slot };
      const empty = await store.slotPage({ address: zoo, after: null, ...WIDE });
      for (const seen of [ownership, before, NEVER_HELD])
        expect(await store.slotPage({ address: zoo, after: null, seen, ...WIDE })).toEqual(empty);
    }),
  );

  it(
    "weighs a slot: its rows exactly, their bytes roughly",
    owned(openStore, async (store) => {
      await writeRows(store);
      expect(await store.weighSlot(LAMP)).toMatchObject({ rows: WRITTEN.length });
      expect(await store.weighSlot(addressOf("zoo"))).toEqual({ rows: 0, bytes: 0 });
      for (let index = 0; index < 30; index += 1) await store.commit([put(`zoo-${index}`, `"${"x".repeat(1000)}"`)]);
      const { rows, bytes } = await store.weighSlot(addressOf("zoo"));
      expect(rows).toBe(30);
      expect(bytes).toBeGreaterThan(15_000);
      expect(bytes).toBeLessThan(60_000);
    }),
  );
}
