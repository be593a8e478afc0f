// The cache of public documents: how long, for whom, and that a write is never overtaken by an older read.
// It must not test the freshness arithmetic row by row: tests/unit/edge does.
import { describe, expect, it } from "vitest";
import { createDocumentCache } from "../../edge/cache/document-cache.ts";
import type { ResponseCache } from "../../edge/ports.ts";
import { codeOf, type Edge, ORIGIN, putJson, startEdge } from "./fixture/edge-fixture.ts";
import { advanceWhile, FakeClock, gate, until } from "./fixture/fake-clock.ts";
import { shardId } from "./fixture/fake-fleet.ts";
import { MemoryCache } from "./fixture/memory-cache.ts";

const PATH = "/products/a";
const FRESH_MS = 10_000;
const REVALIDATE_MS = 30_000;
const ON_ERROR_MS = 600_000;

/** An edge whose shard holds a document, and whose cache holds it too. */
async function startWarm(json = '{"v":1}'): Promise<Edge> {
  const edge = startEdge();
  await edge.fetchAs(PATH, putJson(json));
  await edge.fetch(PATH);
  await edge.settle();
  edge.fleet.calls.length = 0;
  return edge;
}

/** Changes the document at the shard behind the edge's back. */
function changeAtShard(edge: Edge, json: string): void {
  const { documents } = edge.fleet.shard("shard-1");
  const known = documents.get("products/a");
  if (known !== undefined) documents.set("products/a", { ...known, json, op: crypto.randomUUID() });
}

function statusOf(answer: Response): string {
  return answer.headers.get("cache-status") ?? "";
}

describe("a public document", () => {
  it("is stored on a miss and answered from the cache after that", async () => {
    const edge = startEdge();
    await edge.fetchAs(PATH, putJson('{"v":1}'));
    const miss = await edge.fetch(PATH);
    expect(statusOf(miss)).toBe("zgate; fwd=uri-miss; fwd-status=200; stored");
    expect([await miss.text(), miss.headers.has("age")]).toEqual(['{"v":1}', false]);
    await edge.settle();
    edge.fleet.calls.length = 0;
    edge.clock.advance(4000);
    const hit = await edge.fetch(PATH);
    expect(statusOf(hit)).toBe("zgate; hit; ttl=6");
    expect([await hit.text(), hit.headers.get("age")]).toEqual(['{"v":1}', "4"]);
    for (const name of ["etag", "last-modified", "content-type"])
      expect(hit.headers.get(name)).toBe(miss.headers.get(name));
    const control = "public, max-age=10, stale-while-revalidate=30, stale-if-error=600";
    expect([miss.headers.get("cache-control"), hit.headers.get("cache-control")]).toEqual([control, control]);
    expect(edge.fleet.calls).toEqual([]);
  });

  it("has one entry for every spelling of its key and every query", async () => {
    const edge = await startWarm();
    for (const path of ["/products/A", "/products/%41", "/products/a?x=1", "/products/a?"]) {
      expect(statusOf(await edge.fetch(path))).toContain("hit");
    }
    expect(edge.cache.kept.size).toBe(1);
  });

  it("is asked for as nobody in particular, whoever asks first", async () => {
    const edge = startEdge();
    await edge.fetchAs(PATH, {
      headers: { "content-encoding": "x", "if-none-match": '"other"', "idempotency-key": "k" },
    });
    const [call] = edge.fleet.dataCalls;
    expect([call?.headers["zgate-subject"], call?.headers["zgate-permissions"]]).toEqual(["", ""]);
    expect(Object.keys(call?.headers ?? {}).filter((name) => !name.startsWith("zgate-"))).toEqual([]);
  });

  it("is the same public answer for a request with a token", async () => {
    const edge = await startWarm();
    const answer = await edge.fetchAs(PATH);
    expect([statusOf(answer), answer.headers.get("cache-control")?.startsWith("public")]).toEqual([
      "zgate; hit; ttl=10",
      true,
    ]);
  });

  it.each([
    { name: "its own ETag", header: (etag: string) => etag, status: 304 },
    { name: "its ETag as a weak one in a list", header: (etag: string) => `"x", W/${etag}`, status: 304 },
    { name: "a star", header: () => "*", status: 304 },
    { name: "another ETag", header: () => '"x"', status: 200 },
    { name: "no list of ETags", header: () => "x", status: 400 },
  ])("answers If-None-Match with $name: $status, from the cache and without it", async ({ header, status }) => {
    const edge = await startWarm();
    const etag = (await edge.fetch(PATH)).headers.get("etag") ?? "";
    for (const isWarm of [true, false]) {
      if (!isWarm) edge.cache.kept.clear();
      const answer = await edge.fetch(PATH, { headers: { "if-none-match": header(etag) } });
      expect(answer.status).toBe(status);
      if (status === 304) expect([await answer.text(), answer.headers.get("etag")]).toEqual(["", etag]);
    }
    await edge.settle();
    if (status !== 400) expect(edge.cache.kept.size).toBe(1);
  });

  it("answers HEAD from the cache, and a HEAD that misses fills it", async () => {
    const edge = await startWarm();
    const hit = await edge.fetch(PATH, { method: "HEAD" });
    expect([statusOf(hit), await hit.text()]).toEqual(["zgate; hit; ttl=10", ""]);
    edge.cache.kept.clear();
    const miss = await edge.fetch(PATH, { method: "HEAD" });
    expect([miss.status, await miss.text()]).toEqual([200, ""]);
    await edge.settle();
    expect(edge.cache.kept.size).toBe(1);
  });

  it.each([404, 503] as const)("that cannot be had (%i) is not kept", async (status) => {
    const edge = startEdge();
    if (status === 503) edge.fleet.breakOrigin(ORIGIN.one, "down");
    const answer = await edge.fetch(PATH);
    await edge.settle();
    expect([answer.status, answer.headers.get("cache-control"), edge.cache.kept.size]).toEqual([status, "no-store", 0]);
  });
});

