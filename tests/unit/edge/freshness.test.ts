// How old a cached document may be for what, and what a client's Cache-Control means.
// It must not need a cache.
import { describe, expect, it } from "vitest";
import {
  judgeAge,
  keepSeconds,
  mayServeOnError,
  parseCacheWish,
  publicCacheControl,
} from "../../../edge/cache/freshness.ts";

const cache = { freshMs: 10_000, staleWhileRevalidateMs: 30_000, staleIfErrorMs: 60_000 };

describe("an age", () => {
  it.each([
    { ageMs: 0, freshness: "fresh", onError: true },
    { ageMs: 9_999, freshness: "fresh", onError: true },
    { ageMs: 10_000, freshness: "usable", onError: true },
    { ageMs: 39_999, freshness: "usable", onError: true },
    { ageMs: 40_000, freshness: "stale", onError: true },
    { ageMs: 69_999, freshness: "stale", onError: true },
    { ageMs: 70_000, freshness: "stale", onError: false },
  ])("of $ageMs ms is $freshness, on error: $onError", ({ ageMs, freshness, onError }) => {
    expect(judgeAge(cache, ageMs)).toBe(freshness);
    expect(mayServeOnError(cache, ageMs)).toBe(onError);
  });

  it("beyond every use is not kept", () => {
    expect(keepSeconds(cache)).toBe(70);
    expect(keepSeconds({ freshMs: 1500, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 })).toBe(2);
  });
});

describe("Cache-Control for those downstream", () => {
  it("names only what is configured", () => {
    expect(publicCacheControl(cache)).toBe("public, max-age=10, stale-while-revalidate=30, stale-if-error=60");
    expect(publicCacheControl({ ...cache, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 })).toBe("public, max-age=10");
  });
});

describe("a client's wish", () => {
  const nothing = { mayStore: true, ageMaxMs: null };
  it.each([
    { name: "nothing", headers: {}, wish: nothing },
    { name: "no-cache", headers: { "cache-control": "no-cache" }, wish: { mayStore: true, ageMaxMs: 0 } },
    {
      name: "No-Cache among others",
      headers: { "cache-control": "foo, No-Cache" },
      wish: { mayStore: true, ageMaxMs: 0 },
    },
    { name: "max-age", headers: { "cache-control": "max-age=5" }, wish: { mayStore: true, ageMaxMs: 5000 } },
    {
      name: "the lower of two max-age",
      headers: { "cache-control": "max-age=9, max-age=5" },
      wish: { mayStore: true, ageMaxMs: 5000 },
    },
    { name: "a max-age that is no number", headers: { "cache-control": "max-age=-1" }, wish: nothing },
    { name: "no-store", headers: { "cache-control": "no-store" }, wish: { mayStore: false, ageMaxMs: null } },
    { name: "Pragma alone", headers: { pragma: "no-cache" }, wish: { mayStore: true, ageMaxMs: 0 } },
    { name: "Pragma beside Cache-Control", headers: { pragma: "no-cache", "cache-control": "foo" }, wish: nothing },
  ])("of $name", ({ headers, wish }) => {
    expect(parseCacheWish(new Headers(Object.entries(headers)))).toEqual(wish);
  });
});
