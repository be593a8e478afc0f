// Lists on Cassandra beyond the contract: slots that change hands between two reads of a page, tombstones, bounds, and a naive model.
// Must not repeat the contract.
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SlotId } from "../../router/ids.ts";
import type { OwnState } from "../../router/ownership.ts";
import { type Placement, prefixesOf, slotsOf, slotsOfPrefix, sortKeyOf } from "../../router/slot.ts";
import { compareCodePoints } from "../../router/text.ts";
import { LIST_BUDGET, type ListSource, listCassandra } from "../../shards/store/cassandra-list.ts";
import { TableStatements } from "../../shards/store/cassandra-statements.ts";
import type { ListOutcome, ListRequest } from "../../shards/store/port.ts";
import { type ModelPage, modelPage } from "../contract/list-model.ts";
import { addressOf, collection, listOf, PRODUCTS, SHARD } from "../contract/store-fixture.ts";
import { SEED } from "../unit/seed.ts";
import { createKeyspacePool, type LentKeyspace } from "./cassandra-keyspaces.ts";
import { cleanUp, fill, forget, hold, interrupted, OWNED, type SlotTable } from "./cassandra-slots.ts";
import { describeOnEngines } from "./engines.ts";

const SIXTEEN = collection("sixteen", { kind: "range", stripes: 16 });
const HASHED = collection("hashed", { kind: "hash", stripes: 1 });
const COLLECTIONS = [PRODUCTS, SIXTEEN, HASHED];
const FINEST = collection("finest", { kind: "range", stripes: 256 });

/** As many rows as an answer may have: more of them in one slot take several reads. */
const ROWS_AT_ONCE_MAX = 64;

describeOnEngines("a list on Cassandra", ({ single }) => {
  const pool = createKeyspacePool({
    address: single,
    replicas: 1,
    shard: SHARD,
    collections: [...COLLECTIONS, FINEST],
  });
  let lent: LentKeyspace;

  beforeAll(async () => {
    lent = await pool.lend();
  });
  afterAll(() => pool.dispose());

  const tableOf = ({ name, placement }: typeof PRODUCTS): SlotTable => {
    const { table } = new TableStatements(lent.keyspace, name);
    return { session: lent.session, table, placement };
  };

  describeGivingAway(() => tableOf(PRODUCTS));
  describeOtherChanges(() => tableOf(PRODUCTS));
  describeStripes(() => tableOf(SIXTEEN));
  describeBounds(() => tableOf(PRODUCTS));
  describeBudget(
    () => tableOf(PRODUCTS),
    () => tableOf(FINEST),
  );
  describe.each(COLLECTIONS)("of a collection like $name", (one) => {
    describeModel(() => tableOf(one));
    describePages(() => tableOf(one));
  });
});

/** From slot "la" to slot "lc", `lb` being read in several pieces. */
const WINDOW = { from: "la", to: "ld" };
const DENSE_KEYS = Array.from({ length: 150 }, (_, index) => `lb${String(index).padStart(3, "0")}`);
const ALL_KEYS = ["la1", ...DENSE_KEYS, "lc1"];

/** The list, with something happening before its second read. */
function listWhile(to: SlotTable, happens: () => Promise<void>, part: Partial<ListRequest> = {}) {
  return listInterrupted(to, { ...WINDOW, ...part }, (read) => (read === 2 ? happens() : Promise.resolve()));
}

/** Owned slots with documents. */
async function ownedTable(tableOf: () => SlotTable): Promise<SlotTable> {
  const to = tableOf();
  await forget(to, slotsNamed("la", "lb", "lc"));
  await hold(to, slotsNamed("la", "lb", "lc"), OWNED);
  await fill(to, documentsOf(ALL_KEYS));
  return to;
}

