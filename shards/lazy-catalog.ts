/**
 * The catalog as a shard uses it: opened when it is first asked, and again after it could not be opened. So that a
 * catalog that is down when a process starts is no more than one that goes down later.
 * It must not hide that a question failed.
 */
import type { Catalog } from "./catalog/port.ts";

/** What a shard asks of the catalog. All methods reject with `CatalogError` only. */
export type ShardCatalog = Pick<
  Catalog,
  | "current"
  | "version"
  | "hasClaimed"
  | "recordClaim"
  | "publish"
  | "move"
  | "moves"
  | "updateMove"
  | "acquireLease"
  | "releaseLease"
  | "close"
>;

/** A catalog that `open` gives when it is needed. */
export function createLazyCatalog(open: () => Promise<Catalog>): ShardCatalog {
  let opened: Promise<Catalog> | null = null;
  const opening = (): Promise<Catalog> => {
    if (opened !== null) return opened;
    const attempt = open();
    opened = attempt;
    attempt.catch(() => {
      opened = null;
    });
    return attempt;
  };
  return {
    current: async (collection) => (await opening()).current(collection),
    version: async (collection, version) => (await opening()).version(collection, version),
    hasClaimed: async (collection, shard) => (await opening()).hasClaimed(collection, shard),
    recordClaim: async (collection, shard, author) => (await opening()).recordClaim(collection, shard, author),
    publish: async (map, author) => (await opening()).publish(map, author),
    move: async (id) => (await opening()).move(id),
    moves: async (collection, page) => (await opening()).moves(collection, page),
    updateMove: async (id, change, author) => (await opening()).updateMove(id, change, author),
    acquireLease: async (name, request) => (await opening()).acquireLease(name, request),
    releaseLease: async (name, holder) => (await opening()).releaseLease(name, holder),
    close: async () => {
      const catalog = await opened?.catch(() => null);
      await catalog?.close();
    },
  };
}
