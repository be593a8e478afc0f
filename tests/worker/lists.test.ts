// Lists over all shards: paging against a naive model, parameters, cursors, failures, how many requests they cost.
// It must not test how a shard reads a page.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKey } from "../../router/canonical-key.ts";
import type { CanonicalKey } from "../../router/ids.ts";
import { sortKeyOf } from "../../router/slot.ts";
import { compareCodePoints } from "../../router/text.ts";
import { codeOf, type Edge, ORIGIN, putJson, startEdge } from "./fixture/edge-fixture.ts";
import { shardId } from "./fixture/fake-fleet.ts";
import { PROPERTY_SEED } from "./fixture/seed.ts";

interface PageBody {
  readonly items: readonly { readonly key: string; readonly value: unknown }[];
  readonly next: string | null;
}

/** Puts documents where they belong, past the edge. */
function fill(edge: Edge, collection: string, keys: readonly string[]): void {
  const { truth } = edge.fleet;
  for (const key of keys) {
    const sortKey = sortKeyOf(truth.placementOf(collection), key as CanonicalKey);
    const prefix = edge.fleet.prefixOf(collection, sortKey);
    const { shard } = truth.ownerOf(collection, prefix);
    edge.fleet
      .shard(shard)
      .documents.set(`${collection}/${key}`, { key, sortKey, json: JSON.stringify(key), op: "op" });
  }
}

async function pageOf(edge: Edge, path: string): Promise<PageBody> {
  const answer = await edge.fetchAs(path);
  expect(answer.status).toBe(200);
  return answer.json();
}

/** Follows cursors to the end. */
async function allPages(edge: Edge, path: string): Promise<readonly (readonly string[])[]> {
  const pages: string[][] = [];
  for (let next: string | null = ""; next !== null && pages.length < 200; ) {
    const page: PageBody = await pageOf(edge, next === "" ? path : `${path}&cursor=${next}`);
    pages.push(page.items.map(({ key }) => key));
    next = page.next;
  }
  return pages;
}

const symbols = fc.constantFrom(...("abklmnyz09_-'~+é漢😀".match(/./gu) ?? []));
const keys = fc
  .array(symbols, { minLength: 1, maxLength: 4 })
  .map((parts) => parseKey(parts.join("")))
  .filter((parsed) => parsed.ok)
  .map((parsed) => (parsed.ok ? String(parsed.value) : ""));
const bound = fc.option(keys, { nil: undefined });

describe("a list", () => {
  it("pages through exactly what a naive model holds, in its order, whoever owns what", async () => {
    const input = {
      stored: fc.uniqueArray(keys, { maxLength: 25 }),
      collection: fc.constantFrom("notes", "carts"),
      filter: fc.record({ start: bound, end: bound, prefix: bound }),
      limit: fc.integer({ min: 1, max: 9 }),
      pageMax: fc.integer({ min: 1, max: 9 }),
      moved: fc.array(fc.constantFrom("ab", "k", "m", "ma", "zz", "_", "00"), { maxLength: 3 }),
    };
    await fc.assert(
      fc.asyncProperty(fc.record(input), async ({ stored, collection, filter, limit, pageMax, moved }) => {
        const edge = startEdge();
        edge.fleet.truth.pageMax = pageMax;
        for (const prefix of moved) {
          const now = edge.fleet.truth.ownerOf("notes", prefix).shard === "shard-1" ? "shard-2" : "shard-1";
          edge.fleet.moved.set(`notes/${prefix}`, { shard: shardId(now), epoch: 2 });
        }
        fill(edge, collection, stored);
        const bounds = collection === "carts" ? {} : filter;
        const query = Object.entries(bounds)
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
        const pages = await allPages(edge, `/${collection}?${[...query, `limit=${limit}`].join("&")}`);
        expect(pages.flat()).toEqual(naiveList(edge, { stored, collection, bounds }));
        for (const page of pages) expect(page.length).toBeLessThanOrEqual(limit);
        for (const page of pages.slice(0, -1)) expect(page.length).toBe(limit);
      }),
      { numRuns: 150, seed: PROPERTY_SEED },
    );
  }, 60_000);
});

interface NaiveList {
  readonly stored: readonly string[];
  readonly collection: string;
  readonly bounds: {
    readonly start?: string | undefined;
    readonly end?: string | undefined;
    readonly prefix?: string | undefined;
  };
}