function describeGivingAway(tableOf: () => SlotTable): void {
  describe("while slots are given away", () => {
    let to: SlotTable;
    beforeEach(async () => {
      to = await ownedTable(tableOf);
    });

    it("gives everything when nothing happens", async () => {
      expect(keysOf(await listWhile(to, () => Promise.resolve()))).toEqual({ keys: ALL_KEYS, coveredTo: null });
    });

    it("ends before a slot that is given away while it is being read", async () => {
      const page = await listWhile(to, () => hold(to, slotsNamed("lb"), { state: "GONE", epoch: 2 }));
      expect(keysOf(page)).toEqual({ keys: ["la1"], coveredTo: "lb" });
    });

    it("ends before a slot that is given away and cleaned up while it is being read", async () => {
      const page = await listWhile(to, async () => {
        await hold(to, slotsNamed("lb"), { state: "GONE", epoch: 2 });
        await cleanUp(to, slot("lb"));
      });
      expect(keysOf(page)).toEqual({ keys: ["la1"], coveredTo: "lb" });
    });

    it("is refused when its first slot is given away while it is being read", async () => {
      const page = await listWhile(to, () => hold(to, slotsNamed("lb"), { state: "GONE", epoch: 2 }), { from: "lb" });
      expect(page).toMatchObject({ kind: "not-owned", slot: "lb", ownership: { state: "GONE", epoch: 2 } });
    });

    it("ends before a slot that is given away before it is read", async () => {
      const page = await listWhile(to, () => hold(to, slotsNamed("lc"), { state: "GONE", epoch: 2 }));
      expect(keysOf(page)).toEqual({ keys: ALL_KEYS.slice(0, -1), coveredTo: "lc" });
    });

    it("keeps what it has read of a slot that is given away afterwards", async () => {
      const page = await listWhile(to, async () => {
        await hold(to, slotsNamed("la"), { state: "GONE", epoch: 2 });
        await cleanUp(to, slot("la"));
      });
      expect(keysOf(page)).toEqual({ keys: ALL_KEYS, coveredTo: null });
    });
  });
}

function describeOtherChanges(tableOf: () => SlotTable): void {
  describe("while slots change in other ways", () => {
    let to: SlotTable;
    beforeEach(async () => {
      to = await ownedTable(tableOf);
    });

    it("reads on in a slot that is fenced while it is being read", async () => {
      const page = await listWhile(to, () => hold(to, slotsNamed("lb"), { state: "FENCED", epoch: 2 }));
      expect(keysOf(page)).toEqual({ keys: ALL_KEYS, coveredTo: null });
    });

    it("goes by what a slot is when it is read, not by what it was behind an answer that was cut", async () => {
      await hold(to, slotsNamed("lc"), { state: "RECEIVING", epoch: 2 });
      const page = await listWhile(to, () => hold(to, slotsNamed("lc"), { state: "OWNER", epoch: 2 }));
      expect(keysOf(page)).toEqual({ keys: ALL_KEYS, coveredTo: null });
    });

    it("gives the new rows of a slot that went away and came back while it was being read", async () => {
      const page = await listWhile(to, async () => {
        await hold(to, slotsNamed("lb"), { state: "OWNER", epoch: 3 });
        await fill(to, documentsOf(["lb149+"]));
      });
      expect(keysOf(page)).toEqual({ keys: [...ALL_KEYS.slice(0, -1), "lb149+", "lc1"], coveredTo: null });
    });

    it("ends at a slot that nobody ever held", async () => {
      await forget(to, slotsNamed("lb"));
      expect(keysOf(await listWhile(to, () => Promise.resolve()))).toEqual({ keys: ["la1"], coveredTo: "lb" });
    });
  });
}

function describeStripes(tableOf: () => SlotTable): void {
  it("drops the rows of a prefix one of whose stripes is given away while the others are read", async () => {
    const to = tableOf();
    const stripes = slotsOfPrefix(to.placement, "lb");
    await hold(to, [...slotsOfPrefix(to.placement, "la"), ...stripes], OWNED);
    await fill(to, documentsOf(["la1", ...DENSE_KEYS]));
    const last = stripes.slice(-1);
    const page = await listInterrupted(to, { from: "la", to: "lc" }, async (_, { parameters }) => {
      // Just before the read that comes to the last stripe; the first ones are through by then.
      if (JSON.stringify(parameters).includes(last[0] ?? "")) await hold(to, last, { state: "GONE", epoch: 2 });
    });
    expect(keysOf(page)).toEqual({ keys: ["la1"], coveredTo: "lb" });
    await forget(to, [...slotsOfPrefix(to.placement, "la"), ...stripes]);
  });
}

