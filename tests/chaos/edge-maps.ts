/**
 * What one process of clients believes about owners, as an isolate of the edge does: maps from any shard, what 421 answers teach,
 * both by the router's own rules. A stale one loads no map unless it has to, and now and then falls back to its first.
 * It must not send a client's request.
 */
import type { CollectionConfig, GatewayConfig } from "../../config/config.ts";
import { INTERNAL_PATH, type NotOwned } from "../../router/contract.ts";
import type { CollectionName } from "../../router/ids.ts";
import { adoptMap, learnOwner, noHints, type RouteHints } from "../../router/route-hints.ts";
import { parseShardMap, type ShardMap } from "../../router/shard-map.ts";
import type { ShardWire } from "../faults/shard-wire.ts";
import type { Random } from "../history/random.ts";

/** What the maps stand on. */
export interface EdgeMapsOptions {
  readonly config: GatewayConfig;
  readonly origins: Readonly<Record<string, string>>;
  readonly wire: ShardWire;
  readonly random: Random;
  readonly isStale: boolean;
}

/** How old a map may get before it is loaded again in the background, in milliseconds. */
const REFRESH_MS = 5000;

/** Part of its requests before which a stale process forgets all but its first map. */
const FORGETTING_PART = 0.02;

interface Entry {
  readonly collection: CollectionConfig;
  first: ShardMap | null;
  hints: RouteHints;
  loadedAtMs: number;
  loading: Promise<void> | null;
}

/** One process' maps. */
export class EdgeMaps {
  readonly #options: EdgeMapsOptions;
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor(options: EdgeMapsOptions) {
    this.#options = options;
    const entries = [...options.config.collections.values()].map((collection): Entry => {
      const hints = noHints(collection.placement);
      return { collection, hints, first: null, loadedAtMs: Number.NEGATIVE_INFINITY, loading: null };
    });
    this.#entries = new Map(entries.map((entry) => [entry.collection.name, entry]));
  }

  hints(collection: CollectionName): RouteHints {
    return this.#entryOf(collection).hints;
  }

  /** The hints for a new request. */
  async current(collection: CollectionName): Promise<RouteHints> {
    const { isStale, random } = this.#options;
    const entry = this.#entryOf(collection);
    if (entry.hints.map === null) return this.reload(collection);
    if (isStale && entry.first !== null && random.chance(FORGETTING_PART)) {
      entry.hints = adoptMap(noHints(entry.collection.placement), entry.first);
    }
    if (!isStale && performance.now() - entry.loadedAtMs > REFRESH_MS) void this.reload(collection);
    return entry.hints;
  }

  /** Asks the shards in random order until one gives a map, in one flight. */
  async reload(collection: CollectionName): Promise<RouteHints> {
    const entry = this.#entryOf(collection);
    entry.loading ??= this.#load(entry).finally(() => {
      entry.loading = null;
    });
    await entry.loading;
    return entry.hints;
  }

  learn(collection: CollectionName, told: NotOwned): RouteHints {
    const entry = this.#entryOf(collection);
    entry.hints = learnOwner(entry.hints, told);
    return entry.hints;
  }

  async #load(entry: Entry): Promise<void> {
    entry.loadedAtMs = performance.now();
    const origins = Object.values(this.#options.origins);
    while (origins.length > 0) {
      const [origin] = origins.splice(this.#options.random.below(origins.length), 1);
      const map = origin === undefined ? null : await this.#ask(origin, entry.collection);
      if (map === null) continue;
      entry.first ??= map;
      entry.hints = adoptMap(entry.hints, map);
      return;
    }
  }

  /** Null when the shard gives none. */
  async #ask(origin: string, { name, placement }: CollectionConfig): Promise<ShardMap | null> {
    const query = `collection=${name}`;
    const request = { method: "GET", path: INTERNAL_PATH.map, query, headers: {}, body: null } as const;
    const outcome = await this.#options.wire.send(origin, request);
    if (outcome.kind !== "answer" || outcome.status !== 200) return null;
    const shards = new Set(this.#options.config.shards.keys());
    const map = parseShardMap(JSON.parse(outcome.text), { placement, shards });
    if (!map.ok) throw new Error(`broken assumption: ${origin} gives a map: ${map.detail}`);
    return map.value;
  }

  #entryOf(collection: CollectionName): Entry {
    const entry = this.#entries.get(collection);
    if (entry === undefined) throw new Error(`broken assumption: a collection ${collection}`);
    return entry;
  }
}
