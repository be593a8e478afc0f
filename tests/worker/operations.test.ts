// What the gateway says about itself.
// It must not test documents or lists.
import { describe, expect, it } from "vitest";
import { PROBLEMS } from "../../router/problem.ts";
import { codeOf, ORIGIN, putJson, startEdge } from "./fixture/edge-fixture.ts";
import { advanceWhile, gate, until } from "./fixture/fake-clock.ts";

describe("/healthz", () => {
  it("is 200 whatever the shards do", async () => {
    const edge = startEdge();
    for (const origin of [ORIGIN.one, ORIGIN.two]) edge.fleet.breakOrigin(origin, "down");
    const answer = await edge.fetch("/healthz");
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { status: "ok", maps: [{ collection: "products", version: null }, {}, {}] },
    ]);
    expect(edge.fleet.calls).toEqual([]);
  });
});

describe("/readyz", () => {
  it("is 200 with a map and a reachable shard for each range", async () => {
    const answer = await startEdge().fetch("/readyz");
    expect([answer.status, await answer.json()]).toEqual([200, { status: "ready" }]);
  });

  it("is 503 and names the shard that is missing", async () => {
    const edge = startEdge();
    edge.fleet.breakOrigin(ORIGIN.two, "down");
    const answer = await edge.fetch("/readyz");
    expect(answer.headers.get("retry-after")).toBe("1");
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      { code: "SHARD_UNAVAILABLE", missing: ["shard shard-2"] },
    ]);
    edge.fleet.faults.clear();
    edge.clock.advance(500);
    expect((await edge.fetch("/readyz")).status).toBe(200);
  });

  it("is 503 and names the maps that are missing", async () => {
    const edge = startEdge();
    for (const origin of [ORIGIN.one, ORIGIN.two]) edge.fleet.breakOrigin(origin, "down");
    const answer = await edge.fetch("/readyz");
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      { code: "NO_MAP", missing: ["map products", "map notes", "map carts"] },
    ]);
  });
});

describe("/problems", () => {
  it.each(Object.keys(PROBLEMS))("%s is explained as text and as HTML", async (code) => {
    const edge = startEdge();
    const text = await edge.fetch(`/problems/${code}`);
    expect([text.status, text.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
    expect(await text.text()).toContain(code);
    const html = await edge.fetch(`/problems/${code}`, { headers: { accept: "text/html,*/*" } });
    expect(html.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await html.text()).toContain(`<h1>${code}`);
  });

  it("lists all codes", async () => {
    const { problems }: { readonly problems: readonly { readonly code: string }[] } = await (
      await startEdge().fetch("/problems")
    ).json();
    expect(problems.map(({ code }) => code)).toEqual(Object.keys(PROBLEMS));
  });

  it.each(["NOTHING", "toString", "__proto__", "%3Cscript%3E"])("%s is no code: 404", async (code) => {
    const answer = await startEdge().fetch(`/problems/${code}`);
    expect([answer.status, await codeOf(answer)]).toEqual([404, "ROUTE_NOT_FOUND"]);
  });
});

describe("/readyz, which everybody may ask", () => {
  it("does not hold up a request for documents while a shard thinks about its health", async () => {
    const edge = startEdge();
    await edge.fetchAs("/notes/a");
    const health = gate();
    edge.fleet.healthGate = health.closed;
    const ready = edge.fetch("/readyz");
    await until(() => edge.fleet.callsTo("/internal/health").length === 2);
    expect((await edge.fetchAs("/notes/a", putJson("1"))).status).toBe(201);
    health.open();
    expect((await ready).status).toBe(200);
  });

  it("does not make a shard suspect whose health it could not learn", async () => {
    const edge = startEdge();
    await edge.fetch("/readyz");
    edge.clock.advance(250);
    edge.fleet.breakOrigin(ORIGIN.one, "hang", 1);
    const ready = edge.fetch("/readyz");
    await advanceWhile(edge.clock, ready, 50);
    expect((await ready).status).toBe(503);
    expect((await edge.fetchAs("/notes/a", putJson("1"))).status).toBe(201);
  });

  it("asks each shard once in a while, however often it is asked", async () => {
    const edge = startEdge();
    for (let count = 0; count < 5; count += 1) expect((await edge.fetch("/readyz")).status).toBe(200);
    expect(edge.fleet.callsTo("/internal/health").length).toBe(2);
    edge.clock.advance(250);
    await edge.fetch("/readyz");
    expect(edge.fleet.callsTo("/internal/health").length).toBe(4);
  });

  it("is not believed any more once a connection is lost", async () => {
    const edge = startEdge();
    await edge.fetchAs("/notes/a");
    await edge.fetch("/readyz");
    edge.fleet.breakOrigin(ORIGIN.one, "down");
    expect((await edge.fetchAs("/notes/a", putJson("1"))).status).toBe(503);
    edge.fleet.calls.length = 0;
    expect(await codeOf(await edge.fetchAs("/notes/a", putJson("1")))).toBe("SHARD_UNAVAILABLE");
    expect(edge.fleet.dataCalls).toEqual([]);
  });
});

describe("/maps/{collection}", () => {
  it("shows the map to those who may see it", async () => {
    const answer = await startEdge().fetchAs("/maps/products");
    expect(await answer.json()).toEqual({
      collection: "products",
      version: 1,
      ranges: [
        { start: "", end: "m", shard: "shard-1" },
        { start: "m", end: null, shard: "shard-2" },
      ],
    });
  });

  it("of an unknown collection: 404", async () => {
    expect((await startEdge().fetchAs("/maps/nothing")).status).toBe(404);
  });
});

describe("/", () => {
  it("says what is served", async () => {
    expect(await (await startEdge().fetch("/")).json()).toMatchObject({
      name: "zgate",
      collections: [
        { name: "products", path: "/products", kind: "range", read: "public" },
        { name: "notes", read: "permission" },
        { name: "carts", kind: "hash" },
      ],
    });
  });

  it("has no body for HEAD", async () => {
    const answer = await startEdge().fetch("/", { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });
});