describe("a document that is no longer fresh", () => {
  it("is answered at once while one revalidation goes on behind it", async () => {
    const edge = await startWarm();
    changeAtShard(edge, '{"v":2}');
    edge.clock.advance(FRESH_MS + 1000);
    const answers = await Promise.all([edge.fetch(PATH), edge.fetch(PATH), edge.fetch(PATH)]);
    for (const answer of answers)
      expect([statusOf(answer), await answer.text()]).toEqual(["zgate; hit; ttl=-1", '{"v":1}']);
    await edge.settle();
    expect(edge.fleet.dataCalls.length).toBe(1);
    expect(edge.fleet.dataCalls[0]?.headers["if-none-match"]).toBe(answers[0]?.headers.get("etag"));
    expect(await (await edge.fetch(PATH)).text()).toBe('{"v":2}');
  });

  it("that is unchanged becomes fresh again by a 304", async () => {
    const edge = await startWarm();
    edge.clock.advance(FRESH_MS + 1000);
    await edge.fetch(PATH);
    await edge.settle();
    const again = await edge.fetch(PATH);
    expect([statusOf(again), again.headers.get("age"), await again.text()]).toEqual([
      "zgate; hit; ttl=10",
      "0",
      '{"v":1}',
    ]);
  });

  it("and too old to be used is revalidated first", async () => {
    const edge = await startWarm();
    edge.clock.advance(FRESH_MS + REVALIDATE_MS);
    const same = await edge.fetch(PATH);
    expect([statusOf(same), await same.text()]).toEqual(["zgate; fwd=stale; fwd-status=304; stored", '{"v":1}']);
    await edge.settle();
    changeAtShard(edge, '{"v":2}');
    edge.clock.advance(FRESH_MS + REVALIDATE_MS);
    const changed = await edge.fetch(PATH);
    expect([statusOf(changed), await changed.text()]).toEqual(["zgate; fwd=stale; fwd-status=200; stored", '{"v":2}']);
  });

  it("and deleted meanwhile is forgotten", async () => {
    const edge = await startWarm();
    edge.fleet.shard("shard-1").documents.clear();
    edge.clock.advance(FRESH_MS + REVALIDATE_MS);
    expect((await edge.fetch(PATH)).status).toBe(404);
    await edge.settle();
    expect(edge.cache.kept.size).toBe(0);
  });

  it.each([
    { name: "is down", fault: (edge: Edge) => edge.fleet.breakOrigin(ORIGIN.one, "down"), detail: "SHARD_UNAVAILABLE" },
    { name: "answers 503", fault: failing, detail: "HTTP-503" },
  ])("stands in for its shard when that $name, as long as is configured", async ({ fault, detail }) => {
    const edge = await startWarm();
    fault(edge);
    edge.clock.advance(FRESH_MS + REVALIDATE_MS);
    const stale = await edge.fetch(PATH);
    expect([stale.status, await stale.text()]).toEqual([200, '{"v":1}']);
    expect(statusOf(stale)).toBe(`zgate; hit; ttl=-30; detail=${detail}`);
    edge.clock.advance(ON_ERROR_MS - REVALIDATE_MS);
    expect((await edge.fetch(PATH)).status).toBe(503);
  });

  it("does not stand in where the client demands the shard's word", async () => {
    const edge = await startWarm();
    edge.fleet.breakOrigin(ORIGIN.one, "down");
    const answer = await edge.fetch(PATH, { headers: { "cache-control": "no-cache" } });
    expect([answer.status, await codeOf(answer)]).toEqual([503, "SHARD_UNAVAILABLE"]);
  });
});