function naiveList(edge: Edge, { stored, collection, bounds }: NaiveList): readonly string[] {
  const placement = edge.fleet.truth.placementOf(collection);
  const { start, end, prefix } = bounds;
  return stored
    .filter((key) => start === undefined || compareCodePoints(key, start) >= 0)
    .filter((key) => end === undefined || compareCodePoints(key, end) < 0)
    .filter((key) => prefix === undefined || key.startsWith(prefix))
    .map((key) => ({ key, sortKey: sortKeyOf(placement, key as CanonicalKey) }))
    .sort((left, right) => compareCodePoints(left.sortKey, right.sortKey))
    .map(({ key }) => key);
}

describe("the page", () => {
  it("holds documents as they are stored: no number changes", async () => {
    const edge = startEdge();
    const json = '{"price":1.10,"big":12345678901234567890,"e":1e400}';
    await edge.fetchAs("/notes/a", putJson(json));
    expect(await (await edge.fetchAs("/notes")).text()).toContain(`"value":${json}}],"next":null}`);
  });

  it("costs one request per shard however many slots are empty, and none beyond its limit", async () => {
    const edge = startEdge();
    fill(edge, "notes", ["a", "b", "z"]);
    await pageOf(edge, "/notes");
    expect(edge.fleet.dataCalls.map((call) => call.origin)).toEqual([ORIGIN.one, ORIGIN.two]);
    edge.fleet.calls.length = 0;
    await pageOf(edge, "/notes?limit=2");
    expect(edge.fleet.dataCalls.map((call) => call.origin)).toEqual([ORIGIN.one]);
  });

  it("has a Link to the next that keeps limit and filters, for HEAD too", async () => {
    const edge = startEdge();
    fill(edge, "notes", ["it's", "it's b", "it's c"]);
    const path = "/notes?prefix=it's&limit=2";
    const answer = await edge.fetchAs(path);
    const link = answer.headers.get("link") ?? "";
    expect(link).toMatch(/^<\/notes\?prefix=it%27s&limit=2&cursor=[\w.-]+>; rel="next"$/);
    const next = link.slice(1, link.indexOf(">"));
    expect((await pageOf(edge, next)).items.map(({ key }) => key)).toEqual(["it's c"]);
    const head = await edge.fetchAs(path, { method: "HEAD" });
    expect([head.status, await head.text(), head.headers.get("link")]).toEqual([200, "", link]);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
  });

  it("takes bounds in any spelling", async () => {
    const edge = startEdge();
    fill(edge, "notes", ["apple", "apricot", "banana", "c++", "c d"]);
    expect((await pageOf(edge, "/notes?prefix=AP")).items.map(({ key }) => key)).toEqual(["apple", "apricot"]);
    expect((await pageOf(edge, "/notes?prefix=c%2B%2B")).items.map(({ key }) => key)).toEqual(["c++"]);
    expect((await pageOf(edge, "/notes?start=c+d&end=d")).items.map(({ key }) => key)).toEqual(["c d", "c++"]);
  });

  it("takes a lone dot for a bound: no key, but the beginning of some", async () => {
    const edge = startEdge();
    fill(edge, "notes", ["-", ".net", "..x", "a"]);
    const keysOf = async (query: string): Promise<readonly string[]> =>
      (await pageOf(edge, `/notes?${query}`)).items.map(({ key }) => key);
    expect(await keysOf("prefix=.")).toEqual(["..x", ".net"]);
    expect(await keysOf("prefix=..")).toEqual(["..x"]);
    expect(await keysOf("start=.&end=b")).toEqual(["..x", ".net", "a"]);
    expect(await keysOf("end=.")).toEqual(["-"]);
  });

  it("ends after sixteen answers of shards, and the next one goes on", async () => {
    const edge = startEdge();
    const keys = Array.from({ length: 20 }, (_, index) => `k${String(index).padStart(2, "0")}`);
    fill(edge, "notes", keys);
    edge.fleet.truth.pageMax = 1;
    const first = await pageOf(edge, "/notes");
    expect([first.items.length, edge.fleet.dataCalls.length]).toEqual([16, 16]);
    const rest = await pageOf(edge, `/notes?cursor=${first.next}`);
    expect([...first.items, ...rest.items].map(({ key }) => key)).toEqual(keys);
    expect(rest.next).toBe(null);
  });

  it("is 503 when a shard it needs is down, never a page with holes", async () => {
    const edge = startEdge();
    fill(edge, "notes", ["a", "b", "z"]);
    await edge.fetchAs("/notes/a");
    edge.fleet.breakOrigin(ORIGIN.two, "down");
    const answer = await edge.fetchAs("/notes");
    expect([answer.status, await codeOf(answer)]).toEqual([503, "SHARD_UNAVAILABLE"]);
    expect((await pageOf(edge, "/notes?limit=2")).items.length).toBe(2);
    expect((await pageOf(edge, "/notes?end=m")).items.length).toBe(2);
  });

  it("passes a shard's refusal on", async () => {
    const edge = startEdge();
    edge.fleet.shard("shard-1").script = () =>
      Response.json({ code: "STORAGE_UNAVAILABLE" }, { status: 503, headers: { "retry-after": "1" } });
    const answer = await edge.fetchAs("/notes");
    expect([answer.status, await codeOf(answer), answer.headers.get("retry-after")]).toEqual([
      503,
      "STORAGE_UNAVAILABLE",
      "1",
    ]);
  });

  it.each([
    { name: "covers nothing", answer: () => new Response("", { headers: { "zgate-list-covered": "" } }) },
    { name: "gives more than was asked for", answer: () => new Response('{"key":"a"}\n{"key":"b"}\n') },
  ])("does not trust a shard that $name", async ({ answer }) => {
    const edge = startEdge();
    edge.fleet.shard("shard-1").script = answer;
    expect((await edge.fetchAs("/notes?limit=1")).status).toBe(503);
  });
});

