/**
 * What the chapter on moves shares: slots with all kinds of rows, whole slots page by page, and both sides of a move.
 * It must not know which store it is, nor contain an expectation.
 */
import type { CanonicalKey, ShardId, SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import { type Placement, slotOf, sortKeyOf } from "../../router/slot.ts";
import { type OwnershipEvent, transition } from "../../router/slot-transition.ts";
import { compareCodePoints } from "../../router/text.ts";
import type { RowAddress, SlotAddress, Store, StoreCollection } from "../../shards/store/port.ts";
import type { SlotNamesPage, SlotPageRequest, SlotRow, SlotRowName, StoredName } from "../../shards/store/transfer.ts";
import { addressOf, type OpenStore, PRODUCTS, type StoreHarness } from "./store-fixture.ts";

/** The other side of moves in these tests. */
const OTHER = "shard-2" as ShardId;
/** The move, its pinned epoch, and its runs: of the copy and of what comes after the fence. */
export const MOVE = { move: "move-1", epoch: 2 };
export const RUN = "run-1";
export const NEXT_RUN = "run-2";

/** Bounds that one page of a test's slot stays within. */
export const WIDE = { rowsMax: 10_000, bytesMax: 64 * 1024 * 1024 };

/** A document, for fills. */
export function documentRow(key: string, json = "1", op = `op of ${key}`): SlotRow {
  return { kind: "document", key: key as CanonicalKey, op, atMs: 1_700_000_000_000, json };
}

export function tombstoneRow(key: string, op = `end of ${key}`): SlotRow {
  return { kind: "tombstone", key: key as CanonicalKey, op, atMs: 1_700_000_000_001 };
}

export function recordRow(id: string): SlotRow {
  return { kind: "record", id, fingerprint: "same request", verdict: { kind: "absent" }, atMs: 1_700_000_000_002 };
}

/** Puts an event's change into the slot's columns. Throws where the protocol refuses it. */
export async function send(store: Store, { collection, slot }: SlotAddress, event: OwnershipEvent): Promise<Ownership> {
  const seen = await store.ownership({ collection, slot });
  const outcome = transition(seen, event);
  if (outcome.kind !== "change")
    throw new Error(`${event.kind}: ${JSON.stringify(outcome)} of ${JSON.stringify(seen)}`);
  const { applied, current } = await store.setOwnership({ collection, slot }, seen, outcome.next);
  if (!applied) throw new Error("the slot changed meanwhile");
  return current;
}

/** Begins the move at its destination, from whatever is there. */
export async function begin(store: Store, address: SlotAddress, { move, epoch } = MOVE): Promise<Ownership> {
  const { epoch: seenEpoch } = await store.ownership(address);
  return send(store, address, { kind: "begin", move, epoch, run: RUN, seenEpoch, source: OTHER });
}

/** All rows of a slot, page by page. `bounds` are each page's. */
export async function rowsOf(
  store: Store,
  { collection, slot }: SlotAddress,
  bounds: Pick<SlotPageRequest, "rowsMax" | "bytesMax"> = WIDE,
): Promise<readonly SlotRow[]> {
  const rows: SlotRow[] = [];
  let after: SlotPageRequest["after"] = null;
  for (let pages = 0; pages < 10_000; pages += 1) {
    const page = await store.slotPage({ address: { collection, slot }, after, ...bounds });
    rows.push(...page.rows);
    if (page.next === null) return rows;
    after = page.next;
  }
  throw new Error("a slot without an end");
}

/** All names of a slot, page by page. */
export async function namesOf(store: Store, { collection, slot }: SlotAddress): Promise<readonly StoredName[]> {
  const names: StoredName[] = [];
  let after: SlotRowName | null = null;
  for (let pages = 0; pages < 10_000; pages += 1) {
    const page: SlotNamesPage = await store.slotNames({ collection, slot }, after);
    names.push(...page.names);
    if (page.next === null) return names;
    after = page.next;
  }
  throw new Error("a slot without an end");
}

/** Rows as a slot gives them: keys before records, each by code points. */
export function inOrder(rows: readonly SlotRow[]): readonly SlotRow[] {
  const nameIn = (row: SlotRow): string => (row.kind === "record" ? row.id : row.key);
  const rank = (row: SlotRow): number => Number(row.kind === "record");
  return rows.toSorted((left, right) => rank(left) - rank(right) || compareCodePoints(nameIn(left), nameIn(right)));
}

/** The slot of a key, alone: addresses of keys say more than a slot's. */
export function slotAt({ collection, slot }: RowAddress): SlotAddress {
  return { collection, slot };
}

/** Keys that begin like `stem` and lie in `slot`, as many as asked for. */
export function keysIn(placement: Placement, slot: SlotId, { stem, count }: { stem: string; count: number }) {
  const keys: string[] = [];
  for (let index = 0; keys.length < count; index += 1) {
    if (index > 100_000) throw new Error(`no keys "${stem}-…" lie in slot "${slot}"`);
    const key = `${stem}-${index}` as CanonicalKey;
    if (slotOf(placement, key) === slot) keys.push(key);
  }
  return keys.toSorted((left, right) =>
    compareCodePoints(sortKeyOf(placement, left as CanonicalKey), sortKeyOf(placement, right as CanonicalKey)),
  );
}

/** The slot of most tests. */
export const LAMP = slotAt(addressOf("lamp"));

/** The body of a test with a store that holds nothing but the slot of LAMP, which it receives. */
export function received(openStore: OpenStore, body: (store: Store, harness: StoreHarness) => Promise<void>) {
  return async () => {
    const harness = await openStore([PRODUCTS]);
    try {
      const store = await harness.open();
      await begin(store, LAMP);
      await body(store, harness);
    } finally {
      await harness.dispose();
    }
  };
}

/** Two stores of the same collections: a source that owns every slot that is asked for, and a destination that owns none. */
export function twoStores(
  openStore: OpenStore,
  collections: readonly StoreCollection[],
  body: (source: Store, destination: Store) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const from = await openStore(collections);
    const to = await openStore(collections);
    try {
      await body(await from.open(), await to.open());
    } finally {
      await Promise.all([from.dispose(), to.dispose()]);
    }
  };
}

