/**
 * Store contract: ownership columns decide every operation, change only by compare-and-set, and their epoch never goes down.
 * It must not play moves through; it only sets states.
 */
import { describe, expect, it } from "vitest";
import type { ShardId } from "../../router/ids.ts";
import { FIRST_OWNER, NEVER_HELD, OWN_STATES, type Ownership, type OwnState } from "../../router/ownership.ts";
import { slotsOf } from "../../router/slot.ts";
import {
  addressOf,
  claim,
  commitOne,
  force,
  listOf,
  movedOwnership,
  type OpenStore,
  owned,
  PRODUCTS,
  put,
  remove,
  rowOf,
  STRIPED,
} from "./store-fixture.ts";

const LAMP = addressOf("lamp");
const READABLE: ReadonlySet<OwnState> = new Set(["OWNER", "FENCED"]);

/** Each column with a value other than that of `movedOwnership`. */
const OTHER_COLUMNS: readonly Partial<Ownership>[] = [
  { state: "FENCED" },
  { epoch: 6 },
  { epoch: 8 },
  { move: "move-2" },
  { move: null },
  { run: "run-2" },
  { run: null },
  { to: "shard-3" as ShardId },
  { to: null },
  { digest: "12:abd" },
  { digest: null },
];

/** The chapter, on the store that `openStore` makes. */
export function describeOwnership(openStore: OpenStore): void {
  describeCreation(openStore);
  describeHolding(openStore);

  describe.each(OWN_STATES)("a slot that is %s", (state) => {
    describeState(openStore, state);
  });

  describeSwap(openStore);
}

function describeCreation(openStore: OpenStore): void {
  describe("a slot as created", () => {
    it("is NONE, 0 and serves nothing", async () => {
      const harness = await openStore([PRODUCTS]);
      try {
        const store = await harness.open();
        expect(await store.ownership(LAMP)).toEqual(NEVER_HELD);
        expect(await store.read(LAMP)).toEqual({ kind: "not-owned", ownership: NEVER_HELD });
        expect(await store.latestOp(LAMP)).toEqual({ kind: "not-owned", ownership: NEVER_HELD });
        expect(await commitOne(store, put("lamp", "1"))).toEqual({ kind: "not-owned", ownership: NEVER_HELD });
        const first = slotsOf(PRODUCTS.placement)[0];
        expect(await store.list(listOf())).toEqual({ kind: "not-owned", slot: first, ownership: NEVER_HELD });
      } finally {
        await harness.dispose();
      }
    });

    it("is claimed once, and only those that are named", async () => {
      const harness = await openStore([PRODUCTS]);
      try {
        const store = await harness.open();
        const zoo = addressOf("zoo");
        expect(await store.claimFirst(PRODUCTS.name, [LAMP.slot, zoo.slot])).toEqual({ kind: "claimed", slots: 2 });
        expect(await store.claimFirst(PRODUCTS.name, [zoo.slot, LAMP.slot])).toEqual({ kind: "claimed", slots: 0 });
        expect(await store.ownership(LAMP)).toEqual(FIRST_OWNER);
        expect(await store.ownership(zoo)).toEqual(FIRST_OWNER);
        expect(await store.ownership(addressOf("apple"))).toEqual(NEVER_HELD);
      } finally {
        await harness.dispose();
      }
    });

    it.each(OWN_STATES)("is not claimed again once it has been %s", (state) =>
      owned(openStore, async (store) => {
        const before = await force(store, LAMP, state);
        const again = await store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
        expect(again).toEqual({ kind: "claimed", slots: 0 });
        expect(await store.ownership(LAMP)).toEqual(before);
      })(),
    );
  });
}