function describeBounds(tableOf: () => SlotTable): void {
  describe("is bounded", () => {
    it("gets over 10,000 tombstones before the first document, in one page", async () => {
      const to = tableOf();
      const names = Array.from({ length: 10_000 }, (_, index) => `ta${String(index).padStart(5, "0")}`);
      await hold(to, slotsNamed("ta", "tb"), OWNED);
      await fill(to, new Map([...names.map((name) => [name, null] as const), ["taz", "1"], ["tb1", "1"]]));
      const { session, counts } = interrupted(to.session, {});
      const page = await listCassandra(sourceOf({ ...to, session }), listOf({ from: "ta", to: "tc", limit: 1 }));
      expect(keysOf(page)).toEqual({ keys: ["taz"], coveredTo: "taz " });
      expect(counts.rowsAskedMax).toBeLessThanOrEqual(ROWS_AT_ONCE_MAX);
    });

    it("gives all of a slot before what lies behind it, though one answer has parts of both", async () => {
      const to = tableOf();
      const dense = Array.from({ length: 40 }, (_, index) => `mb${index + 10}`);
      const names = [..."acdefghijklmnop"].map((letter) => `m${letter}`);
      await hold(to, slotsNamed("mb", ...names), OWNED);
      await fill(to, documentsOf([...dense, ...names.map((name) => `${name}1`)]));
      const page = await listCassandra(sourceOf(to), listOf({ from: "ma", to: "mq", limit: 30 }));
      expect(keysOf(page)).toEqual({ keys: ["ma1", ...dense.slice(0, 29)], coveredTo: "mb38 " });
    });

    it("asks for no more rows than memory holds, however large they are and small they seemed", async () => {
      const to = tableOf();
      const large = JSON.stringify("x".repeat(256 * 1024 - 2));
      await hold(to, slotsNamed("ua", "ub"), OWNED);
      const small = Array.from({ length: 200 }, (_, index) => [`ua${index + 100}`, "1"] as const);
      const rest = Array.from({ length: 8 }, (_, index) => [`ub${index}`, large] as const);
      await fill(to, new Map([...small, ...rest]));
      const { session, counts } = interrupted(to.session, {});
      const source = sourceOf({ ...to, session });
      const page = await listCassandra(source, listOf({ from: "ua", to: "uc", limit: 1000 }));
      expect(keysOf(page)).toMatchObject({ keys: { length: 204 }, coveredTo: "ub3 " });
      expect(counts.rowsAskedMax).toBeLessThanOrEqual(ROWS_AT_ONCE_MAX);
    });

    it("learns how large the documents are, and asks for about a page of them", async () => {
      const to = tableOf();
      const large = JSON.stringify("x".repeat(200 * 1024));
      await hold(to, slotsNamed("va"), OWNED);
      await fill(to, new Map(Array.from({ length: 40 }, (_, index) => [`va${index + 10}`, large] as const)));
      const asked: number[] = [];
      const { session } = interrupted(to.session, {
        beforeRead: (_, { parameters }) => Promise.resolve(void asked.push(Number(parameters.at(-1)))),
      });
      const source = sourceOf({ ...to, session });
      for (let page = 0; page < 6; page += 1) await listCassandra(source, listOf({ from: "va", to: "vb" }));
      expect(asked.at(-1)).toBeLessThanOrEqual(10);
    });

    it("goes over all slots of an empty collection with a few requests", async () => {
      const to = tableOf();
      await hold(to, slotsOf(to.placement), OWNED);
      const { session, counts } = interrupted(to.session, {});
      const page = await listCassandra(sourceOf({ ...to, session }), listOf({ from: "w", to: null }));
      expect(keysOf(page)).toEqual({ keys: [], coveredTo: null });
      expect(counts.reads).toBeLessThanOrEqual(12);
    });
  });
}

