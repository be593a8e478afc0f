/**
 * The newest map of each collection, kept for a moment: edges ask for it often, the catalog changes rarely.
 * It must not forget a map because the catalog is down, nor let those who ask wait for a catalog that is silent.
 */
import type { CollectionName } from "../router/ids.ts";
import { isNewer, type ShardMap } from "../router/shard-map.ts";
import type { Catalog } from "./catalog/port.ts";
import type { Clock } from "./clock.ts";
import { describeError, type Logger } from "./log.ts";

/** How long an answer of the catalog is used, in milliseconds. */
const FRESH_MS = 1000;
/** How long the catalog may take before the map that is known is given instead; longer where none is known. */
const WAIT_MS_MAX = 250;
const FIRST_WAIT_MS_MAX = 2000;

/** Maps by collection. */
export interface MapCache {
  /** The newest known map; null when there is none, or none could be read yet. */
  current(collection: CollectionName): Promise<ShardMap | null>;
}

/** What the cache stands on. */
export interface MapCacheOptions {
  readonly catalog: Pick<Catalog, "current">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is known of one collection, and the question to the catalog that is under way. */
interface Entry {
  map: ShardMap | null;
  askedAtMs: number;
  flight: Promise<ShardMap | null> | null;
}

/** A cache that asks the catalog once a second at most, in one flight per collection. */
export function createMapCache(options: MapCacheOptions): MapCache {
  const { catalog, clock, log } = options;
  const entries = new Map<CollectionName, Entry>();
  const ask = async (collection: CollectionName, entry: Entry): Promise<ShardMap | null> => {
    try {
      const map = await catalog.current(collection);
      if (map !== null && isNewer(map, entry.map)) entry.map = map;
    } catch (error) {
      log("warn", "catalog-silent", { collection, ...describeError(error) });
    }
    entry.flight = null;
    return entry.map;
  };
  return {
    async current(collection) {
      const nowMs = clock.nowMs();
      const entry = entries.get(collection) ?? { map: null, askedAtMs: Number.NEGATIVE_INFINITY, flight: null };
      entries.set(collection, entry);
      if (entry.flight === null) {
        if (Math.abs(nowMs - entry.askedAtMs) < FRESH_MS) return entry.map;
        entry.askedAtMs = nowMs;
        entry.flight = ask(collection, entry);
      }
      const waitMs = entry.map === null ? FIRST_WAIT_MS_MAX : WAIT_MS_MAX;
      return Promise.race([entry.flight, clock.sleep(waitMs).then(() => entry.map)]);
    },
  };
}
