// Writes whose connection was lost once: whatever follows, nobody is told that nothing was changed unless that is known.
// It must not test a single loss: failures.test.ts does.
import { describe, expect, it } from "vitest";
import type { SlotId } from "../../router/ids.ts";
import { codeOf, type Edge, ORIGIN, putJson, startEdge } from "./fixture/edge-fixture.ts";
import { advanceWhile } from "./fixture/fake-clock.ts";
import { shardId } from "./fixture/fake-fleet.ts";
import { notOwned, problem } from "./fixture/fake-shard.ts";

const KEYED = { "idempotency-key": "k-1" };
const PATH = "/products/a";

/** An edge that has the map and a cached copy of the document. */
async function startWarm(): Promise<Edge> {
  const edge = startEdge();
  await edge.fetchAs(PATH, putJson("1"));
  await edge.fetch(PATH);
  await edge.settle();
  expect(edge.cache.kept.size).toBe(1);
  edge.fleet.calls.length = 0;
  return edge;
}

async function writeKeyed(edge: Edge): Promise<Response> {
  const write = edge.fetchAs(PATH, putJson("2", KEYED));
  await advanceWhile(edge.clock, write);
  return write;
}

/** A shard's word that another one owns the slot of the document. */
const movedOn = (): Response => notOwned({ slot: "a" as SlotId, epoch: 5, owner: shardId("shard-2") });

describe("a keyed write that was lost, and sent again", () => {
  it.each(["OVERLOADED", "STOPPING", "SLOT_MOVING", "STORAGE_UNAVAILABLE", "REQUEST_TIMEOUT"] as const)(
    "is of unknown outcome when the answer is %s",
    async (code) => {
      const edge = await startWarm();
      edge.fleet.breakOrigin(ORIGIN.one, "slow", 1);
      edge.fleet.shard("shard-1").script = () => problem(code, "nothing was changed");
      const answer = await writeKeyed(edge);
      expect([answer.status, await codeOf(answer)]).toEqual([503, "OUTCOME_UNKNOWN"]);
      expect([edge.fleet.dataCalls.length, edge.cache.kept.size]).toEqual([2, 0]);
    },
  );

  it.each([
    { name: "its next owner is down", isOwnerDown: true },
    { name: "no shard says that it owns the slot", isOwnerDown: false },
  ])("is of unknown outcome when the answer is 421 and $name", async ({ isOwnerDown }) => {
    const edge = await startWarm();
    edge.fleet.breakOrigin(ORIGIN.one, "lost-after", 1);
    // The slot moves between the two sends.
    edge.fleet.shard("shard-1").script = () => (edge.fleet.dataCalls.length < 2 ? null : movedOn());
    edge.fleet.shard("shard-2").script = movedOn;
    if (isOwnerDown) {
      // Already noticed, so that nothing is sent there: by itself that would mean that nothing was changed.
      edge.fleet.breakOrigin(ORIGIN.two, "down");
      await edge.fetch("/products/z");
      edge.fleet.calls.length = 0;
    }
    const answer = await writeKeyed(edge);
    expect([answer.status, await codeOf(answer)]).toEqual([503, "OUTCOME_UNKNOWN"]);
    expect(edge.fleet.shard("shard-1").applied.length).toBe(2);
    expect(edge.cache.kept.size).toBe(0);
  });

  it("is answered by the next owner's verdict when the answer is 421", async () => {
    const edge = await startWarm();
    edge.fleet.breakOrigin(ORIGIN.one, "lost-after", 1);
    edge.fleet.shard("shard-1").script = () => (edge.fleet.dataCalls.length < 2 ? null : movedOn());
    edge.fleet.shard("shard-2").script = () => problem("PRECONDITION_FAILED", "as recorded");
    const answer = await writeKeyed(edge);
    expect([answer.status, await codeOf(answer)]).toEqual([412, "PRECONDITION_FAILED"]);
  });
});

describe("a write of which the shard does not know what became", () => {
  const UNKNOWN = "OUTCOME_UNKNOWN";
  const unknown = (): Response => problem(UNKNOWN, "the storage did not say");

  it("is sent once more with its key, and answered by the verdict", async () => {
    const edge = await startWarm();
    edge.fleet.shard("shard-1").script = () => (edge.fleet.dataCalls.length < 2 ? unknown() : null);
    const answer = await writeKeyed(edge);
    expect([answer.status, edge.fleet.dataCalls.length]).toEqual([200, 2]);
    expect(edge.cache.kept.size).toBe(0);
  });

  it("is sent to the next owner when the slot has moved meanwhile", async () => {
    const edge = await startWarm();
    edge.fleet.shard("shard-1").script = () => (edge.fleet.dataCalls.length < 2 ? unknown() : movedOn());
    edge.fleet.shard("shard-2").script = () => problem("PRECONDITION_FAILED", "as recorded");
    const answer = await writeKeyed(edge);
    expect([answer.status, await codeOf(answer)]).toEqual([412, "PRECONDITION_FAILED"]);
  });

  it.each([UNKNOWN, "SLOT_MOVING", "STORAGE_UNAVAILABLE"] as const)(
    "is of unknown outcome when the second answer is %s, and not sent a third time",
    async (code) => {
      const edge = await startWarm();
      edge.fleet.shard("shard-1").script = () =>
        edge.fleet.dataCalls.length < 2 ? unknown() : problem(code, "nothing was changed");
      const answer = await writeKeyed(edge);
      expect([answer.status, await codeOf(answer)]).toEqual([503, UNKNOWN]);
      expect([edge.fleet.dataCalls.length, edge.cache.kept.size]).toEqual([2, 0]);
    },
  );

  it("is not sent again without a key, nor for another problem", async () => {
    const edge = await startWarm();
    edge.fleet.shard("shard-1").script = unknown;
    const plain = await edge.fetchAs(PATH, putJson("2"));
    expect([plain.status, await codeOf(plain), edge.fleet.dataCalls.length]).toEqual([503, UNKNOWN, 1]);
    edge.fleet.shard("shard-1").script = () => problem("SLOT_MOVING", "nothing was changed");
    const moving = await writeKeyed(edge);
    expect([moving.status, await codeOf(moving), edge.fleet.dataCalls.length]).toEqual([503, "SLOT_MOVING", 2]);
  });
});

describe("a write that was never lost", () => {
  it("keeps the shard's own word that nothing was changed, and the cached copy stays", async () => {
    const edge = await startWarm();
    edge.fleet.breakOrigin(ORIGIN.one, "down");
    await edge.fetchAs("/products/b", { headers: { "cache-control": "no-cache" } });
    const answer = await edge.fetchAs(PATH, putJson("2", KEYED));
    expect([answer.status, await codeOf(answer)]).toEqual([503, "SHARD_UNAVAILABLE"]);
    expect(edge.cache.kept.size).toBe(1);
  });
});