function describeBudget(tableOf: () => SlotTable, finest: () => SlotTable): void {
  describe("ends where it has come to", () => {
    it("after so many requests, in the midst of a slot of tombstones, and goes on from there", async () => {
      const to = tableOf();
      const dead = Array.from({ length: 1_000 }, (_, index) => [`sa${index + 1000}`, null] as const);
      await hold(to, slotsNamed("sa"), OWNED);
      await fill(to, new Map([...dead, ["saz", "1"]]));
      const { pages, requestsMax } = await listInPages(to, { from: "sa", to: "sb" }, 4);
      expect(pages.length).toBeGreaterThan(3);
      expect(pages.flatMap(({ keys }) => keys)).toEqual(["saz"]);
      expect(requestsMax).toBe(4);
    });

    it("after its time", async () => {
      const to = tableOf();
      const dead = Array.from({ length: 300 }, (_, index) => [`ra${index + 1000}`, null] as const);
      await hold(to, slotsNamed("ra"), OWNED);
      await fill(to, new Map([["ra0", "1"], ...dead]));
      let nowMs = 0;
      const { session, counts } = interrupted(to.session, {
        beforeRead: () => Promise.resolve(void (nowMs += 1_000)),
      });
      const source = { ...sourceOf({ ...to, session }), clock: { nowMs: () => nowMs } };
      const page = await listCassandra(source, listOf({ from: "ra", to: "rb" }));
      expect(keysOf(page)).toMatchObject({ keys: ["ra0"], coveredTo: expect.stringMatching(/^ra1\d+ $/) });
      expect(counts.reads).toBe(2);
    });

    it("when all of 256 stripes full of tombstones have come forward, and not before", async () => {
      const to = finest();
      const dead = Array.from({ length: 3_000 }, (_, index) => [`qa${index + 1000}`, null] as const);
      await hold(to, slotsOfPrefix(to.placement, "qa"), OWNED);
      await fill(to, new Map([...dead, ["qa9", "1"], ["qaz", "1"]]));
      const { pages, requestsMax } = await listInPages(to, { from: "qa", to: "qb" }, 1);
      expect(pages.length).toBeGreaterThan(1);
      expect(pages.flatMap(({ keys }) => keys)).toEqual(["qa9", "qaz"]);
      expect(requestsMax).toBeLessThanOrEqual(256);
    });
  });
}

function describePages(tableOf: () => SlotTable): void {
  it("gives every document once, in order, over pages of one request each", async () => {
    const to = tableOf();
    const part = partOf(to.placement);
    await forget(to, part.slots);
    await hold(to, part.slots, OWNED);
    await fill(to, new Map(part.keys.map((key, index) => [key, index % 3 === 0 ? "1" : null])));
    const sortKeys = part.keys.filter((_, index) => index % 3 === 0).map((key) => sortKeyIn(to.placement, key));
    const bounds = { from: part.prefixes[0] ?? "", to: `${part.prefixes.at(-1)}\u{10ffff}` };
    for (const limit of [1, 7, 400]) {
      const { pages } = await listInPages(to, { ...bounds, limit }, 1);
      const found = pages.flatMap(({ keys }) => keys.map((key) => sortKeyIn(to.placement, key)));
      expect(found).toEqual(sortKeys.toSorted(compareCodePoints));
    }
    await forget(to, part.slots);
  });
}

/** All pages, each with so small a budget; every one has to come forward. */
async function listInPages(to: SlotTable, part: Partial<ListRequest>, requestsMax: number) {
  const pages: { readonly keys: readonly string[] }[] = [];
  let made = 0;
  for (let from: string | null = part.from ?? ""; from !== null; ) {
    const { session, counts } = interrupted(to.session, {});
    const source = { ...sourceOf({ ...to, session }), budget: { ...LIST_BUDGET, requestsMax } };
    const page = await listCassandra(source, listOf({ ...part, from }));
    if (page.kind !== "page") throw new Error(`refused: ${page.slot}`);
    if (page.coveredTo !== null && compareCodePoints(page.coveredTo, from) <= 0) throw new Error("stands still");
    pages.push({ keys: page.rows.map(({ key }) => key) });
    made = Math.max(made, counts.reads);
    from = page.coveredTo;
  }
  return { pages, requestsMax: made };
}

