// Documents through the edge: routing to the owner, headers in both directions, limits, methods, CORS.
// It must not test caching, tokens or failures: they have their own files.
import { describe, expect, it } from "vitest";
import { codeOf, ORIGIN, putJson, startEdge } from "./fixture/edge-fixture.ts";
import { advanceWhile, gate } from "./fixture/fake-clock.ts";

describe("a document", () => {
  it("goes to the shard of its range and comes back as it was stored", async () => {
    const edge = startEdge();
    const json = '{"price":1.00,"n":12345678901234567890}';
    const put = await edge.fetchAs("/products/Zebra", putJson(json));
    expect(put.status).toBe(201);
    expect(put.headers.get("etag")).toMatch(/^"[0-9a-f-]{36}"$/);
    expect(await (await edge.fetch("/products/zebra")).text()).toBe(json);
    expect(edge.fleet.dataCalls.map((call) => call.origin)).toEqual([ORIGIN.two, ORIGIN.two]);
    expect(edge.fleet.dataCalls.every((call) => call.path === "/products/zebra")).toBe(true);
  });

  it.each(["Zebra", "ZEBRA", "%7Aebra", "z%65BRA"])(
    "has one spelling at the shard, however it is asked for: %s",
    async (segment) => {
      const edge = startEdge();
      await edge.fetch(`/products/${segment}`);
      expect(edge.fleet.dataCalls.map((call) => call.path)).toEqual(["/products/zebra"]);
    },
  );

  it("is deleted with 204 and no body", async () => {
    const edge = startEdge();
    await edge.fetchAs("/products/a", putJson("{}"));
    const gone = await edge.fetchAs("/products/a", { method: "DELETE" });
    expect([gone.status, await gone.text()]).toEqual([204, ""]);
    expect((await edge.fetch("/products/a")).status).toBe(404);
  });

  it("answers HEAD with the headers of GET and no body", async () => {
    const edge = startEdge();
    await edge.fetchAs("/carts/a", putJson('{"a":1}'));
    const head = await edge.fetch("/carts/a", { method: "HEAD" });
    expect([head.status, await head.text(), head.headers.has("etag")]).toEqual([200, "", true]);
    expect(edge.fleet.dataCalls.at(-1)?.method).toBe("HEAD");
  });

  it("streams: the head of the answer is there before the end of the body", async () => {
    const edge = startEdge();
    const end = gate();
    const body = new ReadableStream({
      async pull(controller) {
        await end.closed;
        controller.enqueue(new TextEncoder().encode("{}"));
        controller.close();
      },
    });
    edge.fleet.shard("shard-1").script = () => new Response(body, { headers: { etag: '"s"' } });
    const answer = await edge.fetchAs("/notes/a");
    end.open();
    expect(await answer.text()).toBe("{}");
  });
});

