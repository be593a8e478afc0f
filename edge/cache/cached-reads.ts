/**
 * GET and HEAD of documents of a public, cached collection: from the cache while it may be used, from the owner otherwise.
 * It must not be reached by a collection that is not public.
 */
import type { CacheConfig } from "../../config/config.ts";
import type { EdgeParts } from "../edge-parts.ts";
import { EdgeProblem } from "../edge-problem.ts";
import type { Exchange } from "../exchange.ts";
import type { DocumentTarget } from "../target.ts";
import { answerDocument, hitStatus, needsBody } from "./document-answer.ts";
import type { CachedDocument } from "./document-cache.ts";
import { answerFetched, type CachedRead, fetchDocument, revalidateDocument } from "./document-fetch.ts";
import { requireTagList } from "./entity-tag.ts";
import { judgeAge, mayServeOnError, parseCacheWish } from "./freshness.ts";

/** Reads through the cache. */
export interface CachedReads {
  /** Null: this request is not for the cache, ask the shard. */
  read(exchange: Exchange, target: DocumentTarget, cache: CacheConfig): Promise<Response> | null;
}

/** A read of something that the cache holds. */
interface FoundRead extends CachedRead {
  readonly entry: CachedDocument;
  readonly ageMs: number;
}

/** Reads through `parts.cache`; one revalidation of a document at a time in the background. */
export function createCachedReads(parts: EdgeParts): CachedReads {
  const { clock } = parts.ports;
  const revalidations = new Map<string, number>();

  async function readThrough(read: Omit<CachedRead, "entry">, ageMaxMs: number | null): Promise<Response> {
    const entry = await parts.cache.find(read.url);
    if (entry === null) {
      const missed = { ...read, entry };
      return answerFetched(parts, missed, { ...(await fetchDocument(parts, missed)), reason: "uri-miss" });
    }
    const found: FoundRead = { ...read, entry, ageMs: Math.max(0, clock.nowMs() - entry.storedAtMs) };
    const freshness = judgeAge(read.cache, found.ageMs);
    if (ageMaxMs !== null && found.ageMs >= ageMaxMs) {
      const reason = freshness === "fresh" ? "request" : "stale";
      return answerFetched(parts, found, { ...(await fetchDocument(parts, found)), reason });
    }
    if (freshness === "stale") return fetchOrServeStale(parts, found);
    if (freshness === "usable") revalidate(read);
    return answerFound(found, "");
  }

  /** Those that never ended (their context was cancelled) are forgotten after the total time limit; the oldest come first. */
  function forgetLost(nowMs: number): void {
    for (const [url, startedAtMs] of revalidations) {
      if (nowMs - startedAtMs < parts.ports.config.edge.totalTimeoutMs) return;
      revalidations.delete(url);
    }
  }

  function revalidate(read: Omit<CachedRead, "entry">): void {
    const nowMs = clock.nowMs();
    forgetLost(nowMs);
    if (revalidations.has(read.url)) return;
    revalidations.set(read.url, nowMs);
    read.exchange.lifetime.waitUntil(revalidateDocument(parts, read).finally(() => revalidations.delete(read.url)));
  }

  return {
    read(exchange, target, cache) {
      const { headers } = exchange.request;
      const wish = parseCacheWish(headers);
      if (!wish.mayStore || headers.has("if-match")) return null;
      requireTagList(headers.get("if-none-match"));
      const url = parts.cache.urlOf(target.collection.name, target.key);
      return readThrough({ exchange, target, cache, url }, wish.ageMaxMs);
    },
  };
}

/** Too old to be used, unless the shard cannot say better. */
async function fetchOrServeStale(parts: EdgeParts, read: FoundRead): Promise<Response> {
  const mayStandIn = mayServeOnError(read.cache, read.ageMs);
  try {
    const fetched = await fetchDocument(parts, read);
    if (fetched.response.status < 500 || !mayStandIn)
      return answerFetched(parts, read, { ...fetched, reason: "stale" });
    await fetched.response.body?.cancel();
    return answerFound(read, `; detail=HTTP-${fetched.response.status}`);
  } catch (error) {
    if (!mayStandIn || !(error instanceof EdgeProblem) || error.status < 500) throw error;
    return answerFound(read, `; detail=${error.code}`);
  }
}

function answerFound(read: FoundRead, detail: string): Response {
  const { request, lifetime } = read.exchange;
  const { entry, cache, ageMs } = read;
  if (entry.body !== null && !needsBody(request, entry.etag)) lifetime.waitUntil(entry.body.cancel());
  return answerDocument(request, { document: entry, cache, cacheStatus: hitStatus(cache, ageMs) + detail, ageMs });
}
