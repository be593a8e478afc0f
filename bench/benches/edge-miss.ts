/**
 * Reads that the edge has to fetch from a shard, against a bare Worker that passes the same requests on.
 * It must not hide what looking into a cache costs: collections without and with one are measured apart.
 */
import type { Bench, BenchContext } from "../bench.ts";
import { CACHED_COLLECTION, PLAIN_COLLECTION } from "../bench-config.ts";
import { duelOfEdges } from "../edge-duel.ts";
import { ratio, sideOf } from "../measurement.ts";

const TARGET = { relation: "at least", bound: 0.85 } as const;
const UNIT = "requests/s";

/** GET of a public collection that is not cached. */
export const edgeMiss: Bench = {
  name: "edge-miss",
  about: "the edge on workerd in front of a shard ÷ a bare workerd proxy",
  run: async (context: BenchContext) => {
    const spec = { collection: PLAIN_COLLECTION, cache: "memory", bareEntrypoint: "proxy", cacheStatus: null } as const;
    const { zgate, bare } = await duelOfEdges(context, spec);
    const subject = { name: "edge miss, no cache", unit: UNIT, target: TARGET };
    return [ratio(subject, sideOf("edge", zgate), sideOf("bare proxy", bare))];
  },
};

/** GET of a cached collection whose cache forgets everything: look, fetch, put; the bare Worker does the same. */
export const edgeMissCached: Bench = {
  name: "edge-miss-cached",
  about: "the edge missing in its cache and filling it ÷ a bare workerd proxy that does the same",
  run: async (context: BenchContext) => {
    const collection = CACHED_COLLECTION;
    const spec = { collection, cache: "forgetful", bareEntrypoint: "cachingProxy", cacheStatus: "fwd=" } as const;
    const { zgate, bare } = await duelOfEdges(context, spec);
    const subject = { name: "edge miss, cache filled", unit: UNIT, target: TARGET };
    return [ratio(subject, sideOf("edge", zgate), sideOf("bare caching proxy", bare))];
  },
};
