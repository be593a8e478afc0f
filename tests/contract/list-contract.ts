/**
 * Store contract: pages of a collection, compared with a naive model that looks at every key and every slot.
 * It must not use the store's own arithmetic of windows.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SlotId } from "../../router/ids.ts";
import type { OwnState } from "../../router/ownership.ts";
import { type Placement, prefixesOf, prefixOfSlot, type SortKey, slotsOf } from "../../router/slot.ts";
import { compareCodePoints } from "../../router/text.ts";
import type { ListOutcome, ListRequest, Store, StoreCollection } from "../../shards/store/port.ts";
import { canonicalKey } from "../unit/router/arbitraries.ts";
import { SEED } from "../unit/seed.ts";
import { modelPage } from "./list-model.ts";
import {
  addressOf,
  CARTS,
  force,
  listOf,
  type OpenStore,
  owned,
  PRODUCTS,
  put,
  remove,
  STRIPED,
  type StoreHarness,
} from "./store-fixture.ts";

const KEYS_OF_INTEREST = [
  "a",
  "a ",
  "a-",
  "lamp",
  "la",
  "lz",
  "\u{ffe0}",
  "\u{10428}",
  "\u{1f600}",
  "漢",
  "_",
  "0",
  "9z",
];

const CLOSED: ReadonlySet<OwnState> = new Set(["NONE", "GONE", "RECEIVING", "ABORTED"]);

/** The chapter, on the store that `openStore` makes. */
export function describeLists(openStore: OpenStore): void {
  describe("list", () => {
    it(
      "goes by code points, not by UTF-16 units",
      owned(openStore, async (store) => {
        for (const key of ["\u{1f600}", "\u{ffe0}", "z", "é"]) await store.commit([put(key, "1")]);
        expect(keysOf(await store.list(listOf()))).toEqual(["z", "é", "\u{ffe0}", "\u{1f600}"]);
      }),
    );

    it(
      "gives whole rows and leaves out what was deleted",
      owned(openStore, async (store) => {
        await store.commit([put("lamp", '{"n": 1.10}', { op: "one", atMs: 7 }), put("late", "2"), remove("late")]);
        const row = { key: "lamp", op: "one", modifiedAtMs: 7, json: '{"n": 1.10}' };
        expect(await store.list(listOf())).toEqual({ kind: "page", rows: [row], coveredTo: null });
      }),
    );

    it.each([
      { name: "from is inclusive", part: { from: "lb" }, keys: ["lb", "lc"] },
      { name: "after is exclusive", part: { after: "lb" }, keys: ["lc"] },
      { name: "to is exclusive", part: { to: "lc" }, keys: ["la", "lb"] },
      { name: "bounds need not exist", part: { from: "lab", to: "lbb" }, keys: ["lb"] },
      { name: "an empty window", part: { from: "lb", to: "lb" }, keys: [] },
      { name: "a window upside down", part: { from: "lc", to: "la" }, keys: [] },
      { name: "a window after its end", part: { after: "lc", to: "lc" }, keys: [] },
    ])("$name", ({ part, keys }) =>
      owned(openStore, async (store) => {
        for (const key of ["lc", "la", "lb"]) await store.commit([put(key, "1")]);
        const page = await store.list(listOf(part));
        expect(keysOf(page)).toEqual(keys);
        expect(page).toMatchObject({ coveredTo: null });
      })(),
    );

    describeEnds(openStore);

    describe.each([PRODUCTS, STRIPED, CARTS])("of a collection like $name agrees with a naive model", (collection) => {
      describeModel(openStore, collection);
    });
  });
}

function describeEnds(openStore: OpenStore): void {
  it(
    "ends with the row that reaches the limit of bytes, and has one at least",
    owned(openStore, async (store) => {
      for (const key of ["la", "lb", "lc"]) await store.commit([put(key, '"öö"')]);
      const pageOf = (bytesMax: number) => store.list(listOf({ bytesMax }));
      expect(keysOf(await pageOf(1))).toEqual(["la"]);
      expect(keysOf(await pageOf(6))).toEqual(["la"]);
      expect(keysOf(await pageOf(7))).toEqual(["la", "lb"]);
      expect(await pageOf(18)).toMatchObject({ rows: { length: 3 }, coveredTo: null });
    }),
  );

  it(
    "that ends by its limit is continued without a gap by from = coveredTo and by after = last key",
    owned(openStore, async (store) => {
      for (const key of ["a", "a ", "a-", "aa", "b"]) await store.commit([put(key, "1")]);
      expect(await walk(store, { limit: 1 })).toEqual(["a", "a ", "a-", "aa", "b"]);
      expect(keysOf(await store.list(listOf({ after: "a", limit: 2 })))).toEqual(["a ", "a-"]);
    }),
  );

  it(
    "knows that nothing follows a page that is just full",
    owned(openStore, async (store) => {
      await store.commit([put("la", "1"), put("lab", "2")]);
      expect(await store.list(listOf({ limit: 2 }))).toMatchObject({ rows: { length: 2 }, coveredTo: null });
      expect(await store.list(listOf({ limit: 1, to: "lab" }))).toMatchObject({ coveredTo: null });
    }),
  );
}

