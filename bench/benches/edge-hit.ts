/**
 * Reads that the edge answers from its cache, against a bare Worker that does a Cache API match and returns it.
 * It must not reach the shard while it measures.
 */
import type { Bench, BenchContext } from "../bench.ts";
import { CACHED_COLLECTION } from "../bench-config.ts";
import { duelOfEdges } from "../edge-duel.ts";
import { ratio, sideOf } from "../measurement.ts";

const TARGET = { relation: "at least", bound: 0.85 } as const;

/** GET of a public, cached collection, every key already cached. */
export const edgeHit: Bench = {
  name: "edge-hit",
  about: "the edge answering from its cache ÷ a bare Cache API hit",
  run: async (context: BenchContext) => {
    const collection = CACHED_COLLECTION;
    const spec = { collection, cache: "memory", bareEntrypoint: "cachingProxy", cacheStatus: "hit" } as const;
    const { zgate, bare } = await duelOfEdges(context, spec);
    const subject = { name: "edge hit", unit: "requests/s", target: TARGET };
    return [ratio(subject, sideOf("edge", zgate), sideOf("bare Cache API hit", bare))];
  },
};
