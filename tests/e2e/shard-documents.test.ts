// Every row of the HTTP table, directly against a shard with signed requests.
// Must not test what only the edge does.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HEADER } from "../../router/contract.ts";
import { createShardClient, type ShardClient, type ShardRequest } from "./shard-client.ts";
import { createTwoShards, type ShardFiles, type ShardProcess, startShard } from "./shard-process.ts";

let files: ShardFiles;
let shard: ShardProcess;
let client: ShardClient;
let serial = 0;

beforeAll(async () => {
  const made = await createTwoShards();
  files = made.files;
  shard = await startShard({ files, shard: "shard-1", port: made.ports[0] });
  client = createShardClient(shard.origin);
});

afterAll(async () => {
  await client.close();
  await shard.destroy();
  await files.remove();
});

/** A path that no other test uses, in a slot of shard-1. */
function freshPath(collection = "products"): string {
  serial += 1;
  return `/${collection}/a${serial}`;
}

async function put(path: string, body = "{}", headers: Readonly<Record<string, string>> = {}) {
  return client.send({ method: "PUT", path, body, headers });
}

const NO_READ = { [HEADER.permissions]: "products:write" };

describe("GET and HEAD", () => {
  test("200 with the stored text, ETag and Last-Modified", async () => {
    const path = freshPath();
    const text = '{ "price": 1.10,\n "big": 12345678901234567890, "name": "é😀" }';
    const written = await put(path, text);
    const read = await client.send({ path });
    expect(read).toMatchObject({ status: 200, text });
    expect(read.headers["etag"]).toBe(written.headers["etag"]);
    expect(read.headers["content-type"]).toBe("application/json");
    expect(new Date(String(read.headers["last-modified"])).toUTCString()).toBe(read.headers["last-modified"]);
    const head = await client.send({ method: "HEAD", path });
    expect(head).toMatchObject({ status: 200, text: "" });
    expect(head.headers["content-length"]).toBe(String(Buffer.byteLength(text)));
    expect(head.headers["etag"]).toBe(read.headers["etag"]);
  });

  test("304 for If-None-Match, strong, weak or star; 412 for another If-Match", async () => {
    const path = freshPath();
    const etag = String((await put(path)).headers["etag"]);
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const answer = await client.send({ path, headers: { "if-none-match": tag } });
      expect(answer).toMatchObject({ status: 304, text: "" });
      expect(answer.headers["etag"]).toBe(etag);
    }
    expect((await client.send({ path, headers: { "if-none-match": '"x"' } })).status).toBe(200);
    expect((await client.send({ path, headers: { "if-match": '"x"' } })).status).toBe(412);
    expect((await client.send({ path, headers: { "if-match": etag } })).status).toBe(200);
  });

  test("404 for a document that is not there, also with preconditions", async () => {
    const path = freshPath();
    for (const headers of [{}, { "if-none-match": "*" }, { "if-match": "*" }]) {
      const answer = await client.send({ path, headers });
      expect(answer.status).toBe(404);
      expect(answer.json()).toMatchObject({ code: "DOCUMENT_NOT_FOUND", retryable: false });
      expect(answer.headers["content-type"]).toBe("application/problem+json");
    }
    expect(await client.send({ method: "HEAD", path })).toMatchObject({ status: 404, text: "" });
  });

  test("a private collection needs the permission to read, a public one does not", async () => {
    expect((await client.send({ path: "/products/absent", headers: { [HEADER.permissions]: "" } })).status).not.toBe(
      403,
    );
    const refused = await client.send({ path: "/carts/a", headers: NO_READ });
    expect(refused.status).toBe(403);
    expect(refused.json().detail).toContain("carts:read");
  });
});

