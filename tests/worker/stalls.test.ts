// Shards that send the head of an answer and then no more: every request ends all the same, within its limits.
// It must not test shards that do not answer at all: failures.test.ts does.
import { describe, expect, it } from "vitest";
import { codeOf, type Edge, ORIGIN, putJson, startEdge } from "./fixture/edge-fixture.ts";
import { advanceWhile } from "./fixture/fake-clock.ts";
import { shardId } from "./fixture/fake-fleet.ts";

/** As configured: one attempt, and one request. */
const ATTEMPT_MS = 5000;
const TOTAL_MS = 15_000;

/** An edge with maps, and documents on the shard that is going to stall. */
async function startStocked(): Promise<Edge> {
  const edge = startEdge();
  for (const path of ["/notes/a", "/products/a"]) await edge.fetchAs(path, putJson('{"text":"of some length"}'));
  edge.fleet.calls.length = 0;
  return edge;
}

describe("a shard that stalls after the head of its answer", () => {
  it("to a list: 504 after the time of one attempt", async () => {
    const edge = await startStocked();
    edge.fleet.breakOrigin(ORIGIN.one, "stalls");
    const list = edge.fetchAs("/notes");
    const elapsedMs = await advanceWhile(edge.clock, list);
    expect(await codeOf(await list)).toBe("DEADLINE_EXCEEDED");
    expect(elapsedMs).toBeGreaterThanOrEqual(ATTEMPT_MS);
    expect(elapsedMs).toBeLessThan(ATTEMPT_MS + 500);
  });

  it("to a request for its map: another shard is asked", async () => {
    const edge = startEdge();
    edge.fleet.breakOrigin(ORIGIN.one, "stalls", 1);
    const read = edge.fetchAs("/notes/z");
    const elapsedMs = await advanceWhile(edge.clock, read);
    expect((await read).status).toBe(404);
    expect(elapsedMs).toBeLessThan(1500);
    expect(edge.fleet.callsTo("/internal/map").length).toBe(2);
  });

  it("to a write that it refuses with 421: 503, and nothing was changed", async () => {
    const edge = await startStocked();
    edge.fleet.moved.set("notes/a", { shard: shardId("shard-2"), epoch: 2 });
    edge.fleet.breakOrigin(ORIGIN.one, "stalls");
    const write = edge.fetchAs("/notes/a", putJson("1"));
    const elapsedMs = await advanceWhile(edge.clock, write);
    expect(await codeOf(await write)).toBe("ROUTE_UNSETTLED");
    expect(elapsedMs).toBeLessThan(ATTEMPT_MS + 500);
  });

  it("to a read of a document: its body ends with an error at the deadline", async () => {
    const edge = await startStocked();
    edge.fleet.breakOrigin(ORIGIN.one, "stalls");
    const answer = await edge.fetchAs("/notes/a");
    expect(answer.status).toBe(200);
    const body = answer.text();
    const elapsedMs = await advanceWhile(edge.clock, body);
    await expect(body).rejects.toThrow("aborted");
    expect(elapsedMs).toBeGreaterThanOrEqual(TOTAL_MS - 500);
    expect(elapsedMs).toBeLessThan(TOTAL_MS + 500);
  });

  it("to a read that fills the cache: nothing is kept, and the next one is asked for again", async () => {
    const edge = await startStocked();
    edge.fleet.breakOrigin(ORIGIN.one, "stalls", 1);
    const body = (await edge.fetch("/products/a")).text();
    const elapsedMs = await advanceWhile(edge.clock, Promise.allSettled([body, edge.settle()]));
    await expect(body).rejects.toThrow("aborted");
    expect(elapsedMs).toBeLessThan(ATTEMPT_MS + 500);
    expect(edge.cache.kept.size).toBe(0);
    expect(await (await edge.fetch("/products/a")).text()).toBe('{"text":"of some length"}');
  });

  it("to a question for its health: it is well, and is used", async () => {
    const edge = await startStocked();
    edge.fleet.breakOrigin(ORIGIN.one, "lost-before", 1);
    await edge.fetchAs("/notes/a", putJson("1"));
    edge.fleet.breakOrigin(ORIGIN.one, "stalls", 1);
    expect((await edge.fetchAs("/notes/a")).status).toBe(200);
  });
});

describe("a body that is longer than a moment", () => {
  it("arrives whole however long the clock goes on after it", async () => {
    const edge = await startStocked();
    const json = JSON.stringify("x".repeat(20_000));
    for (const headers of [{ etag: '"l"' }, { etag: '"l"', "content-length": String(json.length) }]) {
      edge.fleet.shard("shard-1").script = () => new Response(json, { headers });
      const answer = await edge.fetchAs("/notes/a");
      const text = await answer.text();
      edge.clock.advance(TOTAL_MS * 2);
      expect(text).toBe(json);
    }
  });
});