function describeHolding(openStore: OpenStore): void {
  describe("a store that holds slots", () => {
    const ZOO = addressOf("zoo");
    it.each([
      ["more than those", ["lamp"], ["lamp", "zoo"]],
      ["fewer than those", ["lamp", "zoo"], ["lamp"]],
      ["others", ["lamp"], ["zoo"]],
      ["none at all", ["lamp"], []],
    ])("refuses to claim %s, and claims nothing", async (_name, first, second) => {
      const slotsFor = (keys: readonly string[]) => keys.map((key) => addressOf(key).slot);
      const harness = await openStore([PRODUCTS, STRIPED]);
      try {
        const store = await harness.open();
        await store.claimFirst(PRODUCTS.name, slotsFor(first));
        const refusal = { kind: "others-held", heldSlots: first.length };
        expect(await store.claimFirst(PRODUCTS.name, slotsFor(second))).toEqual(refusal);
        expect(await store.ownership(ZOO)).toEqual(first.includes("zoo") ? FIRST_OWNER : NEVER_HELD);
        const others = slotsOf(STRIPED.placement);
        expect(await store.claimFirst(STRIPED.name, others)).toEqual({ kind: "claimed", slots: others.length });
      } finally {
        await harness.dispose();
      }
    });

    it.each(OWN_STATES.filter((state) => state !== "NONE"))(
      "counts one that became %s by a move as held",
      async (state) => {
        const harness = await openStore([PRODUCTS]);
        try {
          const store = await harness.open();
          expect(await store.hasHeld(PRODUCTS.name)).toBe(false);
          const moved = await force(store, LAMP, state);
          expect(await store.hasHeld(PRODUCTS.name)).toBe(true);
          expect(await store.claimFirst(PRODUCTS.name, [ZOO.slot])).toEqual({ kind: "others-held", heldSlots: 1 });
          expect(await store.ownership(ZOO)).toEqual(NEVER_HELD);
          expect(await store.ownership(LAMP)).toEqual(moved);
        } finally {
          await harness.dispose();
        }
      },
    );
  });
}

function describeState(openStore: OpenStore, state: OwnState): void {
  const isReadable = READABLE.has(state);

  it(`is ${isReadable ? "" : "not "}read, an existing key and a missing one alike`, () =>
    owned(openStore, async (store) => {
      await store.commit([put("lamp", "1", { op: "one", atMs: 5 })]);
      const ownership = await force(store, LAMP, state);
      const refusal = { kind: "not-owned", ownership };
      const row = { key: "lamp", op: "one", modifiedAtMs: 5, json: "1" };
      expect(await store.read(LAMP)).toEqual(isReadable ? { kind: "row", row } : refusal);
      expect(await store.read(addressOf("lamp-2"))).toEqual(isReadable ? { kind: "row", row: null } : refusal);
      expect(await store.latestOp(LAMP)).toEqual(isReadable ? { kind: "op", op: "one" } : refusal);
    })());

  it(`${state === "OWNER" ? "takes" : "refuses"} writes, replays and repetitions alike`, () =>
    owned(openStore, async (store) => {
      await store.commit([put("lamp", "1", { claim: claim("c") })]);
      const ownership = await force(store, LAMP, state);
      const attempts = [put("lamp", "2"), remove("lamp-2"), put("lamp", "1", { claim: claim("c") })];
      for (const attempt of attempts) {
        const outcome = await commitOne(store, attempt);
        if (state === "OWNER") expect(outcome.kind).toBe("verdict");
        else expect(outcome).toEqual({ kind: "not-owned", ownership });
      }
      await force(store, LAMP, "OWNER");
      expect((await rowOf(store, "lamp"))?.json).toBe(state === "OWNER" ? "2" : "1");
    })());

  it(`${isReadable ? "is listed" : "ends a page before it, or refuses one that begins in it"}`, () =>
    owned(openStore, async (store) => {
      await store.commit([put("apple", "1")]);
      await store.commit([put("lamp", "2")]);
      await store.commit([put("zoo", "3")]);
      const ownership = await force(store, LAMP, state);
      const refusal = { kind: "not-owned", slot: LAMP.slot, ownership };
      const from = (sortKey: string) => store.list(listOf({ from: sortKey }));
      if (isReadable) {
        expect(await from("")).toMatchObject({
          rows: [{ key: "apple" }, { key: "lamp" }, { key: "zoo" }],
          coveredTo: null,
        });
        expect(await from("lamp")).toMatchObject({ rows: [{ key: "lamp" }, { key: "zoo" }] });
        return;
      }
      expect(await from("")).toMatchObject({ kind: "page", rows: [{ key: "apple" }], coveredTo: "la" });
      expect(await store.list(listOf({ to: "la" }))).toMatchObject({ rows: [{ key: "apple" }], coveredTo: null });
      expect(await from("la")).toEqual(refusal);
      expect(await from("lazy")).toEqual(refusal);
      expect(await from("lb")).toMatchObject({ rows: [{ key: "zoo" }], coveredTo: null });
    })());

  it(`is ${state === "OWNER" ? "" : "not "}swept`, () =>
    owned(openStore, async (store) => {
      await store.commit([put("lamp", "1", { atMs: 10, claim: claim("c") }), remove("lamp", { atMs: 10 })]);
      const ownership = await force(store, LAMP, state);
      const request = { collection: PRODUCTS.name, recordsBeforeMs: 100, tombstonesBeforeMs: 100, rowsMax: 100 };
      const removed = state === "OWNER" ? 1 : 0;
      expect(await store.sweep(request)).toEqual({ records: removed, tombstones: removed, more: false });
      expect(await store.ownership(LAMP)).toEqual(ownership);
    })());
}