describe("PUT", () => {
  test("201, then 200, each with a new ETag and the client's answer", async () => {
    const path = freshPath();
    const first = await put(path, '{"a":1}');
    expect(first.status).toBe(201);
    expect(first.json()).toEqual({
      key: path.slice("/products/".length),
      etag: first.headers["etag"],
      lastModified: first.headers["last-modified"],
    });
    const second = await put(path, '{"a":2}');
    expect(second.status).toBe(200);
    expect(second.headers["etag"]).not.toBe(first.headers["etag"]);
    expect((await client.send({ path })).text).toBe('{"a":2}');
  });

  test("If-Match and If-None-Match decide, and 412 carries the current ETag", async () => {
    const path = freshPath();
    const missing = await put(path, "1", { "if-match": "*" });
    expect(missing.status).toBe(412);
    expect(missing.headers["etag"]).toBeUndefined();
    const created = await put(path, "1", { "if-none-match": "*" });
    expect(created.status).toBe(201);
    const again = await put(path, "2", { "if-none-match": "*" });
    expect(again.status).toBe(412);
    expect(again.headers["etag"]).toBe(created.headers["etag"]);
    expect((await put(path, "3", { "if-match": `W/${String(created.headers["etag"])}` })).status).toBe(412);
    expect((await put(path, "4", { "if-match": String(created.headers["etag"]) })).status).toBe(200);
    expect((await client.send({ path })).text).toBe("4");
  });

  test("a collection may demand preconditions: 428", async () => {
    const path = freshPath("notes");
    expect((await put(path)).status).toBe(428);
    expect((await put(path, "{}", { "if-none-match": "*" })).status).toBe(201);
    expect((await client.send({ method: "DELETE", path })).status).toBe(428);
    expect((await client.send({ method: "DELETE", path, headers: { "if-match": "*" } })).status).toBe(204);
  });

  test("the largest document fits, one byte more does not: 413", async () => {
    const fits = `"${"x".repeat(1022)}"`;
    const headers = { "if-none-match": "*" };
    expect((await put(freshPath("notes"), fits, headers)).status).toBe(201);
    expect((await put(freshPath("notes"), `${fits} `, headers)).status).toBe(413);
    const large = `"${"é".repeat(128 * 1024 - 1)}"`;
    expect((await put(freshPath(), large)).status).toBe(201);
    expect((await put(freshPath(), `${large} `)).status).toBe(413);
  });

  test.each<[string, Partial<ShardRequest>, number, string]>([
    ["broken JSON", { body: '{\n"a":}' }, 400, "line 2, column 5"],
    ["no body", { body: "" }, 400, "line 1, column 1"],
    ["not UTF-8", { body: Uint8Array.of(0x22, 0xff, 0x22) }, 400, "not UTF-8"],
    ["too deep", { body: "[".repeat(129) + "]".repeat(129) }, 400, "nested deeper than 128"],
    ["no content type", { headers: { "content-type": "" } }, 415, "application/json"],
    ["text", { headers: { "content-type": "text/plain" } }, 415, "application/json"],
    ["compressed", { headers: { "content-encoding": "gzip" } }, 415, "Content-Encoding"],
    ["a broken If-Match", { headers: { "if-match": "abc" } }, 400, "If-Match"],
    ["a broken Idempotency-Key", { headers: { "idempotency-key": "a b" } }, 400, "Idempotency-Key"],
    ["no permission", { headers: { [HEADER.permissions]: "products:read carts:write" } }, 403, "products:write"],
    ["no op", { headers: { [HEADER.op]: "1" } }, 400, HEADER.op],
  ])("%s is refused and changes nothing", async (_name, asked, status, detail) => {
    const path = freshPath();
    const answer = await client.send({ method: "PUT", path, body: "{}", ...asked });
    expect(answer.status).toBe(status);
    expect(answer.json().detail).toContain(detail);
    expect((await client.send({ path })).status).toBe(404);
  });

  test("+json types are documents too", async () => {
    expect((await put(freshPath(), "{}", { "content-type": "application/ld+json; charset=utf-8" })).status).toBe(201);
  });
});

