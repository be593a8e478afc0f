// Shards that are down, slow, stopped or lose connections: what is sent again, what the client is told, and how fast.
// It must not test the decision table itself: tests/unit/edge does.
import { describe, expect, it } from "vitest";
import { codeOf, configText, type Edge, ORIGIN, putJson, startEdge } from "./fixture/edge-fixture.ts";
import { advanceWhile } from "./fixture/fake-clock.ts";
import type { Fault } from "./fixture/fake-fleet.ts";

const KEYED = { "idempotency-key": "k-1" };

async function known(edge: Edge): Promise<Edge> {
  await edge.fetchAs("/notes/a");
  edge.fleet.calls.length = 0;
  return edge;
}

describe("when the connection is lost once", () => {
  it.each([
    { name: "a read", init: {}, fault: "lost-before", status: 404, sends: 2 },
    { name: "a HEAD", init: { method: "HEAD" }, fault: "lost-before", status: 404, sends: 2 },
    {
      name: "a keyed write that was not applied",
      init: putJson("{}", KEYED),
      fault: "lost-before",
      status: 201,
      sends: 2,
    },
    { name: "a keyed write that was applied", init: putJson("{}", KEYED), fault: "lost-after", status: 200, sends: 2 },
    { name: "a write that was not applied", init: putJson("{}"), fault: "lost-before", status: 503, sends: 1 },
    { name: "a write that was applied", init: putJson("{}"), fault: "lost-after", status: 503, sends: 1 },
    { name: "a delete", init: { method: "DELETE" }, fault: "lost-after", status: 503, sends: 1 },
  ] as const)("$name is sent $sends times: $status", async ({ init, fault, status, sends }) => {
    const edge = await known(startEdge());
    edge.fleet.breakOrigin(ORIGIN.one, fault, 1);
    const answer = await edge.fetchAs("/notes/a", init);
    expect([answer.status, edge.fleet.dataCalls.length]).toEqual([status, sends]);
    const ops = new Set(edge.fleet.dataCalls.map((call) => call.headers["zgate-op"]));
    expect(ops.size).toBe(1);
    if (status !== 503) return;
    expect([await codeOf(answer.clone()), answer.headers.get("retry-after")]).toEqual(["OUTCOME_UNKNOWN", "1"]);
    const { detail }: { readonly detail: string } = await answer.json();
    expect(detail).toContain("Idempotency-Key");
  });

  it("the origin is asked for its health before it is trusted with a write", async () => {
    const edge = await known(startEdge());
    edge.fleet.breakOrigin(ORIGIN.one, "lost-before", 1);
    await edge.fetchAs("/notes/a", putJson("{}"));
    edge.fleet.calls.length = 0;
    expect((await edge.fetchAs("/notes/a", putJson("{}"))).status).toBe(201);
    expect((await edge.fetchAs("/notes/b", putJson("{}"))).status).toBe(201);
    expect(edge.fleet.calls.map((call) => call.path)).toEqual(["/internal/health", "/notes/a", "/notes/b"]);
  });
});

describe("a shard that is down", () => {
  it.each(["down", "hang"] as const)("(%s) its keys are refused at once and nothing is sent", async (fault) => {
    const edge = await known(startEdge());
    edge.fleet.breakOrigin(ORIGIN.one, fault);
    const first = edge.fetchAs("/notes/a");
    await advanceWhile(edge.clock, first);
    expect(await codeOf(await first)).toBe("SHARD_UNAVAILABLE");
    edge.clock.advance(500);
    edge.fleet.calls.length = 0;
    const answers = Promise.all([
      edge.fetchAs("/notes/a", putJson("{}")),
      edge.fetchAs("/notes/b"),
      edge.fetchAs("/notes/c", putJson("{}", KEYED)),
    ]);
    await advanceWhile(edge.clock, answers);
    for (const answer of await answers) {
      expect([answer.status, await codeOf(answer), answer.headers.get("retry-after")]).toEqual([
        503,
        "SHARD_UNAVAILABLE",
        "1",
      ]);
    }
    expect(edge.fleet.dataCalls).toEqual([]);
    expect(edge.fleet.callsTo("/internal/health").length).toBe(1);
  });

  it("is not noticed in the other range", async () => {
    const edge = await known(startEdge());
    edge.fleet.breakOrigin(ORIGIN.one, "down");
    await edge.fetchAs("/notes/a");
    edge.fleet.calls.length = 0;
    expect((await edge.fetchAs("/notes/z", putJson("{}"))).status).toBe(201);
    expect((await edge.fetchAs("/notes/z")).status).toBe(200);
    expect(edge.fleet.calls.every((call) => call.origin === ORIGIN.two)).toBe(true);
  });

  it("is used again as soon as it is back", async () => {
    const edge = await known(startEdge());
    edge.fleet.breakOrigin(ORIGIN.one, "down");
    await edge.fetchAs("/notes/a");
    edge.fleet.faults.clear();
    expect((await edge.fetchAs("/notes/a")).status).toBe(503);
    edge.clock.advance(500);
    expect((await edge.fetchAs("/notes/a")).status).toBe(404);
  });

  it("leaves one log line per failure, without a token", async () => {
    const edge = await known(startEdge());
    edge.fleet.breakOrigin(ORIGIN.one, "down");
    await edge.fetchAs("/notes/a", { headers: { "x-request-id": "req-1" } });
    expect(edge.logs.map(({ event }) => event)).toEqual(["request-failed"]);
    expect(edge.logs[0]?.fields).toMatchObject({ requestId: "req-1", status: 503, code: "SHARD_UNAVAILABLE" });
    expect(JSON.stringify(edge.logs)).not.toContain("eyJ");
  });
});