function describeSwap(openStore: OpenStore): void {
  describe("setOwnership", () => {
    it(
      "sets every column when every column is as expected",
      owned(openStore, async (store) => {
        const moved = movedOwnership("GONE");
        expect(await store.setOwnership(LAMP, FIRST_OWNER, moved)).toEqual({ applied: true, current: moved });
        const next: Ownership = { ...FIRST_OWNER, epoch: 8 };
        expect(await store.setOwnership(LAMP, moved, next)).toEqual({ applied: true, current: next });
        expect(await store.ownership(LAMP)).toEqual(next);
      }),
    );

    it.each(OTHER_COLUMNS)("changes nothing when it expected %j", (other) =>
      owned(openStore, async (store) => {
        const there = movedOwnership("GONE");
        await store.setOwnership(LAMP, FIRST_OWNER, there);
        const attempt = store.setOwnership(LAMP, { ...there, ...other }, { ...FIRST_OWNER, epoch: 9 });
        expect(await attempt).toEqual({ applied: false, current: there });
        expect(await store.ownership(LAMP)).toEqual(there);
      })(),
    );

    it(
      "never lets the epoch go down",
      owned(openStore, async (store) => {
        const there = movedOwnership("OWNER");
        await store.setOwnership(LAMP, FIRST_OWNER, there);
        await expect(store.setOwnership(LAMP, there, { ...there, epoch: 6 })).rejects.toThrow(RangeError);
        expect(await store.ownership(LAMP)).toEqual(there);
      }),
    );

    it(
      "touches no other slot",
      owned(openStore, async (store) => {
        await force(store, LAMP, "GONE");
        expect(await store.ownership(addressOf("lb"))).toEqual(FIRST_OWNER);
      }),
    );

    it(
      "lets exactly one of several at once succeed, and says of no other that it did",
      owned(openStore, async (store, harness) => {
        const other = await harness.open();
        const attempts = Array.from({ length: 10 }, (_, index) => {
          const next: Ownership = { ...movedOwnership("FENCED"), run: `run-${index}` };
          return (index % 2 === 0 ? store : other).setOwnership(LAMP, FIRST_OWNER, next);
        });
        const ends = await Promise.allSettled(attempts);
        const now = await store.ownership(LAMP);
        expect(now).toMatchObject({ state: "FENCED", run: expect.stringMatching(/^run-\d$/) });
        // Where servers compete for the slot, some attempts may end without an answer: with the error that says so.
        for (const [index, end] of ends.entries()) {
          if (end.status === "fulfilled") continue;
          const kind = now.run === `run-${index}` ? "unknown" : expect.stringMatching(/^unknown|unavailable$/);
          expect(end.reason).toMatchObject({ name: "StoreError", kind });
        }
        const done = ends.flatMap((end, index) => (end.status === "fulfilled" ? [{ ...end.value, index }] : []));
        for (const { applied, current, index } of done) {
          expect([applied, current]).toEqual([now.run === `run-${index}`, now]);
        }
        expect(done.length).toBeGreaterThan(0);
      }),
    );
  });
}
