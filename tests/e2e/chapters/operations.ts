// Chapter: what a gateway says about itself, OPTIONS and CORS, and that shards listen to edges only.
// Must not change documents.
import { request } from "undici";
import { describe, expect, test } from "vitest";
import { HEADER } from "../../../router/contract.ts";
import { PROBLEMS } from "../../../router/problem.ts";
import { NOTES_ORIGIN } from "../gateway-config.ts";
import type { ShardRequest } from "../shard-client.ts";
import { freshKey, useSurface } from "./surface.ts";

const FOREIGN = "https://elsewhere.example";

describe("what a gateway says about itself", () => {
  const surface = useSurface();

  test("it is alive, ready, and says what it serves", async () => {
    const { client } = surface();
    expect((await client.get("/readyz")).json()).toEqual({ status: "ready" });
    const health = (await client.get("/healthz")).json();
    expect(health.status).toBe("ok");
    expect(health.maps).toContainEqual({ collection: "products", version: 1, ageSeconds: expect.any(Number) });
    const { collections } = (await client.get("/")).json();
    expect(collections).toContainEqual({ name: "carts", path: "/carts", kind: "hash", read: "permission" });
    for (const path of ["/", "/healthz", "/readyz", "/problems"]) {
      expect((await client.send("HEAD", path)).status, path).toBe(200);
      expect((await client.send("PUT", path, { body: "{}" })).header("allow"), path).toBe("GET, HEAD, OPTIONS");
    }
  });

  test("every error code is explained where `type` points", async () => {
    const { client } = surface();
    const { problems } = (await client.get("/problems")).json();
    expect(problems.map(({ code }: { code: string }) => code)).toEqual(Object.keys(PROBLEMS));
    const { type } = (await client.get("/products/none")).json();
    expect((await client.get(type)).text).toContain("DOCUMENT_NOT_FOUND (404)");
    expect((await client.get("/problems/NOTHING")).status).toBe(404);
  });

  test("the map is shown to operators only", async () => {
    const { client, gateway, token } = surface();
    expect((await client.get("/maps/products")).json().code).toBe("UNAUTHENTICATED");
    expect((await client.get("/maps/products", { token })).json().code).toBe("FORBIDDEN");
    const operator = await gateway.token("zgate:operate");
    expect((await client.get("/maps/products", { token: operator })).json()).toEqual({
      collection: "products",
      version: 1,
      ranges: [
        { start: "", end: "m", shard: "shard-1" },
        { start: "m", end: null, shard: "shard-2" },
      ],
    });
  });
});

