/**
 * How long a cached document may be used, and what the client's own Cache-Control asks for (RFC 9111, RFC 5861).
 * Pure; it must not know how documents are kept.
 */
import type { CacheConfig } from "../../config/config.ts";

/** `fresh`: as it is. `usable`: as it is, while it is revalidated. `stale`: only once the shard has confirmed it. */
export type Freshness = "fresh" | "usable" | "stale";

/** A cached document of `ageMs` under its collection's settings. */
export function judgeAge(cache: CacheConfig, ageMs: number): Freshness {
  if (ageMs < cache.freshMs) return "fresh";
  return ageMs < cache.freshMs + cache.staleWhileRevalidateMs ? "usable" : "stale";
}

/** Whether a document of `ageMs` may stand in for a shard that cannot answer. */
export function mayServeOnError(cache: CacheConfig, ageMs: number): boolean {
  return ageMs < cache.freshMs + cache.staleIfErrorMs;
}

/** How long a document is worth keeping at all, in whole seconds. */
export function keepSeconds(cache: CacheConfig): number {
  return Math.ceil((cache.freshMs + Math.max(cache.staleWhileRevalidateMs, cache.staleIfErrorMs)) / 1000);
}

/** The Cache-Control of a public document for everybody downstream. */
export function publicCacheControl(cache: CacheConfig): string {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const directives = [`public, max-age=${seconds(cache.freshMs)}`];
  if (cache.staleWhileRevalidateMs > 0) {
    directives.push(`stale-while-revalidate=${seconds(cache.staleWhileRevalidateMs)}`);
  }
  if (cache.staleIfErrorMs > 0) directives.push(`stale-if-error=${seconds(cache.staleIfErrorMs)}`);
  return directives.join(", ");
}

/** What a client asks of caches. `ageMaxMs` null: no matter; 0: ask the shard. */
export interface CacheWish {
  readonly mayStore: boolean;
  readonly ageMaxMs: number | null;
}

const NO_WISH: CacheWish = { mayStore: true, ageMaxMs: null };

/** A request's Cache-Control, or its Pragma where it has none, to what it asks. What is not understood is ignored. */
export function parseCacheWish(headers: Headers): CacheWish {
  const control = headers.get("cache-control");
  if (control === null) {
    const isPragma = headers.get("pragma")?.toLowerCase().includes("no-cache") === true;
    return isPragma ? { mayStore: true, ageMaxMs: 0 } : NO_WISH;
  }
  const directives = control
    .toLowerCase()
    .split(",")
    .map((directive) => directive.trim());
  const ages = directives
    .map((directive) => /^max-age="?(\d{1,9})"?$/.exec(directive)?.[1])
    .filter((age) => age !== undefined);
  const ageMaxMs = directives.includes("no-cache")
    ? 0
    : (ages.map((age) => Number(age) * 1000).sort(ascending)[0] ?? null);
  return { mayStore: !directives.includes("no-store"), ageMaxMs };
}

function ascending(left: number, right: number): number {
  return left - right;
}
