/**
 * Store contract: lists over a prefix whose stripes lie in two stores, as while a move takes one after the other. Every document once
 * and in order, whichever of the two shards is asked.
 * It must not know how a store lists.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ShardId } from "../../router/ids.ts";
import { type Placement, slotsOfPrefix } from "../../router/slot.ts";
import { compareCodePoints } from "../../router/text.ts";
import { listStripes } from "../../shards/http/divided-prefix.ts";
import { NO_COURTESY } from "../../shards/mover/courtesy.ts";
import { streamSlot } from "../../shards/mover/slot-stream.ts";
import type { ListRequest, SlotAddress, Store } from "../../shards/store/port.ts";
import { SEED } from "../unit/seed.ts";
import { claim, collection, listOf, type OpenStore, put, remove } from "./store-fixture.ts";
import { begin, keysIn, MOVE, moveSlot, send, twoStores } from "./transfer-fixture.ts";

/** The prefix that is divided, and how many keys each of its stripes has. */
const CASES = [
  { kind: "range", prefix: "la", stem: "lamp" },
  { kind: "hash", prefix: "a7", stem: "lamp" },
] as const;
const KEYS_PER_STRIPE = 7;
const RUNS = 12;

/** The chapter, on pairs of stores that `openStore` makes. */
export function describeDividedPrefixes(openStore: OpenStore): void {
  describe.each(CASES)("a divided prefix of a $kind collection", (one) => {
    describeLists(divide(openStore, one));
  });
}

type Case = (typeof CASES)[number];

/** Documents, one of them deleted since, in all stripes of one prefix. `body` runs a test where the source owns them. */
function divide(openStore: OpenStore, { kind, prefix, stem }: Case) {
  const placement: Placement = { kind, stripes: 3 };
  const striped = collection("striped", placement);
  const stripes = slotsOfPrefix(placement, prefix).map((slot) => ({ collection: striped.name, slot }));
  const keys = stripes.map(({ slot }) => keysIn(placement, slot, { stem, count: KEYS_PER_STRIPE }));
  const [deleted = "", ...kept] = keys.flat();
  const body = (run: (pair: Pair) => Promise<void>) =>
    twoStores(openStore, [striped], async (source, destination) => {
      await source.claimFirst(
        striped.name,
        stripes.map(({ slot }) => slot),
      );
      const write = (key: string) => put(key, `{"key":"${key}"}`, { collection: striped, claim: claim(key) });
      for (const ofOne of keys) await source.commit(ofOne.map(write));
      await source.commit([remove(deleted, { collection: striped })]);
      await run({ placement, source, destination });
    });
  const window = { collection: striped.name, from: prefix, to: upTo(kind, prefix) };
  return { body, stripes, window, inOrder: kept.sort(compareCodePoints), before: kind === "hash" ? prefix : "" };
}

function describeLists({ body, stripes, window, inOrder, before }: ReturnType<typeof divide>): void {
  it(
    "is listed whole by either shard, in pages of any size, wherever they begin",
    body(async (pair) => {
      await moveSlot(pair, stripeAt(stripes, 1));
      for (const asked of ["source", "destination"] as const) {
        expect(await listAll(pair, asked, { ...window, limit: 1000 })).toEqual(inOrder);
        const bounds = fc.record({
          limit: fc.integer({ min: 1, max: 9 }),
          first: fc.nat({ max: inOrder.length - 1 }),
          bytesMax: fc.constantFrom(1, 60, 100_000),
        });
        await fc.assert(
          fc.asyncProperty(bounds, async ({ limit, first, bytesMax }) => {
            const from = `${before}${inOrder[first]}`;
            const found = await listAll(pair, asked, { ...window, from, limit, bytesMax });
            expect(found).toEqual(inOrder.slice(first));
          }),
          { seed: SEED, numRuns: RUNS },
        );
      }
    }),
  );

  it(
    "ends a page that goes on behind it where it ends, and takes the rest in one go",
    body(async (pair) => {
      await moveSlot(pair, stripeAt(stripes, 0));
      const page = await ask(pair, "source", { ...window, to: null, limit: 1000 });
      expect(page).toMatchObject({ kind: "page", coveredTo: window.to });
    }),
  );

  it(
    "is nobody's while one stripe is on its way",
    body(async (pair) => {
      const { destination } = pair;
      const [moved, onItsWay] = [stripeAt(stripes, 0), stripeAt(stripes, 2)];
      await moveSlot(pair, moved);
      await begin(destination, onItsWay);
      expect(await listAll(pair, "destination", { ...window, limit: 1000 })).toEqual(inOrder);
      await send(pair.source, onItsWay, { kind: "fence", ...MOVE, destination: "shard-2" as ShardId });
      expect(await listAll(pair, "destination", { ...window, limit: 1000 })).toEqual(inOrder);
      // Out of order, as a lost store would have it: nobody may show it.
      const { to, ...columns } = await pair.source.ownership(onItsWay);
      await pair.source.setOwnership(onItsWay, { ...columns, to }, { ...columns, to, state: "GONE" });
      for (const asked of ["source", "destination"] as const) {
        expect(await ask(pair, asked, { ...window, limit: 1000 })).toMatchObject({
          kind: "not-owned",
          slot: onItsWay.slot,
        });
      }
    }),
  );

  it(
    "is the other shard's when it has all stripes",
    body(async (pair) => {
      for (const stripe of stripes) await moveSlot(pair, stripe);
      expect(await ask(pair, "source", { ...window, limit: 1000 })).toMatchObject({
        kind: "not-owned",
        slot: stripes[0]?.slot,
        ownership: { state: "GONE" },
      });
      expect(await listAll(pair, "destination", { ...window, limit: 1000 })).toEqual(inOrder);
    }),
  );
}

interface Pair {
  readonly placement: Placement;
  readonly source: Store;
  readonly destination: Store;
}

type Asked = "source" | "destination";

function upTo(kind: Placement["kind"], prefix: string): string {
  return kind === "range" ? "lb" : `${prefix.slice(0, -1)}8`;
}

function stripeAt<Stripe>(stripes: readonly Stripe[], index: number): Stripe {
  const stripe = stripes[index];
  if (stripe === undefined) throw new Error(`no stripe ${index}`);
  return stripe;
}

function ask({ placement, ...stores }: Pair, asked: Asked, request: Partial<ListRequest>) {
  const other = stores[asked === "source" ? "destination" : "source"];
  const peers = {
    rowsAfter: (_: ShardId, address: SlotAddress, after: string | null) =>
      streamSlot(other, {
        address,
        from: after === null ? null : { of: "key", name: after },
        seen: null,
        courtesy: NO_COURTESY,
      }),
  };
  return listStripes({ store: stores[asked], peers, log: () => undefined }, placement, listOf(request));
}

/** Keys, page by page. */
async function listAll(pair: Pair, asked: Asked, request: Partial<ListRequest>): Promise<readonly string[]> {
  const keys: string[] = [];
  let from: string | null = request.from ?? "";
  while (from !== null) {
    const page = await ask(pair, asked, { ...request, from });
    if (page.kind !== "page")
      throw new Error(`${asked} does not show "${page.slot}": ${JSON.stringify(page.ownership)}`);
    if (page.coveredTo !== null && compareCodePoints(page.coveredTo, from) <= 0)
      throw new Error("a page covers nothing");
    keys.push(...page.rows.map(({ key }) => key));
    from = page.coveredTo;
  }
  return keys;
}
