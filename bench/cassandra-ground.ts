/**
 * A keyspace on the cluster of three nodes, made for one run: a shard's tables, its slots claimed, the products in one of them.
 * It must not measure anything.
 */
import { randomBytes } from "node:crypto";
import { parseConfig } from "../config/config.ts";
import type { CollectionName, ShardId, SlotId } from "../router/ids.ts";
import { type Placement, slotsOf, sortKeyOf } from "../router/slot.ts";
import { openSession } from "../shards/cassandra/driver-session.ts";
import { keyspaceOf } from "../shards/cassandra/names.ts";
import { applySchema } from "../shards/cassandra/schema-apply.ts";
import { type CassandraSettings, readCassandraSettings } from "../shards/cassandra/settings.ts";
import { createCassandraStore } from "../shards/store/cassandra-store.ts";
import type { Store, Write } from "../shards/store/port.ts";
import { cassandraConfigText, PLAIN_COLLECTION, SHARD_ID, WRITTEN_COLLECTION } from "./bench-config.ts";
import type { ClusterAddress } from "./database-servers.ts";
import type { DriverPlace } from "./driver-plan.ts";
import { loadProducts, type Product } from "./products.ts";
import { bySlot, canonicalKey, PLACEMENT } from "./spread.ts";

const DOCUMENT_BYTES_MAX = 256 * 1024;
/** Slots that are filled at once. */
const FILLERS = 8;
/** A change of the schema is waited for by all nodes, which may just have started. */
const SCHEMA_MS_MAX = 60_000;

/** What the benches share. Nobody writes to `filled`, so its rows stay as they are. */
export interface CassandraGround {
  readonly place: DriverPlace;
  /** All of them lie in `filled`. */
  readonly products: readonly Product[];
  readonly filled: CollectionName;
  /** For whatever is written. */
  readonly written: CollectionName;
  /** The store as one worker of a shard has it. */
  readonly store: Store;
  /** Text of a zgate.toml whose shard listens on `port` and has its data here. */
  readonly configText: (port: number) => string;
  /** Drops the keyspace. */
  close(): Promise<void>;
}

/** Makes the keyspace and fills it. */
export async function openCassandraGround(address: ClusterAddress): Promise<CassandraGround> {
  const keyspacePrefix = `bench${randomBytes(4).toString("hex")}_`;
  const configText = (port: number) => cassandraConfigText({ ...address, keyspacePrefix, port });
  const { settings, shard, collections } = partsOf(configText(1));
  const session = await openSession({ settings, keyspace: null, limits: { schemaMs: SCHEMA_MS_MAX } });
  const keyspace = keyspaceOf(keyspacePrefix, shard);
  const close = async (): Promise<void> => {
    await session.changeSchema(`DROP KEYSPACE IF EXISTS ${keyspace}`);
    await session.close();
  };
  try {
    await applySchema({ session, settings, shard, collections });
    const store = await createCassandraStore({ session, keyspace, shard, collections, log: () => undefined });
    const [filled, written] = [nameIn(collections, PLAIN_COLLECTION), nameIn(collections, WRITTEN_COLLECTION)];
    const products = loadProducts();
    for (const { name } of collections) await store.claimFirst(name, slotsOf(PLACEMENT));
    await fill(store, filled, products);
    return { place: { ...address, keyspace }, products, filled, written, store, configText, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Parts {
  readonly settings: CassandraSettings;
  readonly shard: ShardId;
  readonly collections: readonly { readonly name: CollectionName; readonly placement: Placement }[];
}

/** What a shard would make of its configuration. */
function partsOf(text: string): Parts {
  const { shards, collections } = parseConfig(text, "the bench's configuration");
  const shard = shards.get(SHARD_ID);
  if (shard === undefined || shard.store.kind !== "cassandra") throw new Error("the bench's shard has no such store");
  return {
    settings: readCassandraSettings(shard.store, process.env),
    shard: shard.id,
    collections: [...collections.values()].map(({ name, placement }) => ({ name, placement })),
  };
}

function nameIn(collections: Parts["collections"], wanted: string): CollectionName {
  const found = collections.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`the bench's configuration lacks the collection "${wanted}"`);
  return found.name;
}

/** Slot by slot, each as one commit. */
async function fill(store: Store, collection: CollectionName, products: readonly Product[]): Promise<void> {
  const waiting = bySlot(products).entries();
  const work = async (): Promise<void> => {
    for (const [slot, ofSlot] of waiting) {
      const outcomes = await store.commit(ofSlot.map((product) => writeOf(collection, slot, product)));
      const isStored = outcomes.every((outcome) => outcome.kind === "verdict" && outcome.verdict.kind === "created");
      if (!isStored) throw new Error(`the products of slot "${slot}" could not be stored`);
    }
  };
  await Promise.all(Array.from({ length: FILLERS }, work));
}

function writeOf(collection: CollectionName, slot: SlotId, product: Product): Write {
  const key = canonicalKey(product.key);
  return {
    address: { collection, slot, key, sortKey: sortKeyOf(PLACEMENT, key) },
    op: crypto.randomUUID(),
    atMs: Date.now(),
    change: { kind: "put", json: product.json },
    preconditions: { ifMatch: null, ifNoneMatch: null },
    idempotency: null,
    documentBytesMax: DOCUMENT_BYTES_MAX,
  };
}
