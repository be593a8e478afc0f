// Chapter: one document. Every row of the public table about GET, HEAD, PUT, PATCH and DELETE, their limits and refusals.
// Must not test lists, caching or tokens.
import { describe, expect, test } from "vitest";
import { DOCUMENT_BYTES_MAX } from "../../../router/contract.ts";
import { NOTE_BYTES_MAX } from "../gateway-config.ts";
import { freshKey, useSurface } from "./surface.ts";

const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
const STRONG_TAG = /^"[0-9a-f-]{36}"$/;
const MERGE = { "content-type": "application/merge-patch+json" };

/** A JSON text of exactly `bytes` bytes. */
function jsonOf(bytes: number): string {
  return `"${"x".repeat(bytes - 2)}"`;
}

describe("reading and writing a document", () => {
  const surface = useSurface();

  test.for(["alpha", "zulu"])("a document at the shard of %s is created, read, replaced and deleted", async (start) => {
    const { client, token } = surface();
    const path = `/products/${freshKey(start)}`;
    const text = '{ "version" : "1.0.0",\n  "precise": 1.000000000000000000001e400 }';
    const created = await client.put(path, text, { token });
    expect(created.status).toBe(201);
    expect(created.header("etag")).toMatch(STRONG_TAG);
    expect(created.header("last-modified")).toMatch(HTTP_DATE);
    expect(created.json()).toEqual({
      key: path.slice("/products/".length),
      etag: created.header("etag"),
      lastModified: created.header("last-modified"),
    });

    const read = await client.get(path);
    expect(read).toMatchObject({ status: 200, text });
    expect(read.header("content-type")).toBe("application/json");
    expect(read.header("etag")).toBe(created.header("etag"));
    expect(read.header("last-modified")).toBe(created.header("last-modified"));

    const head = await client.send("HEAD", path);
    expect(head.status).toBe(200);
    expect(head.header("etag")).toBe(read.header("etag"));

    const replaced = await client.put(path, { version: "2.0.0" }, { token });
    expect(replaced.status).toBe(200);
    expect(replaced.header("etag")).not.toBe(created.header("etag"));
    expect((await client.get(path)).json()).toEqual({ version: "2.0.0" });

    const deleted = await client.send("DELETE", path, { token });
    expect(deleted).toMatchObject({ status: 204, text: "" });
    expect((await client.get(path)).json().code).toBe("DOCUMENT_NOT_FOUND");
    expect((await client.send("HEAD", path)).status).toBe(404);
    expect((await client.send("DELETE", path, { token })).json().code).toBe("DOCUMENT_NOT_FOUND");
  });

  test("one key has one document, however it is spelled", async () => {
    const { client, token } = surface();
    const key = freshKey("caf");
    await client.put(`/products/${key}%C3%89`, { n: 1 }, { token });
    const spellings = [`${key}é`, `${key}%c3%a9`, `${key.toUpperCase()}e%CC%81`, `${key}E%cc%81`];
    for (const spelling of spellings) {
      const path = `/products/${Buffer.from(spelling).toString("latin1")}`;
      expect((await client.get(path)).json(), spelling).toEqual({ n: 1 });
    }
    expect((await client.get(`/products/${key}e`)).status).toBe(404);
  });

  test.for(["products", "prices"])("304 for the ETag a client names, in %s", async (collection) => {
    const { client, token } = surface();
    const path = `/${collection}/${freshKey()}`;
    const etag = (await client.put(path, { n: 1 }, { token })).header("etag");
    for (const value of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      for (const method of ["GET", "HEAD"]) {
        const answer = await client.send(method, path, { headers: { "if-none-match": value } });
        expect(answer, `${method} ${value}`).toMatchObject({ status: 304, text: "" });
        expect(answer.header("etag")).toBe(etag);
      }
    }
    const other = await client.get(path, { headers: { "if-none-match": '"other"' } });
    expect(other).toMatchObject({ status: 200, text: '{"n":1}' });
    const broken = await client.get(path, { headers: { "if-none-match": "unquoted" } });
    expect(broken.json().code).toBe("INVALID_PARAMETER");
    const wanted = await client.get(path, { headers: { "if-match": '"other"' } });
    expect(wanted.json().code).toBe("PRECONDITION_FAILED");
    expect(wanted.header("etag")).toBe(etag);
  });

  test("If-Match and If-None-Match decide about a write, and 412 names the current ETag", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey()}`;
    const missing = await client.put(path, { n: 0 }, { token, headers: { "if-match": "*" } });
    expect(missing.json().code).toBe("PRECONDITION_FAILED");
    expect(missing.header("etag")).toBe("");
    const first = await client.put(path, { n: 1 }, { token, headers: { "if-none-match": "*" } });
    expect(first.status).toBe(201);
    const again = await client.put(path, { n: 2 }, { token, headers: { "if-none-match": "*" } });
    expect(again.json().code).toBe("PRECONDITION_FAILED");
    expect(again.header("etag")).toBe(first.header("etag"));
    const second = await client.put(path, { n: 3 }, { token, headers: { "if-match": first.header("etag") } });
    expect(second.status).toBe(200);
    for (const [method, body] of [
      ["PUT", '{"n":4}'],
      ["PATCH", '{"n":4}'],
      ["DELETE", undefined],
    ] as const) {
      const headers = { "content-type": "application/json", "if-match": first.header("etag") };
      const late = await client.send(method, path, { token, headers, ...(body === undefined ? {} : { body }) });
      expect(late.json().code, method).toBe("PRECONDITION_FAILED");
      expect(late.header("etag"), method).toBe(second.header("etag"));
      const weak = { ...headers, "if-match": `W/${second.header("etag")}` };
      const answer = await client.send(method, path, {
        token,
        headers: weak,
        ...(body === undefined ? {} : { body }),
      });
      expect(answer.status, `${method} with a weak tag`).toBe(412);
    }
    expect((await client.get(path)).json()).toEqual({ n: 3 });
    const gone = await client.send("DELETE", path, { token, headers: { "if-match": second.header("etag") } });
    expect(gone.status).toBe(204);
  });

  test("of many writers with the same ETag exactly one wins", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey("race")}`;
    const etag = (await client.put(path, { n: 0 }, { token })).header("etag");
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, n) => client.put(path, { n }, { token, headers: { "if-match": etag } })),
    );
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(15);
    const winner = answers.findIndex(({ status }) => status === 200);
    expect((await client.get(path)).json()).toEqual({ n: winner });
  });

  test("PATCH merges (RFC 7396) and keeps numbers as they were written", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey("p")}`;
    const big = "123456789012345678901234567890";
    await client.put(path, `{"big":${big},"small":1e-400,"gone":1,"nest":{"a":1,"b":2.50}}`, { token });
    const patch = `{"gone":null,"nest":{"a":null,"c":9007199254740993},"__proto__":{"x":1}}`;
    const patched = await client.send("PATCH", path, { token, headers: MERGE, body: patch });
    expect(patched.status).toBe(200);
    expect(patched.json()).toMatchObject({ etag: patched.header("etag") });
    const read = await client.get(path);
    expect(read.text).toBe(`{"big":${big},"small":1e-400,"nest":{"b":2.50,"c":9007199254740993},"__proto__":{"x":1}}`);
    expect(read.header("etag")).toBe(patched.header("etag"));
    const scalar = await client.send("PATCH", path, { token, headers: MERGE, body: "[1]" });
    expect(scalar.status).toBe(200);
    expect((await client.get(path)).text).toBe("[1]");
  });

  test("PATCH and DELETE of what is not there are 404, and create nothing", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey()}`;
    const patch = await client.send("PATCH", path, { token, headers: MERGE, body: "{}" });
    expect(patch.json().code).toBe("DOCUMENT_NOT_FOUND");
    expect((await client.get(path)).status).toBe(404);
  });

  test("a document at the size limit is taken, one byte more is not", async () => {
    const { client, token } = surface();
    const limits = [
      ["prices", DOCUMENT_BYTES_MAX],
      ["notes", NOTE_BYTES_MAX],
    ] as const;
    for (const [collection, bytesMax] of limits) {
      const path = `/${collection}/${freshKey()}`;
      const headers = { "if-none-match": "*" };
      const over = await client.put(path, jsonOf(bytesMax + 1), { token, headers });
      expect(over.json(), collection).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
      const exact = await client.put(path, jsonOf(bytesMax), { token, headers });
      expect(exact.status, collection).toBe(201);
      expect((await client.get(path)).text.length, collection).toBe(bytesMax);
    }
  });

  test("a merge may not outgrow the limit either", async () => {
    const { client, token } = surface();
    const path = `/notes/${freshKey()}`;
    const half = "x".repeat(NOTE_BYTES_MAX / 2);
    const etag = (await client.put(path, { a: half }, { token, headers: { "if-none-match": "*" } })).header("etag");
    const body = JSON.stringify({ b: half });
    const over = await client.send("PATCH", path, { token, headers: { ...MERGE, "if-match": etag }, body });
    expect(over.json().code).toBe("DOCUMENT_TOO_LARGE");
    expect((await client.get(path)).json()).toEqual({ a: half });
  });

  test("a key of 256 bytes is taken, one of 257 is not", async () => {
    const { client, token } = surface();
    const key = freshKey().padEnd(256, "k");
    expect((await client.put(`/prices/${key}`, 1, { token })).status).toBe(201);
    expect((await client.get(`/prices/${key.toUpperCase()}`)).text).toBe("1");
    const long = await client.put(`/prices/${key}k`, 1, { token });
    expect(long.json()).toMatchObject({ code: "INVALID_KEY", reason: "TOO_LONG" });
    const encoded = `${"a".repeat(13)}-${"%C3%A9".repeat(121)}`;
    expect((await client.put(`/prices/${encoded}`, 2, { token })).status).toBe(201);
    expect((await client.put(`/prices/${encoded}a`, 2, { token })).json().reason).toBe("TOO_LONG");
  });

  test.for([
    ["not JSON", "{]", "INVALID_JSON", "line 1, column 2"],
    ["two values", "1\n 2", "INVALID_JSON", "line 2, column 2"],
    ["nothing", "", "INVALID_JSON", "line 1, column 1"],
    ["deeper than 128", "[".repeat(129) + "]".repeat(129), "INVALID_JSON", "column 129"],
    ["a byte-order mark", "\ufeff1", "INVALID_JSON", "line 1, column 1"],
  ] as const)("a body that is %s is refused with its place", async ([, body, code, place]) => {
    const { client, token } = surface();
    const answer = await client.send("PUT", `/prices/${freshKey()}`, {
      ...{ token, body },
      headers: { "content-type": "application/json" },
    });
    expect(answer.json()).toMatchObject({ status: 400, code });
    expect(answer.json().detail).toContain(place);
  });

  test("a body that is not UTF-8 is refused with its place", async () => {
    const { client, token } = surface();
    const body = Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]);
    const headers = { "content-type": "application/json" };
    const answer = await client.send("PUT", `/prices/${freshKey()}`, { token, headers, body });
    expect(answer.json()).toMatchObject({ status: 400, code: "INVALID_JSON" });
    expect(answer.json().detail).toContain("line 1, column 3");
  });

  test("other media types are 415; PATCH says which it takes", async () => {
    const { client, token } = surface();
    const path = `/prices/${freshKey()}`;
    for (const type of ["text/plain", "application/xml", "application/json; charset=latin1", ""]) {
      const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
      const put = await client.send("PUT", path, { token, headers, body: "{}" });
      expect(put.json().code, type).toBe("UNSUPPORTED_MEDIA_TYPE");
      const patch = await client.send("PATCH", path, { token, headers, body: "{}" });
      expect(patch.json().code, type).toBe("UNSUPPORTED_MEDIA_TYPE");
      expect(patch.header("accept-patch"), type).toContain("application/merge-patch+json");
    }
    const zipped = { "content-type": "application/json", "content-encoding": "gzip" };
    expect((await client.send("PUT", path, { token, headers: zipped, body: "{}" })).status).toBe(415);
    const other = { "content-type": "application/vnd.price+json; charset=UTF-8" };
    expect((await client.send("PUT", path, { token, headers: other, body: "{}" })).status).toBe(201);
  });

  test("a collection that demands If-Match answers 428 without it", async () => {
    const { client, token } = surface();
    const path = `/notes/${freshKey()}`;
    expect((await client.put(path, 1, { token })).json().code).toBe("PRECONDITION_REQUIRED");
    const created = await client.put(path, 1, { token, headers: { "if-none-match": "*" } });
    expect(created.status).toBe(201);
    const patch = await client.send("PATCH", path, { token, headers: MERGE, body: "{}" });
    expect(patch.json().code).toBe("PRECONDITION_REQUIRED");
    expect((await client.send("DELETE", path, { token })).json().code).toBe("PRECONDITION_REQUIRED");
    expect((await client.get(path)).text).toBe("1");
    const headers = { "if-match": created.header("etag") };
    expect((await client.send("DELETE", path, { token, headers })).status).toBe(204);
  });

  test("other methods are 405 with Allow, other paths 404", async () => {
    const { client, token } = surface();
    const post = await client.send("POST", `/products/${freshKey()}`, { token, body: "{}" });
    expect(post.json().code).toBe("METHOD_NOT_ALLOWED");
    expect(post.header("allow")).toBe("GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    expect((await client.send("DELETE", "/products", { token })).header("allow")).toBe("GET, HEAD, OPTIONS");
    for (const path of [
      "/nothing",
      "/nothing/a",
      "/products/a/b",
      "/internal/map",
      "/internal/health",
      "//",
      "/healthz/",
    ]) {
      expect((await client.get(path, { token })).json().code, path).toBe("ROUTE_NOT_FOUND");
    }
    const slash = await client.put(`/products/${freshKey()}/`, 1, { token });
    expect(slash.json().code, "a slash at the end makes another path").toBe("ROUTE_NOT_FOUND");
    expect((await client.get("/products/")).json()).toMatchObject({ code: "INVALID_KEY", reason: "EMPTY" });
  });

  test("a request that is too long is refused as that", async () => {
    const { client } = surface();
    const url = await client.get(`/products?prefix=${"a".repeat(9000)}`);
    expect(url.json().code).toBe("URI_TOO_LONG");
    const headers = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`x-long-${n}`, "a".repeat(2000)]));
    expect((await client.get("/products/a", { headers })).json().code).toBe("HEADERS_TOO_LARGE");
  });

  test("a client's own request id is used, one that is none is replaced", async () => {
    const { client } = surface();
    const own = await client.get("/products/none", { headers: { "x-request-id": "mine-1.2_3" } });
    expect(own.header("x-request-id")).toBe("mine-1.2_3");
    expect(own.json().requestId).toBe("mine-1.2_3");
    const bad = await client.get("/products/none", { headers: { "x-request-id": "no spaces allowed" } });
    expect(bad.header("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});
