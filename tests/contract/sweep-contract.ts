/**
 * Store contract: the sweep removes what has expired, in bounded steps, and nothing else.
 * It must not use a real clock; all times are given.
 */
import { describe, expect, it } from "vitest";
import type { Store, SweepOutcome } from "../../shards/store/port.ts";
import {
  addressOf,
  BOTH,
  CARTS,
  claim,
  commitOne,
  force,
  type OpenStore,
  owned,
  PRODUCTS,
  put,
  remove,
  rowOf,
  verdictOf,
} from "./store-fixture.ts";

const ALL = { collection: PRODUCTS.name, recordsBeforeMs: 1000, tombstonesBeforeMs: 1000, rowsMax: 100 };

/** Sweeps until nothing is left; a bound on the steps, because a sweep that never ends is a bug. */
async function sweepAll(store: Store, rowsMax: number): Promise<readonly SweepOutcome[]> {
  const steps: SweepOutcome[] = [];
  do steps.push(await store.sweep({ ...ALL, rowsMax }));
  while (steps.at(-1)?.more === true && steps.length < 100);
  return steps;
}

function total(steps: readonly SweepOutcome[]) {
  return steps.reduce(
    (sum, step) => ({ records: sum.records + step.records, tombstones: sum.tombstones + step.tombstones }),
    { records: 0, tombstones: 0 },
  );
}

/** The chapter, on the store that `openStore` makes. */
export function describeSweep(openStore: OpenStore): void {
  describe("sweep", () => {
    it(
      "removes records older than their limit, and then the claim is free",
      owned(openStore, async (store) => {
        await store.commit([put("lamp", "1", { atMs: 999, claim: claim("old") })]);
        await store.commit([put("lamp", "2", { atMs: 1000, claim: claim("young") })]);
        expect(await store.sweep(ALL)).toEqual({ records: 1, tombstones: 0, more: false });
        const again = await commitOne(store, put("lamp", "3", { claim: claim("old") }));
        expect(again).toMatchObject({ verdict: { kind: "replaced" }, replayed: false });
        expect(await commitOne(store, put("lamp", "4", { claim: claim("young") }))).toMatchObject({ replayed: true });
      }),
    );

    it(
      "removes tombstones older than their limit, and never a document that was written again",
      owned(openStore, async (store) => {
        await store.commit([put("lamp", "1", { atMs: 1 }), remove("lamp", { atMs: 2 }), put("lamp", "2", { atMs: 3 })]);
        await store.commit([put("late", "1", { atMs: 1 }), remove("late", { atMs: 2 })]);
        await store.commit([put("lack", "1", { atMs: 1 }), remove("lack", { atMs: 1000 })]);
        await store.commit([put("lace", "1", { atMs: 1 })]);
        expect(await store.sweep(ALL)).toEqual({ records: 0, tombstones: 1, more: false });
        expect(await rowOf(store, "lamp")).toMatchObject({ json: "2" });
        expect(await rowOf(store, "lace")).toMatchObject({ json: "1" });
        expect(await verdictOf(store, put("late", "2", { ifNoneMatch: "*" }))).toMatchObject({ kind: "created" });
      }),
    );

    it(
      "takes bounded steps until nothing is left",
      owned(openStore, async (store) => {
        for (let index = 0; index < 12; index += 1) {
          const key = `lamp-${index}`;
          await store.commit([put(key, "1", { atMs: index, claim: claim(key) }), remove(key, { atMs: index })]);
        }
        const steps = await sweepAll(store, 5);
        expect(total(steps)).toEqual({ records: 12, tombstones: 12 });
        for (const step of steps) expect(step.records + step.tombstones).toBeLessThanOrEqual(5);
        expect(await store.sweep(ALL)).toEqual({ records: 0, tombstones: 0, more: false });
      }),
    );

    describeLimitsOfSweep(openStore);
  });
}

function describeLimitsOfSweep(openStore: OpenStore): void {
  it(
    "passes by what lies in slots that are not owned, and takes it once they are",
    owned(openStore, async (store) => {
      for (let index = 0; index < 8; index += 1) {
        const late = index >= 6;
        const key = `${late ? "zoo" : "lamp"}-${index}`;
        await store.commit([put(key, "1", { atMs: index, claim: claim(key) }), remove(key, { atMs: index })]);
      }
      await force(store, addressOf("lamp"), "GONE");
      expect(total(await sweepAll(store, 3))).toEqual({ records: 2, tombstones: 2 });
      await force(store, addressOf("lamp"), "OWNER");
      expect(total(await sweepAll(store, 3))).toEqual({ records: 6, tombstones: 6 });
    }),
  );

  it(
    "leaves other collections alone",
    owned(
      openStore,
      async (store) => {
        await store.commit([put("lamp", "1", { atMs: 1, claim: claim("c"), collection: CARTS })]);
        expect(await store.sweep(ALL)).toEqual({ records: 0, tombstones: 0, more: false });
        expect(await store.sweep({ ...ALL, collection: CARTS.name })).toMatchObject({ records: 1 });
      },
      BOTH,
    ),
  );
}