describe("a parameter", () => {
  it.each([
    { name: "that is unknown", path: "/notes?sort=up" },
    { name: "given twice", path: "/notes?limit=1&limit=1" },
    { name: "given twice in two spellings", path: "/notes?limit=1&%6Cimit=2" },
    { name: "limit 0", path: "/notes?limit=0" },
    { name: "limit 1001", path: "/notes?limit=1001" },
    { name: "limit 1e2", path: "/notes?limit=1e2" },
    { name: "an empty limit", path: "/notes?limit=" },
    { name: "an empty start", path: "/notes?start=" },
    { name: "a prefix with a slash", path: "/notes?prefix=a%2f" },
    { name: "a start that is not UTF-8", path: "/notes?start=%ff" },
    { name: "a broken escape", path: "/notes?end=%2" },
    { name: "start of a hash collection", path: "/carts?start=a" },
    { name: "prefix of a hash collection", path: "/carts?prefix=a" },
  ])("$name is refused with 400", async ({ path }) => {
    const edge = startEdge();
    const answer = await edge.fetchAs(path);
    expect([answer.status, await codeOf(answer)]).toEqual([400, "INVALID_PARAMETER"]);
    expect(edge.fleet.calls).toEqual([]);
  });

  it.each(["/notes?start=b&end=a", "/notes?prefix=a&start=b", "/notes?prefix=b&end=b"])(
    "%s can only be empty, and asks nobody",
    async (path) => {
      const edge = startEdge();
      expect(await pageOf(edge, path)).toEqual({ items: [], next: null });
      expect(edge.fleet.calls).toEqual([]);
    },
  );
});

describe("a cursor", () => {
  async function startWithCursor() {
    const edge = startEdge();
    fill(edge, "notes", ["a", "b", "c"]);
    const { next } = await pageOf(edge, "/notes?start=a&limit=1");
    return { edge, cursor: next ?? "" };
  }

  it.each([
    { name: "of another filter", path: (cursor: string) => `/notes?cursor=${cursor}` },
    { name: "of another collection", path: (cursor: string) => `/products?start=a&cursor=${cursor}` },
    {
      name: "with a changed position",
      path: (cursor: string) => `/notes?start=a&cursor=${cursor.replace(/\.[^.]*\./, ".eg.")}`,
    },
    { name: "with a changed seal", path: (cursor: string) => `/notes?start=a&cursor=${cursor.slice(0, -2)}AA` },
    { name: "of another version", path: (cursor: string) => `/notes?start=a&cursor=2${cursor.slice(1)}` },
    { name: "cut short", path: (cursor: string) => `/notes?start=a&cursor=${cursor.slice(0, 9)}` },
    { name: "that is empty", path: () => "/notes?start=a&cursor=" },
    { name: "that is a key", path: () => "/notes?start=a&cursor=b" },
  ])("$name is refused with 400", async ({ path }) => {
    const { edge, cursor } = await startWithCursor();
    const answer = await edge.fetchAs(path(cursor));
    expect([answer.status, await codeOf(answer)]).toEqual([400, "INVALID_CURSOR"]);
  });

  it("may be used with another limit", async () => {
    const { edge, cursor } = await startWithCursor();
    const page = await pageOf(edge, `/notes?start=a&limit=9&cursor=${cursor}`);
    expect(page.items.map(({ key }) => key)).toEqual(["b", "c"]);
  });
});
