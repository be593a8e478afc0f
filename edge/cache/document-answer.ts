/**
 * A public document as its client gets it: validators, Age, Cache-Control, Cache-Status (RFC 9211), 304 where the client
 * has it already.
 * It must not fetch or keep anything.
 */
import type { CacheConfig } from "../../config/config.ts";
import type { CachedDocument } from "./document-cache.ts";
import { namesEntityTag } from "./entity-tag.ts";
import { publicCacheControl } from "./freshness.ts";

/** A document to answer with. `ageMs` null: straight from the shard. */
export interface DocumentAnswer {
  readonly document: Pick<CachedDocument, "etag" | "lastModified" | "contentType" | "body">;
  readonly cache: CacheConfig;
  readonly cacheStatus: string;
  readonly ageMs: number | null;
}

/** Whether the answer to `request` has a body at all. */
export function needsBody(request: Request, etag: string): boolean {
  return request.method !== "HEAD" && !clientHas(request, etag);
}

/** 200, or 304 when the client names the document's ETag. */
export function answerDocument(request: Request, answer: DocumentAnswer): Response {
  const { document, cache, ageMs } = answer;
  const headers: Record<string, string> = {
    etag: document.etag,
    "cache-control": publicCacheControl(cache),
    "cache-status": answer.cacheStatus,
  };
  if (document.lastModified !== "") headers["last-modified"] = document.lastModified;
  if (ageMs !== null) headers["age"] = String(Math.floor(ageMs / 1000));
  if (clientHas(request, document.etag)) return new Response(null, { status: 304, headers });
  headers["content-type"] = document.contentType;
  return new Response(request.method === "HEAD" ? null : document.body, { headers });
}

/** Cache-Status of an answer out of the cache; the remaining time is negative once it is stale. */
export function hitStatus(cache: CacheConfig, ageMs: number): string {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  return `zgate; hit; ttl=${seconds(cache.freshMs) - seconds(ageMs)}`;
}

function clientHas(request: Request, etag: string): boolean {
  const ifNoneMatch = request.headers.get("if-none-match");
  return ifNoneMatch !== null && namesEntityTag(ifNoneMatch, etag);
}
