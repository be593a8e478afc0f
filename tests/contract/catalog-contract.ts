/**
 * The contract of the catalog port: every implementation runs all of it, unchanged.
 * It must not assume anything of an implementation that port.ts does not promise.
 */
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { CollectionName, MapVersion, ShardId } from "../../router/ids.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import { type Author, type Catalog, CatalogError } from "../../shards/catalog/port.ts";

/** One empty catalog. `open` may be called again: another process' view of the same data. */
export interface CatalogHarness {
  open(): Promise<Catalog>;
  /** Closes what is open and removes the data. */
  dispose(): Promise<void>;
}

/** How an implementation makes an empty catalog for the contract. */
export type OpenCatalog = () => Promise<CatalogHarness>;

export const PRODUCTS = "products" as CollectionName;
const CARTS = "carts" as CollectionName;
const SHARD_1 = "shard-1" as ShardId;
const SHARD_2 = "shard-2" as ShardId;

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

type Body = (catalog: Catalog, harness: CatalogHarness) => Promise<void>;

/** The body of a test with an empty catalog, opened and removed around it. */
function inCatalog(openCatalog: OpenCatalog, body: Body): () => Promise<void> {
  return async () => {
    const harness = await openCatalog();
    try {
      await body(await harness.open(), harness);
    } finally {
      await harness.dispose();
    }
  };
}

/** Runs the contract on the catalog that `openCatalog` makes. */
export function describeCatalogContract(name: string, openCatalog: OpenCatalog): void {
  describe(`catalog contract: ${name}`, () => {
    describeCreate(openCatalog);

    describePublish(openCatalog);

    describeAudit(openCatalog);

    describeClaims(openCatalog);

    describeClosing(openCatalog);
  });
}

function describeCreate(openCatalog: OpenCatalog): void {
  describe("create", () => {
    it(
      "publishes version 1",
      inCatalog(openCatalog, async (catalog) => {
        expect(await catalog.current(PRODUCTS)).toBeNull();
        expect(await catalog.create(mapOf(1), author())).toEqual({ kind: "published" });
        expect(await catalog.current(PRODUCTS)).toEqual(mapOf(1));
        expect(await catalog.current(CARTS)).toBeNull();
      }),
    );

    it(
      "conflicts with a map that is there, and leaves it",
      inCatalog(openCatalog, async (catalog) => {
        await catalog.create(mapOf(1), author());
        expect(await catalog.create(mapOf(1, "t"), author())).toEqual({ kind: "conflict", current: mapOf(1) });
        expect(await catalog.current(PRODUCTS)).toEqual(mapOf(1));
        expect(await catalog.audit(PRODUCTS, 10)).toHaveLength(1);
      }),
    );

    it(
      "takes version 1 without a parent only",
      inCatalog(openCatalog, async (catalog) => {
        await expect(catalog.create(mapOf(2), author())).rejects.toThrow(CatalogError);
        expect(await catalog.current(PRODUCTS)).toBeNull();
      }),
    );
  });
}

