// Chapter: lists. Order over both shards, pages, cursors, links, bounds.
// Must not test what a list does while slots move; the map tests do.
import { describe, expect, test } from "vitest";
import { compareCodePoints } from "../../../router/text.ts";
import type { Asked, GatewayClient } from "../gateway-client.ts";
import { freshKey, useSurface } from "./surface.ts";

interface Item {
  readonly key: string;
  readonly etag: string;
  readonly lastModified: string;
  readonly value: unknown;
}

/** Every page of a list, by following `next`; `Link` must say the same. */
async function listAll(client: GatewayClient, path: string, asked: Asked = {}): Promise<readonly Item[][]> {
  const pages: Item[][] = [];
  let target: string | null = path;
  while (target !== null) {
    const answer = await client.get(target, asked);
    expect(answer.status, target).toBe(200);
    const { items, next }: { items: Item[]; next: string | null } = answer.json();
    pages.push(items);
    const link = /^<([^>]*)>; rel="next"$/.exec(answer.header("link"))?.[1] ?? null;
    expect(link === null, target).toBe(next === null);
    if (next !== null) expect(link).toContain(encodeURIComponent(next));
    target = link;
    expect(pages.length).toBeLessThan(1000);
  }
  return pages;
}

const keysOf = (pages: readonly Item[][]): readonly string[] => pages.flat().map(({ key }) => key);

