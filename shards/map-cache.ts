/**
 * The newest map of each collection, kept for a moment: edges ask for it often, the catalog changes rarely.
 * It must not forget a map because the catalog is down.
 */
import type { CollectionName } from "../router/ids.ts";
import { isNewer, type ShardMap } from "../router/shard-map.ts";
import type { Catalog } from "./catalog/port.ts";
import type { Clock } from "./clock.ts";
import { describeError, type Logger } from "./log.ts";

/** How long an answer of the catalog is used, in milliseconds. */
const FRESH_MS = 1000;

/** Maps by collection. */
export interface MapCache {
  /** The newest known map; null when there is none, or none could be read yet. */
  current(collection: CollectionName): Promise<ShardMap | null>;
}

/** What the cache stands on. */
export interface MapCacheOptions {
  readonly catalog: Pick<Catalog, "current">;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Logger;
}

interface Entry {
  readonly map: Promise<ShardMap | null>;
  readonly readAtMs: number;
}

/** A cache that asks the catalog once a second at most, in one flight per collection. */
export function createMapCache(options: MapCacheOptions): MapCache {
  const entries = new Map<CollectionName, Entry>();
  const read = async (collection: CollectionName, before: Entry | undefined): Promise<ShardMap | null> => {
    const known = (await before?.map) ?? null;
    try {
      const map = await options.catalog.current(collection);
      return map !== null && isNewer(map, known) ? map : known;
    } catch (error) {
      options.log("warn", "catalog-silent", { collection, ...describeError(error) });
      return known;
    }
  };
  return {
    current(collection) {
      const entry = entries.get(collection);
      const nowMs = options.clock.nowMs();
      if (entry !== undefined && Math.abs(nowMs - entry.readAtMs) < FRESH_MS) return entry.map;
      const map = read(collection, entry);
      entries.set(collection, { map, readAtMs: nowMs });
      return map;
    },
  };
}
