/**
 * What this isolate believes about one collection's owners, and where it gets that from: the map from any shard, what
 * 421 answers teach. A hint; it only ever moves to something newer (I9).
 * It must not serve clients or judge a request.
 */
import type { CollectionConfig } from "../../config/config.ts";
import { INTERNAL_PATH, type NotOwned } from "../../router/contract.ts";
import type { ShardId } from "../../router/ids.ts";
import { adoptMap, learnOwner, noHints, type RouteHints } from "../../router/route-hints.ts";
import { parseShardMap, type ShardMap } from "../../router/shard-map.ts";
import { ANONYMOUS } from "../auth/identity.ts";
import type { EdgePorts, RequestLifetime } from "../ports.ts";
import { createSingleFlight } from "../single-flight.ts";
import { EMPTY_BODY_DIGEST } from "./request-signer.ts";
import type { ShardClient } from "./shard-client.ts";

/** How long one shard may take to give the map, in milliseconds. */
const MAP_LIMIT_MS = 1000;

/** How long a request waits for a map that another request is fetching, in milliseconds. */
const MAP_PATIENCE_MS = 5000;

/** Largest map taken, in characters. */
const MAP_LENGTH_MAX = 4 * 1024 * 1024;

/** Holds the hints of one collection. */
export interface MapHolder {
  hints(): RouteHints;
  /** Time the map was last confirmed by a shard, in milliseconds since 1970; null before that. */
  confirmedAtMs(): number | null;
  /** The hints, after a load if there is no map yet; an old map is loaded again in the background. Never rejects. */
  current(lifetime: RequestLifetime): Promise<RouteHints> | RouteHints;
  /** Asks the shards, one after the other in random order, until one gives a map. Never rejects. */
  reload(): Promise<RouteHints>;
  /** Takes what a 421 says. */
  learn(told: NotOwned): RouteHints;
}

/** A holder that knows nothing yet. */
export function createMapHolder(ports: EdgePorts, collection: CollectionConfig, shards: ShardClient): MapHolder {
  const { clock, config } = ports;
  const flight = createSingleFlight<RouteHints>(clock, MAP_PATIENCE_MS);
  let hints = noHints(collection.placement);
  let confirmedAtMs: number | null = null;
  let triedAtMs = Number.NEGATIVE_INFINITY;

  async function load(): Promise<RouteHints> {
    triedAtMs = clock.nowMs();
    for (const shard of shuffle([...config.shards.values()], ports).map(({ id }) => id)) {
      const map = await fetchMap({ ports, collection, shards }, shard, hints.map?.version ?? 0);
      if (map === null) continue;
      confirmedAtMs = clock.nowMs();
      hints = adoptMap(hints, map);
      return hints;
    }
    ports.log.write("warn", "map-unavailable", { collection: collection.name });
    return hints;
  }

  const reload = (): Promise<RouteHints> => flight.run(load);

  return {
    hints: () => hints,
    confirmedAtMs: () => confirmedAtMs,
    current(lifetime) {
      if (hints.map === null) return reload();
      if (clock.nowMs() - triedAtMs >= config.edge.mapRefreshMs) {
        triedAtMs = clock.nowMs();
        lifetime.waitUntil(reload());
      }
      return hints;
    },
    reload,
    learn(told) {
      hints = learnOwner(hints, told);
      return hints;
    },
  };
}

interface MapSource {
  readonly ports: EdgePorts;
  readonly collection: CollectionConfig;
  readonly shards: ShardClient;
}

/** One shard's map; null when it gives none that can be believed. */
async function fetchMap(source: MapSource, shard: ShardId, mapVersion: number): Promise<ShardMap | null> {
  const { ports, collection, shards } = source;
  const id = ports.random.uuid();
  const request = {
    method: "GET",
    identity: ANONYMOUS,
    requestId: id,
    op: id,
    clientHeaders: {},
    body: null,
    bodyDigest: EMPTY_BODY_DIGEST,
    replay: "safe",
    answer: "whole",
    deadlineMs: ports.clock.nowMs() + MAP_LIMIT_MS,
  } as const;
  const target = {
    route: { shard, epoch: 0, mapVersion },
    path: INTERNAL_PATH.map,
    query: `collection=${collection.name}`,
  };
  try {
    const { response } = await shards.send(request, target);
    const text = await response.text();
    if (response.status !== 200 || text.length > MAP_LENGTH_MAX) throw new Error(`got status ${response.status}`);
    const rules = { placement: collection.placement, shards: new Set(ports.config.shards.keys()) };
    const map = parseShardMap(JSON.parse(text), rules);
    if (!map.ok) throw new Error(map.detail);
    if (map.value.collection !== collection.name) throw new Error(`got the map of ${map.value.collection}`);
    return map.value;
  } catch (error) {
    ports.log.write("warn", "map-refused", { collection: collection.name, shard, cause: String(error) });
    return null;
  }
}

/** Fisher-Yates. */
function shuffle<Item>(items: readonly Item[], ports: Pick<EdgePorts, "random">): readonly Item[] {
  const left = [...items];
  const shuffled: Item[] = [];
  while (left.length > 0) shuffled.push(...left.splice(Math.floor(ports.random.fraction() * left.length), 1));
  return shuffled;
}