function failing(edge: Edge): void {
  edge.fleet.shard("shard-1").script = () => new Response("{}", { status: 503 });
}

describe("a client's Cache-Control", () => {
  it.each([{ "cache-control": "no-cache" }, { "cache-control": "max-age=0" }, { pragma: "no-cache" }])(
    "%j asks the shard, whose answer is kept",
    async (headers: Record<string, string>) => {
      const edge = await startWarm();
      changeAtShard(edge, '{"v":2}');
      const answer = await edge.fetch(PATH, { headers });
      expect([statusOf(answer), await answer.text()]).toEqual([
        "zgate; fwd=request; fwd-status=200; stored",
        '{"v":2}',
      ]);
      await edge.settle();
      expect(await (await edge.fetch(PATH)).text()).toBe('{"v":2}');
    },
  );

  it("max-age takes an entry that is young enough", async () => {
    const edge = await startWarm();
    edge.clock.advance(5000);
    expect(statusOf(await edge.fetch(PATH, { headers: { "cache-control": "max-age=6" } }))).toBe("zgate; hit; ttl=5");
    expect(statusOf(await edge.fetch(PATH, { headers: { "cache-control": "max-age=5" } }))).toContain("fwd=request");
  });

  it("no-store goes past the cache in both directions", async () => {
    const edge = startEdge();
    await edge.fetchAs(PATH, putJson("{}"));
    const answer = await edge.fetch(PATH, { headers: { "cache-control": "no-store" } });
    await edge.settle();
    expect([statusOf(answer), edge.cache.matches, edge.cache.kept.size]).toEqual(["zgate; fwd=bypass", 0, 0]);
  });
});