describe("headers", () => {
  it("pass to the shard only where the contract names them", async () => {
    const edge = startEdge();
    const headers = {
      "if-match": '"a"',
      "idempotency-key": "k",
      cookie: "c=1",
      "x-other": "1",
      "zgate-subject": "root",
      "zgate-op": "x",
    };
    await edge.fetchAs("/products/a", putJson("{}", headers));
    const [call] = edge.fleet.dataCalls;
    expect(
      Object.keys(call?.headers ?? {})
        .filter((name) => !name.startsWith("zgate-"))
        .sort(),
    ).toEqual(["content-type", "idempotency-key", "if-match"]);
    expect(call?.headers["zgate-subject"]).toBe("local tester");
    expect(call?.headers["zgate-op"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("of the internal hop never reach a client", async () => {
    const edge = startEdge();
    const answers = [
      await edge.fetchAs("/products/a", putJson("{}")),
      await edge.fetch("/products/a"),
      await edge.fetch("/products"),
    ];
    for (const { headers } of answers)
      expect([...headers.keys()].filter((name) => name.startsWith("zgate-"))).toEqual([]);
  });

  it("that could be signed in two ways are refused with 400", async () => {
    const edge = startEdge();
    const answer = await edge.fetchAs("/products/a", putJson("{}", { "if-match": '"\u00e9"' }));
    expect([answer.status, await codeOf(answer)]).toEqual([400, "INVALID_PARAMETER"]);
  });

  it.each([
    { name: "a valid one", given: "abc-1._X", kept: true },
    { name: "65 characters", given: "a".repeat(65), kept: false },
    { name: "a line break in disguise", given: "a%0a", kept: false },
    { name: "a space", given: "a b", kept: false },
  ])("X-Request-Id: $name", async ({ given, kept }) => {
    const edge = startEdge();
    const answer = await edge.fetch("/products/a", { headers: { "x-request-id": given } });
    const id = answer.headers.get("x-request-id");
    expect(id === given).toBe(kept);
    expect(edge.fleet.dataCalls[0]?.headers["zgate-request-id"]).toBe(id);
  });

  it("say who may keep a private answer: nobody", async () => {
    const edge = startEdge();
    await edge.fetchAs("/notes/a", putJson("{}"));
    expect((await edge.fetchAs("/notes/a")).headers.get("cache-control")).toBe("private, no-store");
    expect(edge.cache.matches).toBe(0);
  });
});

/** An upload of so many KiB that stops, without an end, after `stopAfter` of them. */
function uploadOf(kibibytes: number, stopAfter = kibibytes) {
  const state = { sent: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (state.sent === kibibytes) return controller.close();
      if (state.sent === stopAfter) return new Promise(() => undefined);
      state.sent += 1;
      controller.enqueue(new Uint8Array(1024));
    },
    cancel() {
      state.isCancelled = true;
    },
  });
  return { body, state };
}

describe("what is refused before any shard is asked", () => {
  const long = "a".repeat(8200);
  it.each([
    { name: "an unknown collection", path: "/nothing/a", init: {}, status: 404, code: "ROUTE_NOT_FOUND" },
    { name: "an encoded collection name", path: "/%70roducts/a", init: {}, status: 404, code: "ROUTE_NOT_FOUND" },
    { name: "a third segment", path: "/products/a/b", init: {}, status: 404, code: "ROUTE_NOT_FOUND" },
    { name: "a slash behind the key", path: "/products/a/", init: {}, status: 404, code: "ROUTE_NOT_FOUND" },
    { name: "the shards' own paths", path: "/internal/map", init: {}, status: 404, code: "ROUTE_NOT_FOUND" },
    { name: "no key behind the slash", path: "/products/", init: {}, status: 400, code: "INVALID_KEY" },
    { name: "an encoded slash", path: "/products/a%2Fb", init: {}, status: 400, code: "INVALID_KEY" },
    { name: "an encoded backslash", path: "/products/a%5cb", init: {}, status: 400, code: "INVALID_KEY" },
    { name: "dots and an encoded slash", path: "/products/..%2fcarts", init: {}, status: 400, code: "INVALID_KEY" },
    { name: "NUL", path: "/products/a%00", init: {}, status: 400, code: "INVALID_KEY" },
    { name: "overlong UTF-8", path: "/products/%c0%af", init: {}, status: 400, code: "INVALID_KEY" },
    { name: "a lone surrogate", path: "/products/%ed%a0%80", init: {}, status: 400, code: "INVALID_KEY" },
    { name: "a double encoding", path: "/products/a%252fb", init: {}, status: 400, code: "INVALID_KEY" },
    { name: "a broken escape", path: "/products/a%2", init: {}, status: 400, code: "INVALID_KEY" },
    { name: "a key of 257 bytes", path: `/products/${"a".repeat(257)}`, init: {}, status: 400, code: "INVALID_KEY" },
    { name: "a URL of more than 8 KiB", path: `/products/${long}`, init: {}, status: 414, code: "URI_TOO_LONG" },
    {
      name: "headers of more than 16 KiB",
      path: "/products/a",
      init: { headers: { "x-a": long, "x-b": long } },
      status: 431,
      code: "HEADERS_TOO_LARGE",
    },
    {
      name: "POST to a document",
      path: "/products/a",
      init: { method: "POST" },
      status: 405,
      code: "METHOD_NOT_ALLOWED",
    },
    {
      name: "PUT to a collection",
      path: "/products",
      init: { method: "PUT", body: "{}" },
      status: 405,
      code: "METHOD_NOT_ALLOWED",
    },
    {
      name: "DELETE of a readiness",
      path: "/readyz",
      init: { method: "DELETE" },
      status: 405,
      code: "METHOD_NOT_ALLOWED",
    },
  ])("$name: $status $code", async ({ path, init, status, code }) => {
    const edge = startEdge();
    const answer = await edge.fetch(path, init);
    expect([answer.status, await codeOf(answer)]).toEqual([status, code]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("x-request-id")).toBeTruthy();
    expect(edge.fleet.dataCalls).toEqual([]);
    expect(edge.logs).toEqual([]);
    if (status === 405) expect(answer.headers.get("allow")).toContain("GET");
  });

  it.each([
    { name: "by its Content-Length", body: () => "x".repeat(1025), headers: {} },
    { name: "while it is read", body: () => new Blob(["x".repeat(600), "x".repeat(600)]).stream(), headers: {} },
  ])("a body over the collection's limit, noticed $name: 413", async ({ body }) => {
    const edge = startEdge();
    const answer = await edge.fetchAs("/products/a", { method: "PUT", body: body() });
    expect([answer.status, await codeOf(answer)]).toEqual([413, "DOCUMENT_TOO_LARGE"]);
    expect(edge.fleet.dataCalls).toEqual([]);
  });

  it.each([
    { name: "in chunks", headers: {} },
    { name: "announced too long", headers: { "content-length": "51200" } },
  ])("hears out a body $name before it refuses it: to cancel it would cut the connection", async ({ headers }) => {
    const edge = startEdge();
    const upload = uploadOf(50);
    const answer = await edge.fetchAs("/products/a", { method: "PUT", body: upload.body, headers });
    expect([answer.status, upload.state]).toEqual([413, { sent: 50, isCancelled: false }]);
  });

  it("waits only a moment for the rest of a body that is too long", async () => {
    const edge = startEdge();
    const upload = uploadOf(50, 4);
    const request = edge.fetchAs("/products/a", { method: "PUT", body: upload.body });
    const elapsedMs = await advanceWhile(edge.clock, request);
    expect([(await request).status, upload.state]).toEqual([413, { sent: 4, isCancelled: true }]);
    expect(elapsedMs).toBeLessThan(1000);
  });

  it("takes a body of exactly the limit", async () => {
    const edge = startEdge();
    expect((await edge.fetchAs("/products/a", putJson(`"${"x".repeat(1022)}"`))).status).toBe(201);
  });

  it("an encoded body: 415", async () => {
    const edge = startEdge();
    const answer = await edge.fetchAs("/products/a", putJson("{}", { "content-encoding": "gzip" }));
    expect([answer.status, await codeOf(answer)]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
  });
});

describe("CORS", () => {
  const preflight = {
    method: "OPTIONS",
    headers: { origin: "http://shop.test", "access-control-request-method": "PUT" },
  };

  it("answers a preflight of a configured origin", async () => {
    const { status, headers } = await startEdge().fetch("/products/a", preflight);
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-origin")).toBe("http://shop.test");
    expect(headers.get("access-control-allow-methods")).toContain("PUT");
    expect(headers.get("access-control-allow-headers")).toContain("If-Match");
    expect(headers.get("access-control-max-age")).toBe("600");
    expect(headers.get("vary")).toContain("Origin");
  });

  it("lets a configured origin read answers and errors, and names the headers it may see", async () => {
    const edge = startEdge();
    for (const path of ["/products/a", "/products", "/products/a%2f"]) {
      const { headers } = await edge.fetch(path, { headers: { origin: "http://shop.test" } });
      expect(headers.get("access-control-allow-origin")).toBe("http://shop.test");
      for (const name of [
        "ETag",
        "Link",
        "Retry-After",
        "X-Request-Id",
        "Cache-Status",
        "Age",
        "Idempotency-Replayed",
      ]) {
        expect(headers.get("access-control-expose-headers")).toContain(name);
      }
    }
  });

  it("gives another origin nothing, but says that the answer depends on it", async () => {
    const edge = startEdge();
    for (const init of [
      { headers: { origin: "http://evil.test" } },
      { ...preflight, headers: { ...preflight.headers, origin: "http://evil.test" } },
    ]) {
      const { headers } = await edge.fetch("/products/a", init);
      expect(headers.has("access-control-allow-origin")).toBe(false);
      expect(headers.has("access-control-allow-methods")).toBe(false);
      expect(headers.get("vary")).toContain("Origin");
    }
  });

  it("of a collection open to all does not depend on the origin", async () => {
    const { headers } = await startEdge().fetch("/carts/a", { headers: { origin: "http://any.test" } });
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.has("vary")).toBe(false);
  });

  it("is silent where it is not configured", async () => {
    const { status, headers } = await startEdge().fetch("/notes/a", preflight);
    expect(status).toBe(204);
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect(headers.get("allow")).toContain("PATCH");
  });
});
