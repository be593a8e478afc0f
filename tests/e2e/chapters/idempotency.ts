// Chapter: Idempotency-Key. The same answer again, whatever it was, and never a second effect.
// Must not test what happens when processes die; the failure tests do.
import { describe, expect, test } from "vitest";
import type { Answer } from "../gateway-client.ts";
import { freshKey, useSurface } from "./surface.ts";

/** What a client can tell two answers apart by. */
function seen({ status, text, headers }: Answer): unknown {
  return { status, text, etag: headers["etag"], lastModified: headers["last-modified"] };
}

describe("repeating a write", () => {
  const surface = useSurface();
  const keyed = (key: string, more: Record<string, string> = {}) => ({
    token: surface().token,
    headers: { "idempotency-key": key, ...more },
  });

  test("a repeated PUT has the answer of the first, and does nothing", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey()}`;
    const first = await client.put(path, { n: 1 }, keyed("one"));
    expect(first.status).toBe(201);
    expect(first.header("idempotency-replayed")).toBe("");
    const between = await client.put(path, { n: 2 }, { token });
    expect(between.status).toBe(200);
    for (const spelling of ["one", '"one"']) {
      const again = await client.put(path, { n: 1 }, keyed(spelling));
      expect(seen(again), spelling).toEqual(seen(first));
      expect(again.header("idempotency-replayed")).toBe("true");
    }
    expect((await client.get(path)).json()).toEqual({ n: 2 });
  });

  test("many repetitions at once are applied once", async () => {
    const { client } = surface();
    const path = `/products/${freshKey()}`;
    const answers = await Promise.all(Array.from({ length: 12 }, () => client.put(path, { n: 1 }, keyed("once"))));
    expect(new Set(answers.map((answer) => JSON.stringify(seen(answer)))).size).toBe(1);
    expect(answers.filter((answer) => answer.header("idempotency-replayed") === "")).toHaveLength(1);
  });

  test("PATCH and DELETE are repeated with the same answer", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey()}`;
    await client.put(path, { list: 1 }, { token });
    const patch = () =>
      client.send("PATCH", path, { ...keyed("p", { "content-type": "application/json" }), body: '{"x":1}' });
    const first = await patch();
    expect(first.status).toBe(200);
    expect(seen(await patch())).toEqual(seen(first));
    const remove = () => client.send("DELETE", path, keyed("d"));
    expect((await remove()).status).toBe(204);
    await client.put(path, { back: true }, { token });
    const again = await remove();
    expect(again).toMatchObject({ status: 204, text: "" });
    expect(again.header("idempotency-replayed")).toBe("true");
    expect((await client.get(path)).json()).toEqual({ back: true });
  });

  test.for<readonly [string, string, string, Record<string, string>]>([
    ["another body", "PUT", '{"n":2}', {}],
    ["another method", "PATCH", '{"n":1}', {}],
    ["another precondition", "PUT", '{"n":1}', { "if-match": "*" }],
    ["another media type", "PUT", '{"n":1}', { "content-type": "application/x+json" }],
  ])("the key with %s is 422, and nothing happens", async ([, method, body, more]) => {
    const { client } = surface();
    const path = `/products/${freshKey()}`;
    const json = { "content-type": "application/json" };
    await client.send("PUT", path, { ...keyed("k", json), body: '{"n":1}' });
    const answer = await client.send(method, path, { ...keyed("k", { ...json, ...more }), body });
    expect(answer.json().code).toBe("IDEMPOTENCY_KEY_REUSED");
    expect((await client.get(path)).text).toBe('{"n":1}');
  });

  test("a key belongs to one document and one subject", async () => {
    const { client, gateway } = surface();
    const path = `/products/${freshKey()}`;
    await client.put(path, { n: 1 }, keyed("mine"));
    expect((await client.put(`${path}-b`, { n: 2 }, keyed("mine"))).status).toBe(201);
    const token = await gateway.token("products:write", { subject: "somebody else" });
    const other = await client.put(path, { n: 3 }, { token, headers: { "idempotency-key": "mine" } });
    expect(other.status).toBe(200);
    expect(other.header("idempotency-replayed")).toBe("");
  });

  test("a 404 is remembered: a first attempt that arrives late is not applied", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey()}`;
    const patch = () =>
      client.send("PATCH", path, { ...keyed("late", { "content-type": "application/json" }), body: "{}" });
    const first = await patch();
    expect(first.json().code).toBe("DOCUMENT_NOT_FOUND");
    await client.put(path, { n: 1 }, { token });
    const late = await patch();
    expect(late.json().code).toBe("DOCUMENT_NOT_FOUND");
    expect(late.header("idempotency-replayed")).toBe("true");
    expect((await client.get(path)).json()).toEqual({ n: 1 });
  });

  test("a 412 is remembered: a first attempt that arrives late is not applied", async () => {
    const { client, token } = surface();
    const path = `/products/${freshKey()}`;
    const old = await client.put(path, { n: 1 }, { token });
    const create = () => client.put(path, { n: 9 }, keyed("late", { "if-none-match": "*" }));
    const first = await create();
    expect(first.json().code).toBe("PRECONDITION_FAILED");
    expect(first.header("etag")).toBe(old.header("etag"));
    await client.send("DELETE", path, { token });
    const late = await create();
    expect(late.json().code).toBe("PRECONDITION_FAILED");
    expect(late.header("etag")).toBe(old.header("etag"));
    expect((await client.get(path)).status).toBe(404);
  });

  test("a refusal that does not depend on the document is not remembered", async () => {
    const { client, token } = surface();
    const path = `/notes/${freshKey()}`;
    expect((await client.put(path, "{", keyed("k", { "if-none-match": "*" }))).json().code).toBe("INVALID_JSON");
    expect((await client.put(path, 1, keyed("k"))).json().code).toBe("PRECONDITION_REQUIRED");
    expect((await client.put(path, 1, keyed("k", { "if-none-match": "*" }))).status).toBe(201);
    const long = { token, headers: { "idempotency-key": "k".repeat(256), "if-none-match": "*" } };
    expect((await client.put(path, 1, long)).json().code).toBe("INVALID_PARAMETER");
  });
});