describe("a write through the edge", () => {
  it.each([
    { name: "PUT", init: putJson('{"v":2}'), status: 200 },
    { name: "DELETE", init: { method: "DELETE" }, status: 204 },
  ])("$name has dropped the entry when it answers", async ({ init, status }) => {
    const edge = await startWarm();
    expect((await edge.fetchAs(PATH, init)).status).toBe(status);
    expect(edge.cache.kept.size).toBe(0);
  });

  it.each([
    { name: "whose outcome is unknown drops it too", fault: "lost-after", kept: 0, code: "OUTCOME_UNKNOWN" },
    {
      name: "that found no shard leaves it, to stand in for the shard",
      fault: "down",
      kept: 1,
      code: "SHARD_UNAVAILABLE",
    },
  ] as const)("$name", async ({ fault, kept, code }) => {
    const edge = await startWarm();
    if (fault === "down") {
      edge.fleet.breakOrigin(ORIGIN.one, "down");
      await edge.fetch("/products/b");
    } else edge.fleet.breakOrigin(ORIGIN.one, fault, 1);
    expect(await codeOf(await edge.fetchAs(PATH, putJson('{"v":2}')))).toBe(code);
    expect(edge.cache.kept.size).toBe(kept);
  });

  it("that is refused before it is sent leaves the entry", async () => {
    const edge = await startWarm();
    expect((await edge.fetch(PATH, putJson("{}"))).status).toBe(401);
    expect((await edge.fetchAs(PATH, putJson("x".repeat(2000)))).status).toBe(413);
    expect(edge.cache.kept.size).toBe(1);
  });

  it("is not overtaken by a read that the shard answered before it", async () => {
    const edge = await startWarm();
    edge.cache.kept.clear();
    const held = gate();
    edge.fleet.gate = held.closed;
    const read = edge.fetch(PATH);
    await until(() => edge.fleet.dataCalls.length === 1);
    edge.fleet.gate = null;
    await edge.fetchAs(PATH, putJson('{"v":2}'));
    held.open();
    expect(await (await read).text()).toBe('{"v":1}');
    await edge.settle();
    expect(edge.cache.kept.size).toBe(0);
    expect(await (await edge.fetch(PATH)).text()).toBe('{"v":2}');
  });

  it("waits for a put of the same key that is under way, so that its own delete comes last", async () => {
    const edge = await startWarm();
    edge.cache.kept.clear();
    const held = gate();
    edge.cache.putGate = held.closed;
    const before = edge.cache.putsBegun;
    await (await edge.fetch(PATH)).text();
    await until(() => edge.cache.putsBegun > before);
    let isAnswered = false;
    const write = edge.fetchAs(PATH, putJson('{"v":2}')).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await until(() => edge.fleet.shard("shard-1").applied.length === 2);
    expect(isAnswered).toBe(false);
    held.open();
    expect((await write).status).toBe(200);
    expect(edge.cache.kept.size).toBe(0);
    await edge.settle();
    expect(edge.cache.kept.size).toBe(0);
  });

  it("waits once for a put that never ends, and the next write not at all", async () => {
    const edge = await startWarm();
    edge.cache.kept.clear();
    edge.cache.putGate = new Promise(() => undefined);
    const before = edge.cache.putsBegun;
    await (await edge.fetch(PATH)).text();
    await until(() => edge.cache.putsBegun > before);
    const first = edge.fetchAs(PATH, putJson('{"v":2}'));
    expect(await advanceWhile(edge.clock, first)).toBeGreaterThanOrEqual(1000);
    const second = edge.fetchAs(PATH, putJson('{"v":3}'));
    await until(() => edge.fleet.shard("shard-1").applied.length === 3);
    expect((await second).status).toBe(200);
  });

  it("is not overtaken by a revalidation that began before it", async () => {
    const edge = await startWarm();
    edge.clock.advance(FRESH_MS + 1);
    const held = gate();
    edge.fleet.gate = held.closed;
    await (await edge.fetch(PATH)).text();
    await until(() => edge.fleet.dataCalls.length === 1);
    edge.fleet.gate = null;
    await edge.fetchAs(PATH, putJson('{"v":2}'));
    held.open();
    await edge.settle();
    expect(edge.cache.kept.size).toBe(0);
  });
});

describe("an answer that breaks off", () => {
  it("is not kept", async () => {
    const edge = startEdge();
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"v":'));
        controller.error(new Error("Network connection lost."));
      },
    });
    edge.fleet.shard("shard-1").script = () => new Response(broken, { headers: { etag: '"x"' } });
    const answer = await edge.fetch(PATH);
    await expect(answer.text()).rejects.toThrow("lost");
    await edge.settle();
    expect(edge.cache.kept.size).toBe(0);
  });
});

describe("a cache that fails", () => {
  const fail = (): Promise<never> => Promise.reject(new Error("cache is broken"));
  const broken: ResponseCache = { match: fail, put: fail, delete: fail };

  it("costs no answer", async () => {
    const edge = startEdge({ cache: broken });
    expect((await edge.fetchAs(PATH, putJson('{"v":1}'))).status).toBe(201);
    expect(await (await edge.fetch(PATH)).text()).toBe('{"v":1}');
    await edge.settle();
  });
});

describe("the Workers Cache API", () => {
  const real: ResponseCache = {
    match: (url) => caches.default.match(url),
    put: (url, response) => caches.default.put(url, response),
    async delete(url) {
      await caches.default.delete(url);
    },
  };

  it("keeps and forgets documents as the edge needs it", async () => {
    const edge = startEdge({ cache: real });
    await edge.fetchAs("/products/real-cache", putJson('{"v":1}'));
    expect(statusOf(await edge.fetch("/products/real-cache"))).toContain("stored");
    await edge.settle();
    const hit = await edge.fetch("/products/real-cache");
    expect([statusOf(hit), await hit.text()]).toEqual(["zgate; hit; ttl=10", '{"v":1}']);
    edge.clock.advance(FRESH_MS + REVALIDATE_MS);
    expect(statusOf(await edge.fetch("/products/real-cache"))).toContain("fwd=stale; fwd-status=304");
    await edge.settle();
    await edge.fetchAs("/products/real-cache", { method: "DELETE" });
    expect((await edge.fetch("/products/real-cache")).status).toBe(404);
  });
});