function keysOf(outcome: ListOutcome): readonly string[] {
  if (outcome.kind !== "page") throw new Error(`not owned: ${outcome.slot}`);
  return outcome.rows.map((row) => row.key);
}

/** All keys, page by page. */
async function walk(store: Store, part: Partial<ListRequest>): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let from: string | null = ""; from !== null; ) {
    const page: ListOutcome = await store.list(listOf({ ...part, from }));
    keys.push(...keysOf(page));
    from = page.kind === "page" ? page.coveredTo : null;
  }
  return keys;
}

function describeModel(openStore: OpenStore, collection: StoreCollection): void {
  const { name, placement } = collection;
  const random = fc.sample(canonicalKey, { seed: SEED, numRuns: 150 });
  const keys = [...new Set([...KEYS_OF_INTEREST, ...random])];
  const sortKeys = keys.map((key) => addressOf(key, collection).sortKey).toSorted(compareCodePoints);
  let harness: StoreHarness;
  let store: Store;

  beforeAll(async () => {
    harness = await openStore([collection]);
    store = await harness.open();
    await store.claimFirst(name, slotsOf(placement));
    for (const key of keys) await store.commit([put(key, "{}", { collection })]);
  });

  afterAll(() => harness.dispose());

  it("for every window, limit and set of slots that are not readable", async () => {
    const slotsWithKeys = keys.map((key) => addressOf(key, collection).slot);
    const property = fc.asyncProperty(
      holes(collection, slotsWithKeys),
      windows(placement, sortKeys),
      async (placed, parts) => {
        for (const { slot, state } of placed) await force(store, { collection: name, slot }, state);
        const closed = slotsOf(placement).filter((slot) =>
          CLOSED.has(placed.findLast((hole) => hole.slot === slot)?.state ?? "OWNER"),
        );
        for (const part of parts) {
          const request = listOf({ collection: name, ...part });
          const page = summaryOf(await store.list(request), collection);
          expect(page).toEqual(modelPage({ placement, sortKeys, closed }, request));
        }
        for (const { slot } of placed) await force(store, { collection: name, slot }, "OWNER");
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 60 });
  });
}

/** Up to three slots that are not owned, often ones that hold keys. */
function holes({ placement }: StoreCollection, slotsWithKeys: readonly SlotId[]) {
  const slot = fc.oneof(fc.constantFrom(...slotsOf(placement)), fc.constantFrom(...slotsWithKeys));
  const state = fc.constantFrom<OwnState>("FENCED", ...CLOSED);
  return fc.array(fc.record({ slot, state }), { maxLength: 3 });
}

/** Windows with bounds that are keys, slot boundaries or neither. */
function windows(placement: Placement, sortKeys: readonly SortKey[]): fc.Arbitrary<readonly Partial<ListRequest>[]> {
  const bound = fc.oneof(
    fc.constantFrom(...sortKeys),
    fc.constantFrom(...prefixesOf(placement)),
    fc.constantFrom(...sortKeys).map((key) => `${[...key][0] ?? ""}~`),
    fc.constant(""),
  );
  const start = fc.oneof(
    bound.map((from) => ({ from, after: null })),
    bound.map((after) => ({ from: null, after })),
  );
  const rest = fc.record({ to: fc.option(bound), limit: fc.integer({ min: 1, max: 40 }) });
  const part = fc.tuple(start, rest).map(([edge, others]) => ({ ...edge, ...others }));
  return fc.array(part, { minLength: 3, maxLength: 3 });
}

function summaryOf(outcome: ListOutcome, collection: StoreCollection) {
  if (outcome.kind === "not-owned") return { refusedIn: prefixOfSlot(collection.placement, outcome.slot) };
  const sortKeys = outcome.rows.map((row) => addressOf(row.key, collection).sortKey);
  return { sortKeys, coveredTo: outcome.coveredTo };
}