/** What a random run puts into the table; `states`: of slots, by their number in the part. */
interface Content {
  readonly live: readonly number[];
  readonly deleted: readonly number[];
  readonly states: readonly (readonly [number, OwnState | "NEVER"])[];
}

const CLOSED: ReadonlySet<string> = new Set(["NEVER", "NONE", "GONE", "RECEIVING", "ABORTED"]);

function describeModel(tableOf: () => SlotTable): void {
  it("agrees with a naive model, whatever lies in the slots and whoever owns them", async () => {
    const to = tableOf();
    const part = partOf(to.placement);
    const property = fc.asyncProperty(contents(part), requests(part), async (content, parts) => {
      const closed = await store(to, part, content);
      const live = new Map(content.live.map((index) => [part.keys[index] ?? "", documentText(index)]));
      const sortKeys = [...live.keys()].map((key) => sortKeyIn(to.placement, key)).toSorted(compareCodePoints);
      const source = sourceOf(to);
      for (const request of parts.map((one) => listOf(one))) {
        const expected = modelOf({ placement: to.placement, sortKeys, closed }, request, live);
        expect(summaryOf(await listCassandra(source, request), to.placement)).toEqual(expected);
      }
    });
    await fc.assert(property, { seed: SEED, numRuns: 12 });
    await forget(to, part.slots);
  });
}

/** Three neighbouring prefixes, and keys in them: most in the middle one. */
interface CollectionPart {
  readonly prefixes: readonly string[];
  readonly slots: readonly SlotId[];
  readonly keys: readonly string[];
}

function partOf(placement: Placement): CollectionPart {
  const prefixes = placement.kind === "range" ? ["xa", "xb", "xc"] : ["01", "02", "03"];
  const slots = prefixes.flatMap((prefix) => slotsOfPrefix(placement, prefix));
  const candidates = Array.from({ length: placement.kind === "range" ? 300 : 60_000 }, (_, index) =>
    placement.kind === "range" ? `x${"abbbbbbc".charAt(index % 8)}${index % 7}${index}` : `k${index}`,
  );
  const keys = candidates.filter((key) => prefixes.some((prefix) => sortKeyIn(placement, key).startsWith(prefix)));
  return { prefixes, slots, keys };
}

function sortKeyIn(placement: Placement, key: string): string {
  return sortKeyOf(placement, addressOf(key).key);
}

/** Between 2 and 4,000 bytes, symbols of several bytes among them. */
function documentText(index: number): string {
  return JSON.stringify("ö".repeat((index * 37) % 2_000));
}

function contents({ keys, slots }: CollectionPart): fc.Arbitrary<Content> {
  const index = fc.nat({ max: keys.length - 1 });
  const state = fc.constantFrom("FENCED", ...CLOSED) as fc.Arbitrary<OwnState | "NEVER">;
  return fc
    .record({
      touched: fc.uniqueArray(index, { maxLength: keys.length, size: "max" }),
      liveShare: fc.integer({ min: 1, max: 4 }),
      states: fc.array(fc.tuple(fc.nat({ max: slots.length - 1 }), state), { maxLength: 2 }),
    })
    .map(({ touched, liveShare, states }) => ({
      live: touched.filter((_, position) => position % 4 < liveShare),
      deleted: touched.filter((_, position) => position % 4 >= liveShare),
      states,
    }));
}