describe("OPTIONS and CORS", () => {
  const surface = useSurface();
  const preflight = (origin: string) => ({ origin, "access-control-request-method": "PUT" });

  test("OPTIONS names the methods of a resource", async () => {
    const { client } = surface();
    const document = await client.send("OPTIONS", "/carts/a");
    expect(document).toMatchObject({ status: 204, text: "" });
    expect(document.header("allow")).toBe("GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    expect((await client.send("OPTIONS", "/carts")).header("allow")).toBe("GET, HEAD, OPTIONS");
    expect((await client.send("OPTIONS", "/nothing/a")).status).toBe(404);
  });

  test("a collection open to all origins answers a preflight of any", async () => {
    const { client } = surface();
    const answer = await client.send("OPTIONS", "/products/a", { headers: preflight(FOREIGN) });
    expect(answer.header("access-control-allow-origin")).toBe("*");
    expect(answer.header("access-control-allow-methods")).toContain("PUT");
    expect(answer.header("access-control-allow-headers")).toContain("Idempotency-Key");
    expect(answer.header("access-control-max-age")).toBe("600");
    const read = await client.get("/products/none", { headers: { origin: FOREIGN } });
    expect(read.header("access-control-allow-origin")).toBe("*");
    expect(read.header("access-control-expose-headers")).toContain("ETag");
  });

  test("a collection open to one origin says so to that one only", async () => {
    const { client } = surface();
    const own = await client.send("OPTIONS", "/notes/a", { headers: preflight(NOTES_ORIGIN) });
    expect(own.header("access-control-allow-origin")).toBe(NOTES_ORIGIN);
    expect(own.header("vary")).toContain("Origin");
    const foreign = await client.send("OPTIONS", "/notes/a", { headers: preflight(FOREIGN) });
    expect(foreign.header("access-control-allow-origin")).toBe("");
    expect(foreign.header("access-control-allow-methods")).toBe("");
    const refused = await client.put(`/notes/${freshKey()}`, 1, { headers: { origin: NOTES_ORIGIN } });
    expect(refused.status).toBe(401);
    expect(refused.header("access-control-allow-origin")).toBe(NOTES_ORIGIN);
  });

  test("a collection without CORS allows no origin", async () => {
    const { client } = surface();
    const answer = await client.send("OPTIONS", "/carts/a", { headers: preflight(FOREIGN) });
    expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });
});

describe("a shard that is asked directly", () => {
  const surface = useSurface();

  test("answers 401 to whatever is not signed, and only its health otherwise", async () => {
    const { gateway, token } = surface();
    const origin = gateway.shardOrigin("shard-1");
    for (const path of ["/products/a", "/products?from=&limit=1", "/internal/map?collection=products", "/nothing"]) {
      for (const headers of [{}, { authorization: `Bearer ${token}` }]) {
        const { statusCode, body } = await request(origin + path, { headers });
        expect(await body.json(), path).toMatchObject({ status: 401, code: "INVALID_SIGNATURE" });
        expect(statusCode).toBe(401);
      }
    }
    const put = await request(`${origin}/products/a`, { method: "PUT", body: "1" });
    expect(put.statusCode).toBe(401);
    await put.body.dump();
    const health = await request(`${origin}/internal/health`);
    expect(await health.body.json()).toMatchObject({ shard: "shard-1", ready: true });
  });

  const key = freshKey("direct");
  const write: ShardRequest = { method: "PUT", path: `/products/${key}`, body: '{"n":1}' };
  test.for<readonly [string, Partial<ShardRequest> & { readonly body?: string }]>([
    ["signed 31 s ago", { clockOffsetMs: -31_000 }],
    ["signed 31 s ahead", { clockOffsetMs: 31_000 }],
    ["with one changed byte of its signature", { bend: bendLast(HEADER.signature) }],
    ["with another subject", { bend: (headers) => void (headers[HEADER.subject] = "admin") }],
    ["with more permissions", { bend: (headers) => void (headers[HEADER.permissions] += " zgate:operate") }],
    ["with an added precondition", { bend: (headers) => void (headers["if-match"] = "*") }],
    ["with an unknown key id", { bend: (headers) => void (headers[HEADER.keyId] = "nobody") }],
    ["with another body digest", { bend: bendLast(HEADER.bodyDigest) }],
  ])("refuses a request %s, and does not apply it", async ([, change]) => {
    const { gateway, client } = surface();
    const answer = await gateway.shard("shard-1").send({ ...write, ...change });
    expect(answer.json()).toMatchObject({ status: 401, code: "INVALID_SIGNATURE" });
    expect((await client.get(`/products/${key}`)).status).toBe(404);
  });

  test("takes the same request when nothing is changed", async () => {
    const { gateway } = surface();
    const shard = gateway.shard("shard-1");
    expect((await shard.send({ ...write, path: `/products/${key}-as-it-was` })).status).toBe(201);
  });

  test("says 421 for a slot of another shard, and does not apply it", async () => {
    const { gateway, client } = surface();
    const wrong = await gateway.shard("shard-2").send(write);
    expect(wrong.status).toBe(421);
    expect(wrong.json()).toEqual({ slot: "di", epoch: 0, owner: null });
    expect((await client.get(`/products/${key}`)).status).toBe(404);
  });
});

function bendLast(name: string): (headers: Record<string, string>) => void {
  return (headers) => {
    const value = headers[name] ?? "";
    headers[name] = value.slice(0, -2) + (value.at(-2) === "A" ? "B" : "A") + value.slice(-1);
  };
}
