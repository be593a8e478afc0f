/**
 * What the chapters of the store contract share: collections, addresses, writes, and a store that is opened for one test.
 * It must not know which store it is, nor contain an expectation.
 */
import { randomUUID } from "node:crypto";
import type { CanonicalKey, CollectionName, ShardId } from "../../router/ids.ts";
import type { Ownership, OwnState } from "../../router/ownership.ts";
import { type Placement, slotOf, slotsOf, sortKeyOf } from "../../router/slot.ts";
import type {
  Change,
  IdempotencyClaim,
  ListRequest,
  Row,
  RowAddress,
  SlotAddress,
  Store,
  StoreCollection,
  Write,
  WriteOutcome,
  WriteVerdict,
} from "../../shards/store/port.ts";

/** One empty database. `open` may be called again: another process' view of the same data. */
export interface StoreHarness {
  open(): Promise<Store>;
  /** Closes what is open and removes the data. */
  dispose(): Promise<void>;
}

/** How an implementation makes an empty database for the contract. */
export type OpenStore = (collections: readonly StoreCollection[]) => Promise<StoreHarness>;

export const PRODUCTS = collection("products", { kind: "range", stripes: 1 });
export const STRIPED = collection("striped", { kind: "range", stripes: 3 });
export const CARTS = collection("carts", { kind: "hash", stripes: 1 });
/** What `owned` is given where one collection is not enough. */
export const BOTH = [PRODUCTS, CARTS];

/** Whose stores these are. */
export const SHARD = "shard-1" as ShardId;

/** A collection of that name. */
export function collection(name: string, placement: Placement): StoreCollection {
  return { name: name as CollectionName, placement };
}

/** The body of a test with a store that owns every slot of `collections`, opened and removed around it. */
export function owned(
  openStore: OpenStore,
  body: (store: Store, harness: StoreHarness) => Promise<void>,
  collections: readonly StoreCollection[] = [PRODUCTS],
): () => Promise<void> {
  return async () => {
    const harness = await openStore(collections);
    try {
      const store = await harness.open();
      for (const { name, placement } of collections) await store.claimFirst(name, slotsOf(placement));
      await body(store, harness);
    } finally {
      await harness.dispose();
    }
  };
}

/** Where `key` lies. */
export function addressOf(key: string, { name, placement }: StoreCollection = PRODUCTS): RowAddress {
  const canonical = key as CanonicalKey;
  return {
    collection: name,
    slot: slotOf(placement, canonical),
    key: canonical,
    sortKey: sortKeyOf(placement, canonical),
  };
}

/** What a test may say of a write beyond its key and change. */
export interface WriteOptions extends Partial<Pick<Write, "op" | "atMs" | "documentBytesMax">> {
  readonly ifMatch?: "*" | readonly string[];
  readonly ifNoneMatch?: "*" | readonly string[];
  readonly claim?: IdempotencyClaim;
  readonly collection?: StoreCollection;
}

/** A write with a fresh op, unconditional unless `options` say otherwise. */
function writeOf(key: string, change: Change, options: WriteOptions = {}): Write {
  return {
    address: addressOf(key, options.collection),
    op: options.op ?? randomUUID(),
    atMs: options.atMs ?? 1_700_000_000_000,
    change,
    preconditions: { ifMatch: options.ifMatch ?? null, ifNoneMatch: options.ifNoneMatch ?? null },
    idempotency: options.claim ?? null,
    documentBytesMax: options.documentBytesMax ?? 256 * 1024,
  };
}

export function put(key: string, json: string, options: WriteOptions = {}): Write {
  return writeOf(key, { kind: "put", json }, options);
}

export function merge(key: string, patchJson: string, options: WriteOptions = {}): Write {
  return writeOf(key, { kind: "merge", patchJson }, options);
}

export function remove(key: string, options: WriteOptions = {}): Write {
  return writeOf(key, { kind: "delete" }, options);
}

/** A claim of that name. Equal fingerprints mean equal requests. */
export function claim(id: string, fingerprint = "same request"): IdempotencyClaim {
  return { id, fingerprint };
}

/** Commits one write. */
export async function commitOne(store: Store, write: Write): Promise<WriteOutcome> {
  const [outcome] = await store.commit([write]);
  if (outcome === undefined) throw new Error("commit gave no outcome");
  return outcome;
}

/** Commits one write whose slot is owned. */
export async function verdictOf(store: Store, write: Write): Promise<WriteVerdict> {
  const outcome = await commitOne(store, write);
  if (outcome.kind !== "verdict") throw new Error(`not owned: ${outcome.ownership.state}`);
  return outcome.verdict;
}

/** The row of a key whose slot is readable. */
export async function rowOf(store: Store, key: string, of: StoreCollection = PRODUCTS): Promise<Row | null> {
  const outcome = await store.read(addressOf(key, of));
  if (outcome.kind !== "row") throw new Error(`not owned: ${outcome.ownership.state}`);
  return outcome.row;
}

/** Those of `keys` that the store does not hold. */
export async function missingIn(store: Store, keys: readonly string[]): Promise<readonly string[]> {
  const rows = await Promise.all(keys.map((key) => rowOf(store, key)));
  return keys.filter((_, index) => rows[index] === null);
}

/** Brings a slot into `state`, one epoch higher, with every other column set. */
export async function force(store: Store, address: SlotAddress, state: OwnState): Promise<Ownership> {
  const { collection: name, slot } = address;
  const expected = await store.ownership({ collection: name, slot });
  const next = { ...movedOwnership(state), epoch: expected.epoch + 1 };
  const { applied, current } = await store.setOwnership({ collection: name, slot }, expected, next);
  if (!applied) throw new Error("the slot changed meanwhile");
  return current;
}

/** Ownership columns none of which is empty. */
export function movedOwnership(state: OwnState): Ownership {
  return { state, epoch: 7, move: "move-1", run: "run-1", to: "shard-2" as Ownership["to"], digest: "12:abc" };
}

/** A list request for everything, unless `part` says otherwise. */
export function listOf(part: Partial<ListRequest> = {}): ListRequest {
  return {
    collection: PRODUCTS.name,
    from: part.after === undefined || part.after === null ? "" : null,
    after: null,
    to: null,
    limit: 1000,
    bytesMax: 1024 * 1024,
    ...part,
  };
}