describe("listing documents", () => {
  const surface = useSurface();

  /** Documents under one fresh mark at both shards and beyond ASCII, in the order that a list must have. */
  async function fill(collection: string): Promise<readonly string[]> {
    const { client, token } = surface();
    const mark = freshKey("");
    const starts = ["0", "_", "a", "ka", "lz", "m", "ma", "zz", "é", "ж", "日", "𝒳", "😀"];
    const keys = starts.map((start) => `${start}${mark}`);
    await Promise.all(keys.map((key) => client.put(`/${collection}/${encodeURIComponent(key)}`, { key }, { token })));
    return keys.sort(compareCodePoints);
  }

  test("pages of every size together hold each document once, in the order of keys, over both shards", async () => {
    const { client } = surface();
    const keys = await fill("prices");
    const isOurs = (key: string): boolean => keys.includes(key);
    for (const limit of [1, 2, 5, 1000]) {
      const pages = await listAll(client, `/prices?limit=${limit}`);
      expect(keysOf(pages).filter(isOurs), `limit ${limit}`).toEqual(keys);
      expect(pages.every((page) => page.length <= limit)).toBe(true);
      expect(keysOf(pages)).toEqual([...keysOf(pages)].sort(compareCodePoints));
    }
  });

  test("an item has key, ETag, date and the value as it was written", async () => {
    const { client, token } = surface();
    const key = freshKey("exact");
    const put = await client.put(`/prices/${key}`, '{\n "big": 12345678901234567890.10,\r\n "t": "\\n" }', { token });
    const answer = await client.get(`/prices?prefix=${key}`);
    expect(answer.header("content-type")).toBe("application/json");
    const { items, next } = answer.json();
    expect(next).toBeNull();
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ key, etag: put.header("etag"), lastModified: put.header("last-modified") });
    expect(answer.text).toContain('"big": 12345678901234567890.10');
    expect(items[0].value.t).toBe("\n");
  });

  test("prefix, start and end cut the list", async () => {
    const { client } = surface();
    const keys = await fill("prices");
    const within = async (query: string): Promise<readonly string[]> =>
      keysOf(await listAll(client, `/prices?limit=7&${query}`)).filter((key) => keys.includes(key));
    const [first = "", second = ""] = [keys[2], keys[6]];
    const quoted = (key: string): string => encodeURIComponent(key);
    expect(await within(`start=${quoted(first)}&end=${quoted(second)}`)).toEqual(keys.slice(2, 6));
    expect(await within(`start=${quoted(second)}`)).toEqual(keys.slice(6));
    expect(await within(`end=${quoted(second)}`)).toEqual(keys.slice(0, 6));
    expect(await within(`prefix=${quoted("M")}`)).toEqual(keys.filter((key) => key.startsWith("m")));
    expect(await within(`prefix=${quoted("E\u0301")}`)).toEqual(keys.filter((key) => key.startsWith("é")));
    expect(await within(`start=z&end=a`)).toEqual([]);
  });

  test("an empty list has no next page", async () => {
    const { client } = surface();
    expect((await client.get(`/prices?prefix=${freshKey("nobody")}`)).json()).toEqual({ items: [], next: null });
  });

  test("a page ends before it becomes too large, and the next goes on", async () => {
    const { client, token } = surface();
    const mark = freshKey("large");
    const big = "x".repeat(250_000);
    const keys = Array.from({ length: 6 }, (_, n) => `${mark}-${n}`);
    for (const key of keys) expect((await client.put(`/prices/${key}`, big, { token, body: "" })).status).toBe(400);
    for (const key of keys) await client.put(`/prices/${key}`, JSON.stringify(big), { token });
    const pages = await listAll(client, `/prices?prefix=${mark}`);
    expect(pages.length).toBeGreaterThan(1);
    expect(keysOf(pages)).toEqual(keys);
    await Promise.all(keys.map((key) => client.send("DELETE", `/prices/${key}`, { token })));
    expect((await client.get(`/prices?prefix=${mark}`)).json().items).toEqual([]);
  });

  test("a cursor belongs to one list; a changed one is refused", async () => {
    const { client } = surface();
    await fill("prices");
    const cursor: string = (await client.get("/prices?limit=1")).json().next;
    expect((await client.get(`/prices?limit=2&cursor=${cursor}`)).status).toBe(200);
    const changed = `${cursor.slice(0, 3)}${cursor[3] === "A" ? "B" : "A"}${cursor.slice(4)}`;
    for (const query of [`prefix=a&cursor=${cursor}`, `cursor=${changed}`, "cursor=x", "cursor="]) {
      expect((await client.get(`/prices?${query}`)).json().code, query).toBe("INVALID_CURSOR");
    }
    expect((await client.get(`/news?cursor=${cursor}`)).json().code).toBe("INVALID_CURSOR");
  });

  test.for([
    "limit=0",
    "limit=1001",
    "limit=-1",
    "limit=1.5",
    "limit=",
    "limit=1&limit=2",
    "color=red",
    "prefix=%ff",
    "start=a%2Fb",
    "end=%00",
  ])("the query %s is refused", async (query) => {
    const { client } = surface();
    expect((await client.get(`/prices?${query}`)).json()).toMatchObject({ code: "INVALID_PARAMETER", status: 400 });
  });

  test("HEAD of a list has no body", async () => {
    const { client } = surface();
    await fill("prices");
    const head = await client.send("HEAD", "/prices?limit=1");
    expect(head.status).toBe(200);
    expect(head.header("link")).toContain('rel="next"');
  });

  test("carts: a list by hash needs a token, holds each document once, and has no bounds", async () => {
    const { client, token } = surface();
    const keys = Array.from({ length: 20 }, () => freshKey("cart"));
    await Promise.all(keys.map((key) => client.put(`/carts/${key}`, { key }, { token })));
    const pages = await listAll(client, "/carts?limit=3", { token });
    expect(
      keysOf(pages)
        .filter((key) => keys.includes(key))
        .sort(),
    ).toEqual([...keys].sort());
    expect(new Set(keysOf(pages)).size).toBe(keysOf(pages).length);
    const answer = await client.get("/carts?limit=3", { token });
    expect(answer.header("cache-control")).toBe("private, no-store");
    expect((await client.get("/carts?prefix=a", { token })).json().code).toBe("INVALID_PARAMETER");
    expect((await client.get("/carts")).json().code).toBe("UNAUTHENTICATED");
  });
});