describe("PATCH", () => {
  const patch = (path: string, body: string, headers = {}) => client.send({ method: "PATCH", path, body, headers });

  test("merges, keeps number literals, removes nulls", async () => {
    const path = freshPath();
    await put(path, '{"a":1.10,"b":{"c":1,"d":2},"e":12345678901234567890}');
    const answer = await patch(path, '{"b":{"c":null},"f":1e2}', { "content-type": "application/merge-patch+json" });
    expect(answer.status).toBe(200);
    expect((await client.send({ path })).text).toBe('{"a":1.10,"b":{"d":2},"e":12345678901234567890,"f":1e2}');
    expect(answer.json().etag).toBe((await client.send({ path })).headers["etag"]);
  });

  test("404 and 412", async () => {
    const path = freshPath();
    expect((await patch(path, "{}")).status).toBe(404);
    expect((await patch(path, "{}", { "if-match": "*" })).status).toBe(412);
    const etag = String((await put(path)).headers["etag"]);
    const refused = await patch(path, "{}", { "if-match": '"x"' });
    expect(refused.status).toBe(412);
    expect(refused.headers["etag"]).toBe(etag);
  });

  test("another patch format: 415 with Accept-Patch", async () => {
    const answer = await patch(freshPath(), "[]", { "content-type": "application/json-patch+json" });
    expect(answer.status).toBe(415);
    expect(answer.headers["accept-patch"]).toContain("application/merge-patch+json");
  });

  test("a merge that outgrows the limit: 413", async () => {
    const path = freshPath("notes");
    await put(path, `{"a":"${"x".repeat(900)}"}`, { "if-none-match": "*" });
    const answer = await patch(path, `{"b":"${"x".repeat(900)}"}`, { "if-match": "*" });
    expect(answer.status).toBe(413);
  });
});

describe("DELETE", () => {
  test("204, then 404, and the document is gone", async () => {
    const path = freshPath();
    await put(path);
    const gone = await client.send({ method: "DELETE", path });
    expect(gone).toMatchObject({ status: 204, text: "" });
    expect((await client.send({ method: "DELETE", path })).status).toBe(404);
    expect((await client.send({ path })).status).toBe(404);
    expect((await put(path)).status).toBe(201);
  });

  test("If-Match decides", async () => {
    const path = freshPath();
    const etag = String((await put(path)).headers["etag"]);
    const refused = await client.send({ method: "DELETE", path, headers: { "if-match": '"x"' } });
    expect(refused.status).toBe(412);
    expect(refused.headers["etag"]).toBe(etag);
    expect((await client.send({ method: "DELETE", path, headers: { "if-match": etag } })).status).toBe(204);
  });
});

describe("lists", () => {
  test("lines of finished items in order, with the document's own numbers, up to what is owned", async () => {
    await put("/products/l-b", '{\n"n": 1.0,\r\n"b": 2}');
    await put("/products/l-a", '{"n":12345678901234567890}');
    const page = await client.send({ path: "/products", query: "from=l-&limit=10" });
    expect(page.headers["content-type"]).toBe("application/x-ndjson");
    const lines = page.text.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /^\{"key":"l-a","etag":"\\"[0-9a-f-]{36}\\"","lastModified":"[^"]+ GMT","value":\{"n":12345678901234567890\}\}$/,
    );
    expect(lines[1]).toContain('"value":{ "n": 1.0,  "b": 2}}');
    expect(page.headers[HEADER.listCovered]).toBe("m");
  });

  test("limit and after make pages without gaps", async () => {
    for (const key of ["j1", "j2", "j3"]) await put(`/products/${key}`);
    const first = await client.send({ path: "/products", query: "from=j&to=k&limit=2" });
    const keysOf = (text: string): string[] =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).key);
    expect(keysOf(first.text)).toEqual(["j1", "j2"]);
    expect(first.headers[HEADER.listCovered]).toBeDefined();
    const second = await client.send({ path: "/products", query: "after=j2&to=k&limit=2" });
    expect(keysOf(second.text)).toEqual(["j3"]);
    expect(second.headers[HEADER.listCovered]).toBeUndefined();
  });

  test("a page that begins in a slot of another shard: 421", async () => {
    const answer = await client.send({ path: "/products", query: "from=m&limit=10" });
    expect(answer.status).toBe(421);
    expect(answer.json()).toMatchObject({ epoch: 0, owner: null });
  });

  test.each([["limit=0&from="], ["from=a"], ["limit=10"], ["from=a&limit=10&x=1"]])("%s: 400", async (query) => {
    expect((await client.send({ path: "/products", query })).status).toBe(400);
  });

  test("a private collection: 403", async () => {
    expect((await client.send({ path: "/carts", query: "from=&limit=1", headers: NO_READ })).status).toBe(403);
  });
});

