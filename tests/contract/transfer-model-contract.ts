/**
 * Store contract: random fills of a slot against a map of what it should hold, read in pages of random bounds.
 * It must not know how rows are stored.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CanonicalKey } from "../../router/ids.ts";
import { slotOf } from "../../router/slot.ts";
import type { SlotAddress, Store, StoreCollection } from "../../shards/store/port.ts";
import type { SlotFill, SlotRow, SlotRowName } from "../../shards/store/transfer.ts";
import { canonicalKey } from "../unit/router/arbitraries.ts";
import { SEED } from "../unit/seed.ts";
import { addressOf, CARTS, type OpenStore, PRODUCTS, STRIPED, type StoreHarness } from "./store-fixture.ts";
import {
  begin,
  documentRow,
  inOrder,
  keysIn,
  RUN,
  recordRow,
  rowsOf,
  slotAt,
  tombstoneRow,
} from "./transfer-fixture.ts";

/** Random fills of one slot, in all kinds of collections. */
export function describeTransferModel(openStore: OpenStore): void {
  describe.each([
    { name: "one stripe", collection: PRODUCTS },
    { name: "three stripes", collection: STRIPED },
    { name: "by hash", collection: CARTS },
  ])("holds what was filled in, $name", ({ collection }) => {
    describeModel(openStore, collection);
  });
}

function describeModel(openStore: OpenStore, collection: StoreCollection): void {
  const address = slotAt(addressOf("a~lamp", collection));
  const keys = keysOf(collection, address);
  let harness: StoreHarness;
  let store: Store;

  beforeAll(async () => {
    harness = await openStore([collection]);
    store = await harness.open();
    await begin(store, address);
    // Neighbours, which no page and no fill of this slot may touch.
    for (const key of neighboursOf(collection, address)) {
      const beside = slotAt(addressOf(key, collection));
      if ((await store.ownership(beside)).state === "NONE") await begin(store, beside);
      await store.fillSlot({ address: beside, run: RUN, put: [documentRow(key), recordRow("r-1")], remove: [] });
    }
  });

  afterAll(() => harness.dispose());

  it("after any fills, in pages of any bounds", async () => {
    const model = new Map<string, SlotRow>();
    const property = fc.asyncProperty(fillOf(address, keys), bounds, async (fill, pages) => {
      expect(await store.fillSlot(fill)).toEqual({ kind: "applied" });
      for (const { of, name } of fill.remove) model.delete(`${of} ${name}`);
      for (const row of fill.put) model.set(`${row.kind === "record" ? `record ${row.id}` : `key ${row.key}`}`, row);
      expect(await rowsOf(store, address, pages)).toEqual(inOrder([...model.values()]));
      expect(await store.weighSlot(address)).toMatchObject({ rows: model.size });
    });
    await fc.assert(property, { seed: SEED, numRuns: 50, endOnFailure: true });
    for (const key of neighboursOf(collection, address)) {
      const beside = slotAt(addressOf(key, collection));
      const rows = (await rowsOf(store, beside)).filter((row) => row.kind !== "record" && row.key === key);
      expect(rows).toEqual([documentRow(key)]);
    }
  });
}

const bounds = fc.record({ rowsMax: fc.integer({ min: 1, max: 40 }), bytesMax: fc.integer({ min: 1, max: 3000 }) });

/** Keys of the slot: random ones where its prefix is known, counted ones where a hash decides. */
function keysOf({ placement }: StoreCollection, { slot }: SlotAddress): readonly string[] {
  const random = fc.sample(canonicalKey, { seed: SEED, numRuns: 200 }).map((key) => `a~${key}`);
  const counted = keysIn(placement, slot, { stem: "a~", count: placement.kind === "hash" ? 4 : 20 });
  return [...new Set([...random, ...counted])].filter((key) => slotOf(placement, key as CanonicalKey) === slot);
}

/** Keys just before, between and behind those of the slot, in other slots. */
function neighboursOf({ placement }: StoreCollection, { slot }: SlotAddress): readonly string[] {
  const near = ["azz", "b", "a", ...Array.from({ length: 12 }, (_, index) => `a~beside-${index}`)];
  return near.filter((key) => slotOf(placement, key as CanonicalKey) !== slot);
}

function fillOf(address: SlotAddress, keys: readonly string[]): fc.Arbitrary<SlotFill> {
  const text = fc.string({ unit: "binary", maxLength: 60 }).map((content) => JSON.stringify(content.toWellFormed()));
  const key = fc.constantFrom(...keys);
  const op = fc.uuid();
  const row = fc.oneof(
    fc.tuple(key, text, op).map(([name, json, by]) => documentRow(name, json, by)),
    fc.tuple(key, op).map(([name, by]) => tombstoneRow(name, by)),
    fc.integer({ min: 0, max: 9 }).map((index) => recordRow(`r-${index}`)),
  );
  const name: fc.Arbitrary<SlotRowName> = fc.oneof(
    key.map((one) => ({ of: "key" as const, name: one })),
    fc.integer({ min: 0, max: 9 }).map((index) => ({ of: "record" as const, name: `r-${index}` })),
  );
  const nameIn = (one: SlotRow) => (one.kind === "record" ? `record ${one.id}` : `key ${one.key}`);
  return fc
    .tuple(
      fc.uniqueArray(row, { maxLength: 12, selector: nameIn }),
      fc.uniqueArray(name, { maxLength: 8, selector: ({ of, name: one }) => `${of} ${one}` }),
    )
    .map(([put, names]) => {
      const taken = new Set(put.map(nameIn));
      const remove = names.filter(({ of, name: one }) => !taken.has(`${of} ${one}`));
      return { address, run: RUN, put, remove };
    });
}
