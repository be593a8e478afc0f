/**
 * What every test of a catalog needs: an empty one, maps, moves and authors.
 * It must not test anything.
 */
import { randomUUID } from "node:crypto";
import type { CollectionName, MapVersion, ShardId } from "../../router/ids.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import type { Author, Catalog, MoveIntent } from "../../shards/catalog/port.ts";

/** One empty catalog. `open` may be called again: another process' view of the same data. */
export interface CatalogHarness {
  open(): Promise<Catalog>;
  /** Closes what is open and removes the data. */
  dispose(): Promise<void>;
}

/** How an implementation makes an empty catalog for the contract. */
export type OpenCatalog = () => Promise<CatalogHarness>;

export const PRODUCTS = "products" as CollectionName;
export const CARTS = "carts" as CollectionName;
export const SHARD_1 = "shard-1" as ShardId;
export const SHARD_2 = "shard-2" as ShardId;

/** A map of that version; `cut` is where shard-2 begins. */
export function mapOf(version: number, cut = "m", collection: CollectionName = PRODUCTS): ShardMap {
  const ranges = [
    { start: "", end: cut, shard: SHARD_1 },
    { start: cut, end: null, shard: SHARD_2 },
  ];
  return { collection, version: version as MapVersion, parent: version - 1, ranges };
}

/** An author with a fresh writer token, as every attempt has one. */
export function author(actor = "ann", atMs = 1000): Author {
  return { actor, writer: randomUUID(), atMs };
}

/** A move of `[start, end)` from shard-1 to shard-2, planned from version 1. */
export function moveOf(start: string, end: string | null, collection: CollectionName = PRODUCTS): MoveIntent {
  const settings = { parallel: 4, rowsPerSecond: null, bytesPerSecond: null, retentionMs: 60_000 };
  const epochs = [{ slots: 40, epoch: 2 }];
  const parent = 1 as MapVersion;
  return { id: randomUUID(), collection, start, end, from: SHARD_1, to: SHARD_2, epochs, settings, parent };
}

type Body = (catalog: Catalog, harness: CatalogHarness) => Promise<void>;

/** The body of a test with an empty catalog, opened and removed around it. */
export function inCatalog(openCatalog: OpenCatalog, body: Body): () => Promise<void> {
  return async () => {
    const harness = await openCatalog();
    try {
      await body(await harness.open(), harness);
    } finally {
      await harness.dispose();
    }
  };
}

/** The same with version 1 of the map of products. */
export function inCreated(openCatalog: OpenCatalog, body: Body): () => Promise<void> {
  return inCatalog(openCatalog, async (catalog, harness) => {
    await catalog.create(mapOf(1), author());
    await body(catalog, harness);
  });
}