describe("paths", () => {
  test.each([
    ["/", 404],
    ["/nowhere", 404],
    ["/nowhere/a", 404],
    ["/products/a/b", 404],
    ["/products/a/", 404],
    ["//products/a", 404],
    ["/products/", 404],
    ["/internal/nothing", 404],
    ["/internal", 404],
    ["/products/ABC", 400],
    ["/products/a%62c", 400],
    ["/products/%C3%89", 400],
    ["/products/e%CC%81", 400],
    ["/products/a%2Fb", 400],
    ["/products/a%252Fb", 400],
    ["/products/%2e%2e", 400],
    ["/products/..", 400],
    ["/products/.%2E/products/a", 400],
    ["/products/%00", 400],
    ["/products/%ff", 400],
    ["/products/%", 400],
    ["/products/a+b", 400],
    ["/products/a:b", 400],
    [`/products/${"a".repeat(257)}`, 400],
    [`/products/${"a".repeat(5000)}`, 414],
    ["/products/a\\b", 400],
    ["/products/a#b", 400],
  ])("%s: %i", async (path, status) => {
    const answer = await client.send({ path });
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(Object.keys(answer.json())).toEqual(
      expect.arrayContaining(["type", "title", "status", "detail", "code", "retryable", "requestId"]),
    );
  });

  test.each([
    ["POST", "/products/a", "GET, HEAD, PUT, PATCH, DELETE"],
    ["OPTIONS", "/products/a", "GET, HEAD, PUT, PATCH, DELETE"],
    ["PUT", "/products", "GET"],
    ["DELETE", "/products", "GET"],
    ["POST", "/internal/map", "GET"],
    ["PUT", "/internal/health", "GET"],
  ])("%s %s: 405 with Allow", async (method, path, allow) => {
    const asked = path === "/internal/health" ? { method, path } : { method, path, body: "{}" };
    const answer = await client.send(asked);
    expect(answer.status).toBe(405);
    expect(answer.headers["allow"]).toBe(allow);
  });
});

describe("internal paths", () => {
  test("the map, and who owns a slot", async () => {
    const map = await client.send({ path: "/internal/map", query: "collection=products" });
    expect(map.json()).toMatchObject({
      collection: "products",
      version: 1,
      ranges: [{ start: "", end: "m" }, { start: "m" }],
    });
    const owned = await client.send({ path: "/internal/ownership", query: "collection=products&slot=ab" });
    expect(owned.json()).toMatchObject({ state: "OWNER", epoch: 1 });
    const other = await client.send({ path: "/internal/ownership", query: "collection=products&slot=mb" });
    expect(other.json()).toMatchObject({ state: "NONE", epoch: 0 });
  });

  test.each([
    ["/internal/map", ""],
    ["/internal/map", "collection=nowhere"],
    ["/internal/map", "collection=products&x=1"],
    ["/internal/ownership", "collection=products"],
    ["/internal/ownership", "collection=products&slot=nope"],
  ])("%s?%s: 400", async (path, query) => {
    expect((await client.send({ path, query })).status).toBe(400);
  });

  test("health needs no signature and tells no secrets", async () => {
    const answer = await fetch(`${shard.origin}/internal/health`);
    expect(answer.status).toBe(200);
    expect(Object.keys(JSON.parse(await answer.text()))).toEqual(["shard", "pid", "ready"]);
  });
});