function describePublish(openCatalog: OpenCatalog): void {
  describe("publish", () => {
    it(
      "makes a child of the current version the current one, and keeps its parent",
      inCatalog(openCatalog, async (catalog) => {
        await catalog.create(mapOf(1), author());
        expect(await catalog.publish(mapOf(2, "t"), author())).toEqual({ kind: "published" });
        expect(await catalog.current(PRODUCTS)).toEqual(mapOf(2, "t"));
        expect(await catalog.version(PRODUCTS, 1 as MapVersion)).toEqual(mapOf(1));
        expect(await catalog.version(PRODUCTS, 3 as MapVersion)).toBeNull();
      }),
    );

    it(
      "conflicts when the parent is no longer current",
      inCatalog(openCatalog, async (catalog) => {
        await catalog.create(mapOf(1), author());
        await catalog.publish(mapOf(2, "t"), author());
        expect(await catalog.publish(mapOf(2, "k"), author())).toEqual({ kind: "conflict", current: mapOf(2, "t") });
        expect(await catalog.publish(mapOf(4), author())).toEqual({ kind: "conflict", current: mapOf(2, "t") });
        expect(await catalog.version(PRODUCTS, 2 as MapVersion)).toEqual(mapOf(2, "t"));
      }),
    );

    it(
      "knows its own success when it is repeated, also after others have published",
      inCatalog(openCatalog, async (catalog) => {
        const [creator, publisher] = [author(), author("bob")];
        await catalog.create(mapOf(1), creator);
        expect(await catalog.create(mapOf(1), creator)).toEqual({ kind: "published" });
        await catalog.publish(mapOf(2, "t"), publisher);
        expect(await catalog.publish(mapOf(2, "t"), publisher)).toEqual({ kind: "published" });
        await catalog.publish(mapOf(3), author());
        expect(await catalog.publish(mapOf(2, "t"), publisher)).toEqual({ kind: "published" });
        expect(await catalog.current(PRODUCTS)).toEqual(mapOf(3));
        expect(await catalog.audit(PRODUCTS, 10)).toHaveLength(3);
      }),
    );

    it(
      "needs a collection that was created",
      inCatalog(openCatalog, async (catalog) => {
        await expect(catalog.publish(mapOf(2), author())).rejects.toThrow(CatalogError);
        await expect(catalog.publish({ ...mapOf(3), parent: 1 }, author())).rejects.toThrow(CatalogError);
      }),
    );

    it(
      "lets exactly one of several at once succeed",
      inCatalog(openCatalog, async (catalog, harness) => {
        const other = await harness.open();
        await catalog.create(mapOf(1), author());
        const cuts = ["b", "c", "d", "e", "f", "g", "h", "i"];
        const outcomes = await Promise.all(
          cuts.map((cut, index) => (index % 2 === 0 ? catalog : other).publish(mapOf(2, cut), author())),
        );
        const winner = cuts[outcomes.findIndex((outcome) => outcome.kind === "published")];
        expect(outcomes.filter((outcome) => outcome.kind === "published")).toHaveLength(1);
        expect(await other.current(PRODUCTS)).toEqual(mapOf(2, winner));
        for (const outcome of outcomes) {
          if (outcome.kind === "conflict") expect(outcome.current).toEqual(mapOf(2, winner));
        }
      }),
    );
  });
}

function describeAudit(openCatalog: OpenCatalog): void {
  describe("audit", () => {
    it(
      "tells who published what and when, latest first, at most as many as asked for",
      inCatalog(openCatalog, async (catalog) => {
        await catalog.create(mapOf(1), author("ann", 1000));
        await catalog.create(mapOf(1, "m", CARTS), author("eve", 1500));
        await catalog.publish(mapOf(2, "t"), author("bob", 2000));
        const create = { atMs: 1000, actor: "ann", action: "create", collection: PRODUCTS, version: 1 };
        const publish = { atMs: 2000, actor: "bob", action: "publish", collection: PRODUCTS, version: 2 };
        expect(await catalog.audit(PRODUCTS, 10)).toEqual([publish, create]);
        expect(await catalog.audit(PRODUCTS, 1)).toEqual([publish]);
      }),
    );
  });
}

function describeClaims(openCatalog: OpenCatalog): void {
  describe("claims", () => {
    it(
      "are recorded for ever, each for one shard of one collection",
      inCatalog(openCatalog, async (catalog, harness) => {
        expect(await catalog.hasClaimed(PRODUCTS, SHARD_1)).toBe(false);
        await catalog.recordClaim(PRODUCTS, SHARD_1, author());
        await catalog.recordClaim(PRODUCTS, SHARD_1, author());
        expect(await catalog.hasClaimed(PRODUCTS, SHARD_1)).toBe(true);
        expect(await catalog.hasClaimed(PRODUCTS, SHARD_2)).toBe(false);
        expect(await catalog.hasClaimed(CARTS, SHARD_1)).toBe(false);
        await catalog.close();
        const reopened = await harness.open();
        expect(await reopened.hasClaimed(PRODUCTS, SHARD_1)).toBe(true);
      }),
    );
  });
}

function describeClosing(openCatalog: OpenCatalog): void {
  describe("closing", () => {
    it(
      "keeps what was published, may be repeated, and makes later calls reject",
      inCatalog(openCatalog, async (catalog, harness) => {
        await catalog.create(mapOf(1), author());
        await catalog.close();
        await catalog.close();
        await expect(catalog.current(PRODUCTS)).rejects.toThrow(CatalogError);
        await expect(catalog.create(mapOf(1), author())).rejects.toThrow(CatalogError);
        const reopened = await harness.open();
        expect(await reopened.current(PRODUCTS)).toEqual(mapOf(1));
      }),
    );
  });
}