describe("the document cache", () => {
  it("gives no room to a document longer than any may be", async () => {
    const edge = startEdge();
    const cache = createDocumentCache({ cache: edge.cache, clock: edge.clock, log: { write: () => undefined } });
    const url = "http://documents.zgate.invalid/1/products/a";
    const body = new Response("x".repeat(256 * 1024 + 1)).body;
    const document = { etag: '"a"', lastModified: "", contentType: "application/json", body };
    const settings = { freshMs: 1, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
    await cache.store(cache.beginFill(url), { document, byteLength: null, cache: settings });
    expect(edge.cache.kept.size).toBe(0);
  });
});

describe("what requests that were cancelled leave behind", () => {
  it("a revalidation that never ends does not keep others from it for longer than a request may take", async () => {
    const edge = await startWarm();
    edge.clock.advance(FRESH_MS + 1);
    edge.fleet.gate = new Promise(() => undefined);
    await (await edge.fetch(PATH)).text();
    await until(() => edge.fleet.dataCalls.length === 1);
    edge.fleet.gate = null;
    edge.clock.advance(14_000);
    await (await edge.fetch(PATH)).text();
    expect(edge.fleet.dataCalls.length).toBe(1);
    edge.clock.advance(1001);
    await (await edge.fetch(PATH)).text();
    await until(() => edge.fleet.dataCalls.length === 2);
  });

  it("a cached body that the owner superseded is let go", async () => {
    let isCancelled = false;
    const body = new ReadableStream({
      cancel: () => {
        isCancelled = true;
      },
    });
    const clock = new FakeClock();
    const headers = { etag: '"old"', "zgate-stored-at": String(clock.nowMs()) };
    const cache = new MemoryCache();
    const edge = startEdge({
      clock,
      cache: {
        match: async () => new Response(body, { headers }),
        put: (url, response) => cache.put(url, response),
        delete: (url) => cache.delete(url),
      },
    });
    await edge.fetchAs(PATH, putJson('{"v":1}'));
    const answer = await edge.fetch(PATH, { headers: { "cache-control": "no-cache" } });
    expect(await answer.text()).toBe('{"v":1}');
    await edge.settle();
    expect(isCancelled).toBe(true);
  });
});

describe("a copy that was taken before its slot moved", () => {
  const MOVED = "/products/abc";

  /** The next owner has the document, and a newer one, written through another edge. */
  async function startBeforeMove(): Promise<Edge> {
    const edge = startEdge();
    await edge.fetchAs(MOVED, putJson('{"v":1}'));
    await edge.fetch(MOVED);
    await edge.settle();
    const known = edge.fleet.shard("shard-1").documents.get("products/abc");
    if (known === undefined) throw new Error("broken assumption: the document is at its first owner");
    edge.fleet.moved.set("products/ab", { shard: shardId("shard-2"), epoch: 2 });
    const newer = { ...known, json: '{"v":2}', op: crypto.randomUUID() };
    edge.fleet.shard("shard-2").documents.set("products/abc", newer);
    edge.fleet.calls.length = 0;
    return edge;
  }

  it("is served as long as it is fresh, as it would have been without a move", async () => {
    const edge = await startBeforeMove();
    edge.clock.advance(FRESH_MS - 1000);
    const hit = await edge.fetch(MOVED);
    expect([statusOf(hit), await hit.text(), edge.fleet.calls.length]).toEqual(["zgate; hit; ttl=1", '{"v":1}', 0]);
  });

  it("is replaced by the next owner's while it is revalidated", async () => {
    const edge = await startBeforeMove();
    edge.clock.advance(FRESH_MS + 1000);
    expect(await (await edge.fetch(MOVED)).text()).toBe('{"v":1}');
    await edge.settle();
    expect(edge.fleet.dataCalls.map(({ origin }) => origin)).toEqual([ORIGIN.one, ORIGIN.two]);
    const next = await edge.fetch(MOVED);
    expect([statusOf(next), await next.text()]).toEqual(["zgate; hit; ttl=10", '{"v":2}']);
  });

  it("is never served beyond that: the next owner answers", async () => {
    const edge = await startBeforeMove();
    edge.clock.advance(FRESH_MS + REVALIDATE_MS + 1000);
    const answer = await edge.fetch(MOVED);
    expect([answer.status, await answer.text()]).toEqual([200, '{"v":2}']);
    expect(edge.fleet.dataCalls.map(({ origin }) => origin)).toEqual([ORIGIN.one, ORIGIN.two]);
  });
});