function requests({ prefixes, keys }: CollectionPart): fc.Arbitrary<readonly Partial<ListRequest>[]> {
  const [first = "", second = ""] = prefixes;
  const from = fc.constantFrom(first, first, second, `${second}4`, ...keys.slice(0, 5));
  const to = fc.constantFrom(`${prefixes.at(-1)}\u{10ffff}`, `${prefixes.at(-1)}1`, second, `${second}55`);
  const limits = { limit: fc.integer({ min: 1, max: 400 }), bytesMax: fc.integer({ min: 1, max: 200_000 }) };
  const isOrdered = (part: { readonly from: string; readonly to: string }): boolean =>
    prefixes.some((prefix) => part.from.startsWith(prefix));
  return fc.array(fc.record({ from, to, ...limits }).filter(isOrdered), { minLength: 6, maxLength: 6 });
}

/** Makes the slots what `content` says; those that are not readable afterwards. */
async function store(to: SlotTable, part: CollectionPart, content: Content): Promise<readonly SlotId[]> {
  const stateOf = new Map(content.states.map(([index, state]) => [part.slots[index], state]));
  await forget(to, part.slots);
  await hold(to, part.slots, OWNED);
  const live = content.live.map((index) => [part.keys[index] ?? "", documentText(index)] as const);
  const deleted = content.deleted.map((index) => [part.keys[index] ?? "", null] as const);
  await fill(to, new Map([...live, ...deleted]));
  for (const [slotId, state] of stateOf) {
    if (slotId === undefined) continue;
    await (state === "NEVER" ? forget(to, [slotId]) : hold(to, [slotId], { state, epoch: 2 }));
  }
  return part.slots.filter((one) => CLOSED.has(stateOf.get(one) ?? "OWNER"));
}

/** The model's page without limits, cut by both of them. */
function modelOf(
  state: Parameters<typeof modelPage>[0],
  request: ListRequest,
  live: ReadonlyMap<string, string>,
): ModelPage {
  const whole = modelPage(state, { ...request, limit: Number.MAX_SAFE_INTEGER });
  if ("refusedIn" in whole) return whole;
  const bytesOf = (sortKey: string): number => Buffer.byteLength(live.get(keyOf(state.placement, sortKey)) ?? "");
  let bytes = 0;
  const length = whole.sortKeys.findIndex((sortKey, index) => {
    const isCut = index === request.limit || bytes >= request.bytesMax;
    bytes += bytesOf(sortKey);
    return isCut;
  });
  if (length < 0) return whole;
  return { sortKeys: whole.sortKeys.slice(0, length), coveredTo: `${whole.sortKeys[length - 1]} ` };
}

function keyOf(placement: Placement, sortKey: string): string {
  return placement.kind === "range" ? sortKey : sortKey.slice(2);
}

function summaryOf(outcome: ListOutcome, placement: Placement): ModelPage {
  if (outcome.kind === "not-owned") {
    const prefix = prefixesOf(placement).findLast((one) => compareCodePoints(one, outcome.slot) <= 0);
    return { refusedIn: prefix ?? "" };
  }
  return { sortKeys: outcome.rows.map(({ key }) => sortKeyIn(placement, key)), coveredTo: outcome.coveredTo };
}

function sourceOf({ session, table, placement }: SlotTable): ListSource {
  const clock = { nowMs: () => 0 };
  return { session, table, placement, experience: new Map(), clock, budget: { ...LIST_BUDGET, requestsMax: 10_000 } };
}

function listInterrupted(
  to: SlotTable,
  part: Partial<ListRequest>,
  beforeRead: (read: number, statement: { readonly parameters: readonly unknown[] }) => Promise<void>,
): Promise<ListOutcome> {
  const { session } = interrupted(to.session, { beforeRead });
  return listCassandra(sourceOf({ ...to, session }), listOf(part));
}

function documentsOf(keys: readonly string[]): ReadonlyMap<string, string> {
  return new Map(keys.map((key) => [key, "1"]));
}

function slot(name: string): SlotId {
  return addressOf(name).slot;
}

function slotsNamed(...names: readonly string[]): readonly SlotId[] {
  return names.map(slot);
}

function keysOf(outcome: ListOutcome) {
  if (outcome.kind !== "page") return outcome;
  return { keys: outcome.rows.map(({ key }) => key), coveredTo: outcome.coveredTo };
}
