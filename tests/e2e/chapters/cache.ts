// Chapter: the edge's cache. What comes out of it, when, and that a write is never overtaken by it.
// Must not test what happens while a shard is down; the failure tests do.
import { describe, expect, test } from "vitest";
import { HEADER } from "../../../router/contract.ts";
import { NEWS_FRESH_MS } from "../gateway-config.ts";
import { eventually } from "../shard-process.ts";
import { freshKey, useSurface } from "./surface.ts";

const NO_CACHE = { headers: { "cache-control": "no-cache" } };

describe("reading through the cache", () => {
  const surface = useSurface();

  /** A document of a cached collection that the edge holds. */
  async function cachedPath(collection: string): Promise<string> {
    const { client, token } = surface();
    const path = `/${collection}/${freshKey()}`;
    await client.put(path, { n: 0 }, { token });
    await client.get(path);
    await eventually(async () => /; hit/.test((await client.get(path)).header("cache-status")), "it is cached");
    return path;
  }

  test("a document is missed once, then hit, with its age", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey()}`;
    const put = await client.put(path, { n: 1 }, { token });
    const miss = await client.get(path);
    expect(miss.header("cache-status")).toBe("zgate; fwd=uri-miss; fwd-status=200; stored");
    expect(miss.header("age")).toBe("");
    expect(miss.header("cache-control")).toBe("public, max-age=10, stale-while-revalidate=30, stale-if-error=600");
    await eventually(async () => /; hit/.test((await client.get(path)).header("cache-status")), "a hit");
    const hit = await client.get(path);
    expect(hit.header("cache-status")).toMatch(/^zgate; hit; ttl=\d+$/);
    expect(hit.header("age")).toMatch(/^\d$/);
    expect(hit.text).toBe(miss.text);
    for (const name of ["etag", "last-modified", "content-type"]) expect(hit.header(name)).toBe(miss.header(name));
    expect(hit.header("etag")).toBe(put.header("etag"));
    const head = await client.send("HEAD", path);
    expect(head.header("cache-status")).toMatch(/; hit/);
    expect(head.header("etag")).toBe(put.header("etag"));
  });

  test("304 comes out of the cache, for every spelling of the key", async () => {
    const { client } = surface();
    const path = await cachedPath("products");
    const etag = (await client.get(path)).header("etag");
    const spelled = `/products/${path.slice("/products/".length).toUpperCase()}`;
    const answer = await client.get(spelled, { headers: { "if-none-match": etag } });
    expect(answer).toMatchObject({ status: 304, text: "" });
    expect(answer.header("cache-status")).toMatch(/; hit/);
    expect(answer.header("etag")).toBe(etag);
  });

  test("whoever writes through this edge reads what was written, always", async () => {
    const { client, token } = surface();
    const path = await cachedPath("products");
    for (let n = 1; n <= 40; n += 1) {
      const readers = [client.get(path), client.get(path)];
      expect((await client.put(path, { n }, { token })).status).toBe(200);
      expect((await client.get(path)).json(), `write ${n}`).toEqual({ n });
      await Promise.all(readers);
      expect((await client.get(path)).json(), `write ${n}, after readers that began before it`).toEqual({ n });
    }
    await client.send("PATCH", path, { token, headers: { "content-type": "application/json" }, body: '{"n":-1}' });
    expect((await client.get(path)).json()).toEqual({ n: -1 });
    await client.send("DELETE", path, { token });
    expect((await client.get(path)).status).toBe(404);
    await client.put(path, { n: 0 }, { token });
    expect((await client.get(path)).json()).toEqual({ n: 0 });
  });

  test("a stale copy stays in the cache when the shard is written directly; no-cache asks the shard", async () => {
    const { client, gateway } = surface();
    const path = await cachedPath("products");
    const direct = await gateway.shard("shard-1").send({ method: "PUT", path, body: '{"n":1}' });
    expect(direct.status).toBe(200);
    expect((await client.get(path)).json()).toEqual({ n: 0 });
    const asked = await client.get(path, NO_CACHE);
    expect(asked.json()).toEqual({ n: 1 });
    expect(asked.header("cache-status")).toMatch(/^zgate; fwd=request; fwd-status=200/);
    await eventually(async () => (await client.get(path)).text === '{"n":1}', "the cache has the new one");
    const confirmed = await client.get(path, NO_CACHE);
    expect(confirmed.json()).toEqual({ n: 1 });
    expect(confirmed.header("cache-status")).toMatch(/^zgate; fwd=request; fwd-status=304/);
  });

  test("no-cache notices that a document is gone, and forgets it", async () => {
    const { client, gateway } = surface();
    const path = await cachedPath("products");
    expect((await gateway.shard("shard-1").send({ method: "DELETE", path })).status).toBe(204);
    expect((await client.get(path)).status).toBe(200);
    expect((await client.get(path, NO_CACHE)).status).toBe(404);
    await eventually(async () => (await client.get(path)).status === 404, "forgotten");
  });

  test("a copy that is a little old is served while the edge asks the shard", async () => {
    const { client, gateway } = surface();
    const path = await cachedPath("news");
    const headers = { [HEADER.permissions]: "news:write" };
    let isServedStale = false;
    // A refresh may still be under way when the shard is written; it brings the new version, and the next write shows more.
    for (let n = 1; n < 20 && !isServedStale; n += 1) {
      const direct = await gateway.shard("shard-1").send({ method: "PUT", path, body: `{"n":${n}}`, headers });
      expect(direct.status).toBe(200);
      const staleFromMs = performance.now() + NEWS_FRESH_MS;
      await eventually(() => performance.now() > staleFromMs, "the copy is no longer fresh");
      const first = await client.get(path);
      expect(first.header("cache-status")).toMatch(/^zgate; hit; ttl=/);
      isServedStale = first.json().n === n - 1;
      await eventually(async () => (await client.get(path)).json().n === n, "the edge has asked in the background");
    }
    expect(isServedStale).toBe(true);
  });

  test("no-store asks the shard and leaves nothing behind", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey()}`;
    await client.put(path, { n: 1 }, { token });
    const headers = { "cache-control": "no-store" };
    for (let times = 0; times < 2; times += 1) {
      expect((await client.get(path, { headers })).header("cache-status")).toBe("zgate; fwd=bypass");
    }
    expect((await client.get(path)).header("cache-status")).toMatch(/fwd=uri-miss/);
  });

  test("what is not there is asked for each time", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey()}`;
    expect((await client.get(path)).header("cache-control")).toBe("no-store");
    expect((await client.get(path)).header("cache-status")).toBe("zgate; fwd=uri-miss; fwd-status=404");
    await client.put(path, { n: 1 }, { token });
    expect((await client.get(path)).status).toBe(200);
  });
});

describe("what is private", () => {
  const surface = useSurface();

  test("never comes out of the cache: each read is judged anew", async () => {
    const { client, gateway } = surface();
    const path = `/carts/${freshKey()}`;
    const [reader, writer, foreign] = await Promise.all([
      gateway.token("carts:read", { subject: "owner" }),
      gateway.token("carts:write"),
      gateway.token("products:read notes:read"),
    ]);
    await client.put(path, { secret: 1 }, { token: writer });
    for (let round = 0; round < 3; round += 1) {
      const read = await client.get(path, { token: reader });
      expect(read.json()).toEqual({ secret: 1 });
      expect(read.header("cache-control")).toBe("private, no-store");
      expect(read.header("age")).toBe("");
      expect(read.header("cache-status")).not.toMatch(/hit|stored/);
      for (const [token, code] of [
        [undefined, "UNAUTHENTICATED"],
        [foreign, "FORBIDDEN"],
        [writer, "FORBIDDEN"],
        ["x.y.z", "INVALID_TOKEN"],
      ] as const) {
        const refused = await client.get(path, token === undefined ? {} : { token });
        expect(refused.json().code).toBe(code);
        expect(refused.text).not.toContain("secret");
        const etag = { "if-none-match": read.header("etag") };
        const probe = await client.get(path, token === undefined ? { headers: etag } : { token, headers: etag });
        expect(probe.json().code).toBe(code);
      }
    }
  });
});
