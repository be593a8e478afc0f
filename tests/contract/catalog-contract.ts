/**
 * The contract of the catalog port: every implementation runs all of it, unchanged.
 * It must not assume anything of an implementation that port.ts does not promise.
 */
import { describe, expect, it } from "vitest";
import type { MapVersion } from "../../router/ids.ts";
import { CatalogError } from "../../shards/catalog/port.ts";
import {
  author,
  CARTS,
  inCatalog,
  inCreated,
  mapOf,
  moveOf,
  type OpenCatalog,
  PRODUCTS,
  SHARD_1,
  SHARD_2,
} from "./catalog-fixture.ts";
import { describeMovesContract } from "./catalog-moves-contract.ts";

/** Runs the contract on the catalog that `openCatalog` makes. */
export function describeCatalogContract(name: string, openCatalog: OpenCatalog): void {
  describe(`catalog contract: ${name}`, () => {
    describeCreate(openCatalog);

    describePublish(openCatalog);

    describeRivals(openCatalog);

    describeHistory(openCatalog);

    describeMovesContract(openCatalog);

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
        expect(await catalog.audit(PRODUCTS, { limit: 10 })).toHaveLength(1);
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
        expect(await catalog.audit(PRODUCTS, { limit: 10 })).toHaveLength(3);
      }),
    );

    it(
      "needs a collection that was created",
      inCatalog(openCatalog, async (catalog) => {
        await expect(catalog.publish(mapOf(2), author())).rejects.toThrow(CatalogError);
        await expect(catalog.publish({ ...mapOf(3), parent: 1 }, author())).rejects.toThrow(CatalogError);
      }),
    );
  });
}

function describeRivals(openCatalog: OpenCatalog): void {
  describe("publish, by rivals", () => {
    it(
      "stays a conflict for whoever lost, however often it is repeated",
      inCreated(openCatalog, async (catalog) => {
        const loser = author();
        await catalog.publish(mapOf(2, "t"), author());
        for (const _ of [1, 2]) {
          expect(await catalog.publish(mapOf(2, "k"), loser)).toEqual({ kind: "conflict", current: mapOf(2, "t") });
        }
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

function describeHistory(openCatalog: OpenCatalog): void {
  describe("versions", () => {
    it(
      "tell who published what and when, newest first, page by page",
      inCatalog(openCatalog, async (catalog) => {
        expect(await catalog.versions(PRODUCTS, { limit: 10 })).toEqual([]);
        await catalog.create(mapOf(1), author("ann", 1000));
        await catalog.create(mapOf(1, "k", CARTS), author());
        for (const version of [2, 3, 4, 5]) await catalog.publish(mapOf(version, "t"), author("bob", version * 1000));
        const newest = await catalog.versions(PRODUCTS, { limit: 2 });
        expect(newest).toEqual([
          { map: mapOf(5, "t"), actor: "bob", atMs: 5000 },
          { map: mapOf(4, "t"), actor: "bob", atMs: 4000 },
        ]);
        const older = await catalog.versions(PRODUCTS, { limit: 10, before: 4 as MapVersion });
        expect(older.map(({ map }) => map.version)).toEqual([3, 2, 1]);
        expect(older.at(-1)).toEqual({ map: mapOf(1), actor: "ann", atMs: 1000 });
        expect(await catalog.versions(PRODUCTS, { limit: 10, before: 1 as MapVersion })).toEqual([]);
      }),
    );
  });
}

function describeAudit(openCatalog: OpenCatalog): void {
  describe("audit", () => {
    it(
      "tells who published and moved what and when, latest first, for one collection",
      inCatalog(openCatalog, async (catalog) => {
        await catalog.create(mapOf(1), author("ann", 1000));
        await catalog.create(mapOf(1, "m", CARTS), author("eve", 1500));
        await catalog.publish(mapOf(2, "t"), author("bob", 2000));
        const move = { ...moveOf("a", "c"), parent: 2 as MapVersion };
        await catalog.createMove(move, author("cy", 3000));
        await catalog.updateMove(move.id, { expectedRevision: 1, state: "done" }, author("shard-2", 4000));
        const trail = await catalog.audit(PRODUCTS, { limit: 10 });
        expect(trail.map(({ position: _, ...entry }) => entry)).toEqual([
          { atMs: 4000, actor: "shard-2", action: "move-done", collection: PRODUCTS, version: null, move: move.id },
          { atMs: 3000, actor: "cy", action: "move-created", collection: PRODUCTS, version: null, move: move.id },
          { atMs: 2000, actor: "bob", action: "publish", collection: PRODUCTS, version: 2, move: null },
          { atMs: 1000, actor: "ann", action: "create", collection: PRODUCTS, version: 1, move: null },
        ]);
      }),
    );

    it(
      "keeps the order of what happened at the same time, or by clocks that run backwards, page by page",
      inCatalog(openCatalog, async (catalog) => {
        await catalog.create(mapOf(1), author("ann", 5000));
        for (const version of [2, 3, 4, 5, 6]) await catalog.publish(mapOf(version), author("ann", 5000 - version));
        const all = await catalog.audit(PRODUCTS, { limit: 10 });
        expect(all.map((entry) => entry.version)).toEqual([6, 5, 4, 3, 2, 1]);
        const first = await catalog.audit(PRODUCTS, { limit: 4 });
        const before = first.at(-1)?.position ?? 0;
        const rest = await catalog.audit(PRODUCTS, { limit: 4, before });
        expect([...first, ...rest]).toEqual(all);
        expect(await catalog.audit(PRODUCTS, { limit: 4, before: rest.at(-1)?.position ?? 0 })).toEqual([]);
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