/** Copies a slot as it is, under `run`: what the source has not is removed. */
export async function copySlot(
  { source, destination }: { readonly source: Store; readonly destination: Store },
  address: SlotAddress,
  { run, rowsMax }: { readonly run: string; readonly rowsMax: number },
): Promise<void> {
  const wanted = await rowsOf(source, address, { ...WIDE, rowsMax });
  const nameIn = (row: SlotRow) =>
    row.kind === "record" ? { of: "record" as const, name: row.id } : { of: "key" as const, name: row.key as string };
  const names = new Set(wanted.map((row) => JSON.stringify(nameIn(row))));
  const remove = (await rowsOf(destination, address)).map(nameIn).filter((name) => !names.has(JSON.stringify(name)));
  const outcome = await destination.fillSlot({ address, run, put: wanted, remove });
  if (outcome.kind !== "applied") throw new Error(`refused: ${JSON.stringify(outcome.ownership)}`);
}

/** Moves a slot from one store to the other, by the protocol's statements in their order. */
export async function moveSlot(
  stores: { readonly source: Store; readonly destination: Store },
  address: SlotAddress,
  { move, epoch } = MOVE,
): Promise<void> {
  const { source, destination } = stores;
  await begin(destination, address, { move, epoch });
  await copySlot(stores, address, { run: RUN, rowsMax: 3 });
  await send(destination, address, { kind: "take-over", move, epoch, run: NEXT_RUN, previousRun: RUN });
  await send(source, address, { kind: "fence", move, epoch, destination: OTHER });
  await copySlot(stores, address, { run: NEXT_RUN, rowsMax: 3 });
  await send(destination, address, { kind: "seal", move, epoch, run: NEXT_RUN, digest: "equal" });
  await send(source, address, { kind: "go", move, epoch });
  await send(destination, address, { kind: "decide", move, epoch, run: NEXT_RUN, digest: "equal" });
}