describe("time limits", () => {
  it.each<{ name: string; init: RequestInit; fault: Fault; code: string; fromMs: number; toMs: number; sends: number }>(
    [
      {
        name: "a read from a stopped shard",
        init: {},
        fault: "hang",
        code: "SHARD_UNAVAILABLE",
        fromMs: 5500,
        toMs: 6500,
        sends: 1,
      },
      {
        name: "a read from a slow shard",
        init: {},
        fault: "slow",
        code: "DEADLINE_EXCEEDED",
        fromMs: 10_000,
        toMs: 11_500,
        sends: 2,
      },
      {
        name: "a write to a slow shard",
        init: putJson("{}"),
        fault: "slow",
        code: "OUTCOME_UNKNOWN",
        fromMs: 5000,
        toMs: 6000,
        sends: 1,
      },
      {
        name: "a keyed write to a slow shard",
        init: putJson("{}", KEYED),
        fault: "slow",
        code: "OUTCOME_UNKNOWN",
        fromMs: 10_000,
        toMs: 11_500,
        sends: 2,
      },
    ],
  )("$name: $code", async ({ init, fault, code, fromMs, toMs, sends }) => {
    const edge = await known(startEdge());
    edge.fleet.breakOrigin(ORIGIN.one, fault);
    const request = edge.fetchAs("/notes/a", init);
    const elapsedMs = await advanceWhile(edge.clock, request);
    expect(await codeOf(await request)).toBe(code);
    expect(elapsedMs).toBeGreaterThanOrEqual(fromMs);
    expect(elapsedMs).toBeLessThanOrEqual(toMs);
    expect(edge.fleet.dataCalls.length).toBe(sends);
  });

  it("the total limit ends a request whatever its attempts: 504", async () => {
    const edge = await known(
      startEdge({ configText: configText((text) => text.replace('total_timeout = "15s"', 'total_timeout = "7s"')) }),
    );
    edge.fleet.breakOrigin(ORIGIN.one, "slow");
    const request = edge.fetchAs("/notes/a");
    const elapsedMs = await advanceWhile(edge.clock, request);
    const answer = await request;
    expect([answer.status, await codeOf(answer), answer.headers.get("retry-after")]).toEqual([
      504,
      "DEADLINE_EXCEEDED",
      "1",
    ]);
    expect(elapsedMs).toBeLessThan(8500);
  });
});

describe("a shard with two backends", () => {
  const more = "http://127.0.0.1:1011";
  const twoOrigins = configText((text) =>
    text.replace(`origins = ["${ORIGIN.one}"]`, `origins = ["${ORIGIN.one}", "${more}"]`),
  );

  it.each([
    { name: "a read goes to the other one at once", init: {}, status: 404 },
    { name: "a keyed write too", init: putJson("{}", KEYED), status: 201 },
    { name: "a write is not sent twice", init: putJson("{}"), status: 503 },
  ] as const)("of which one is lost: $name", async ({ init, status }) => {
    const edge = await known(startEdge({ configText: twoOrigins }));
    edge.fleet.breakOrigin(ORIGIN.one, "down");
    expect((await edge.fetchAs("/notes/a", init)).status).toBe(status);
    edge.fleet.calls.length = 0;
    expect((await edge.fetchAs("/notes/b", putJson("{}"))).status).toBe(201);
    expect(edge.fleet.dataCalls.map((call) => call.origin)).toEqual([more]);
  });

  it("shares its load between them", async () => {
    let fraction = 0;
    const edge = await known(startEdge({ configText: twoOrigins, fraction: () => fraction }));
    await edge.fetchAs("/notes/a");
    fraction = 0.99;
    await edge.fetchAs("/notes/a");
    expect(edge.fleet.dataCalls.map((call) => call.origin)).toEqual([ORIGIN.one, more]);
  });
});

describe("what a shard must not make of an answer", () => {
  it("its 401 is the edge's trouble, not the client's", async () => {
    const edge = await known(startEdge());
    edge.fleet.shard("shard-1").script = () => Response.json({ code: "INVALID_SIGNATURE" }, { status: 401 });
    const answer = await edge.fetchAs("/notes/a");
    expect([answer.status, await codeOf(answer)]).toEqual([503, "SHARD_UNAVAILABLE"]);
    expect(edge.logs.map(({ event }) => event)).toContain("signature-refused");
  });

  it("a failure of the edge itself is 500 without a word of the inside, and its stack is in the log", async () => {
    const edge = startEdge({ rateLimiter: { limit: () => Promise.reject(new Error("inner secret")) } });
    const answer = await edge.fetch("/products/a");
    const text = await answer.text();
    expect([answer.status, text.includes("inner secret"), text.includes(" at ")]).toEqual([500, false, false]);
    expect(edge.logs[0]).toMatchObject({ level: "error", fields: { code: "INTERNAL" } });
    expect(String(edge.logs[0]?.fields["cause"])).toContain("inner secret");
  });
});
