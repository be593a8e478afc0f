// The map as a hint: where it comes from, when it is replaced, and how 421 answers lead to the owner all the same.
// It must not test a shard's own judgement.
import { describe, expect, it } from "vitest";
import type { MapVersion, SlotId } from "../../router/ids.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import { codeOf, configText, type Edge, ORIGIN, putJson, startEdge } from "./fixture/edge-fixture.ts";
import { type FakeFleet, shardId } from "./fixture/fake-fleet.ts";
import { collectionName, notOwned } from "./fixture/fake-shard.ts";

/** A map of `notes` in which everything is of `shard`. */
function wholeMap(shard: string, version: number): ShardMap {
  const ranges = [{ start: "", end: null, shard: shardId(shard) }];
  return { collection: collectionName("notes"), version: version as MapVersion, parent: version - 1, ranges };
}

/** Moves the slot of keys `ab…` from shard-1 to shard-2, without any map saying so. */
function moveAb(fleet: FakeFleet, epoch = 2): void {
  fleet.moved.set("notes/ab", { shard: shardId("shard-2"), epoch });
}

const originsOf = (edge: Edge): readonly string[] => edge.fleet.dataCalls.map((call) => call.origin);
const mapCalls = (edge: Edge): number => edge.fleet.callsTo("/internal/map").length;

describe("a stale map", () => {
  it.each([
    { name: "without a body", init: {}, status: 404 },
    { name: "with a body", init: putJson('{"a":1}'), status: 201 },
    { name: "with a body and a key", init: putJson('{"a":1}', { "idempotency-key": "k" }), status: 201 },
    { name: "to delete", init: { method: "DELETE" }, status: 404 },
  ])("sends a request $name on to the true owner; the client sees no 421", async ({ init, status }) => {
    const edge = startEdge();
    moveAb(edge.fleet);
    const answer = await edge.fetchAs("/notes/abc", init);
    expect(answer.status).toBe(status);
    expect(originsOf(edge)).toEqual([ORIGIN.one, ORIGIN.two]);
    const [first, second] = edge.fleet.dataCalls;
    expect(second?.headers["zgate-op"]).toBe(first?.headers["zgate-op"]);
    expect([first?.headers["zgate-slot-epoch"], second?.headers["zgate-slot-epoch"]]).toEqual(["0", "2"]);
    expect(second?.body).toEqual(first?.body);
    expect(edge.fleet.shard("shard-1").applied).toEqual([]);
  });

  it("costs a hop once: the owner is remembered", async () => {
    const edge = startEdge();
    moveAb(edge.fleet);
    await edge.fetchAs("/notes/abc");
    edge.fleet.calls.length = 0;
    await edge.fetchAs("/notes/abd");
    expect(originsOf(edge)).toEqual([ORIGIN.two]);
  });

  it("does not bring back what is older than what was learned", async () => {
    const edge = startEdge();
    moveAb(edge.fleet, 5);
    await edge.fetchAs("/notes/abc");
    edge.fleet.shard("shard-2").script = () => {
      edge.fleet.shard("shard-2").script = null;
      return notOwned({ slot: "ab" as SlotId, epoch: 4, owner: shardId("shard-1") });
    };
    edge.fleet.calls.length = 0;
    const answer = await edge.fetchAs("/notes/abc");
    expect([answer.status, await codeOf(answer)]).toEqual([503, "ROUTE_UNSETTLED"]);
    expect(originsOf(edge)).toEqual([ORIGIN.two]);
    expect((await edge.fetchAs("/notes/abc")).status).toBe(404);
  });

  it("is tried on three answers' word, then loaded again, then given up: 503 and nothing applied", async () => {
    const edge = startEdge();
    let epoch = 1;
    for (const [id, other] of [
      ["shard-1", "shard-2"],
      ["shard-2", "shard-1"],
    ] as const) {
      edge.fleet.shard(id).script = () => {
        epoch += 1;
        return notOwned({ slot: "ab" as SlotId, epoch, owner: shardId(other) });
      };
    }
    const answer = await edge.fetchAs("/notes/abc", putJson("{}"));
    expect([answer.status, await codeOf(answer), answer.headers.get("retry-after")]).toEqual([
      503,
      "ROUTE_UNSETTLED",
      "1",
    ]);
    expect(originsOf(edge)).toEqual([ORIGIN.one, ORIGIN.two, ORIGIN.one, ORIGIN.two, ORIGIN.one]);
    expect(mapCalls(edge)).toBe(2);
  });

  it("is loaded again when a shard cannot say who owns the slot", async () => {
    const edge = startEdge();
    await edge.fetchAs("/notes/abc");
    edge.fleet.moved.set("notes/ab", { shard: shardId("shard-2"), epoch: 0 });
    for (const id of ["shard-1", "shard-2"]) edge.fleet.maps.set(`${id}/notes`, wholeMap("shard-2", 2));
    edge.fleet.calls.length = 0;
    expect((await edge.fetchAs("/notes/abc", putJson("{}"))).status).toBe(201);
    expect(edge.fleet.dataCalls.at(-1)?.headers["zgate-map-version"]).toBe("2");
    expect(mapCalls(edge)).toBe(1);
  });

  it("and nothing newer anywhere: 503 at once", async () => {
    const edge = startEdge();
    edge.fleet.moved.set("notes/ab", { shard: shardId("shard-9"), epoch: 0 });
    const answer = await edge.fetchAs("/notes/abc", putJson("{}"));
    expect([answer.status, await codeOf(answer)]).toEqual([503, "ROUTE_UNSETTLED"]);
    expect(edge.fleet.dataCalls.length).toBe(1);
  });

  it("and a 421 that makes no sense: 503", async () => {
    const edge = startEdge();
    edge.fleet.shard("shard-1").script = () => new Response("what", { status: 421 });
    const answer = await edge.fetchAs("/notes/abc");
    expect([answer.status, await codeOf(answer)]).toEqual([503, "ROUTE_UNSETTLED"]);
  });
});

describe("two edges with different maps", () => {
  it("both reach the one owner", async () => {
    const old = startEdge();
    await old.fetchAs("/notes/abc");
    const { fleet, clock } = old;
    for (const first of "abcdefghijkl") fleet.moved.set(`notes/${first}b`, { shard: shardId("shard-2"), epoch: 2 });
    for (const id of ["shard-1", "shard-2"]) fleet.maps.set(`${id}/notes`, wholeMap("shard-2", 2));
    const fresh = startEdge({ fleet, clock });
    expect((await old.fetchAs("/notes/abc", putJson('"old"'))).status).toBe(201);
    expect((await fresh.fetchAs("/notes/abc", putJson('"fresh"'))).status).toBe(200);
    expect(await (await old.fetchAs("/notes/abc")).text()).toBe('"fresh"');
    expect(fleet.shard("shard-1").applied).toEqual([]);
    expect(fleet.shard("shard-2").applied.length).toBe(2);
  });
});

describe("the map", () => {
  it("is fetched once for many first requests, and signed", async () => {
    const edge = startEdge();
    await Promise.all([edge.fetchAs("/notes/a"), edge.fetchAs("/notes/b"), edge.fetchAs("/notes/z")]);
    expect(mapCalls(edge)).toBe(1);
    expect(edge.fleet.callsTo("/internal/map")[0]?.headers["zgate-signature"]).toMatch(/^[\w-]{43}$/);
  });

  it("is refreshed in the background by age", async () => {
    const edge = startEdge();
    await edge.fetchAs("/notes/a");
    edge.clock.advance(9_999);
    await edge.fetchAs("/notes/a");
    await edge.settle();
    expect(mapCalls(edge)).toBe(1);
    edge.clock.advance(1);
    await Promise.all([edge.fetchAs("/notes/a"), edge.fetchAs("/notes/a")]);
    await edge.settle();
    expect(mapCalls(edge)).toBe(2);
  });

  it("comes from another shard when one is down", async () => {
    for (const fraction of [0, 0.99]) {
      const edge = startEdge({ fraction: () => fraction });
      edge.fleet.breakOrigin(ORIGIN.one, "down");
      expect((await edge.fetchAs("/notes/z")).status).toBe(404);
    }
  });

  it("is kept when a shard gives an older one, or one that is none", async () => {
    const edge = startEdge();
    for (const id of ["shard-1", "shard-2"]) edge.fleet.maps.set(`${id}/notes`, wholeMap("shard-2", 3));
    edge.fleet.moved.set("notes/a ", { shard: shardId("shard-2"), epoch: 1 });
    const seen = async (): Promise<unknown> =>
      (await edge.fetchAs("/maps/notes", { headers: { "cache-control": "no-cache" } })).json();
    expect(await seen()).toMatchObject({ version: 3 });
    for (const id of ["shard-1", "shard-2"]) edge.fleet.maps.set(`${id}/notes`, wholeMap("shard-1", 2));
    expect(await seen()).toMatchObject({ version: 3, ranges: [{ shard: "shard-2" }] });
    const unknownShard = wholeMap("shard-9", 4);
    const otherCollection = { ...wholeMap("shard-1", 4), collection: collectionName("products") };
    const withGap = { ...wholeMap("shard-1", 4), ranges: [{ start: "m", end: null, shard: shardId("shard-1") }] };
    for (const bad of [unknownShard, otherCollection, withGap]) {
      for (const id of ["shard-1", "shard-2"]) edge.fleet.maps.set(`${id}/notes`, bad);
      expect(await seen()).toMatchObject({ version: 3 });
    }
  });

  it("that nobody can give: 503 NO_MAP, until somebody can", async () => {
    const edge = startEdge();
    for (const origin of [ORIGIN.one, ORIGIN.two]) edge.fleet.breakOrigin(origin, "down");
    const answer = await edge.fetchAs("/notes/a");
    expect([answer.status, await codeOf(answer), answer.headers.get("retry-after")]).toEqual([503, "NO_MAP", "1"]);
    edge.fleet.faults.clear();
    edge.clock.advance(500);
    expect((await edge.fetchAs("/notes/a")).status).toBe(404);
  });
});

describe("signing keys", () => {
  it("that the shards do not share are noticed and logged, never shown", async () => {
    const edge = startEdge({ signingSecret: new Uint8Array(32).fill(7) });
    const answer = await edge.fetchAs("/notes/a");
    expect([answer.status, await codeOf(answer)]).toEqual([503, "NO_MAP"]);
    expect(edge.logs.filter(({ event }) => event === "map-refused").length).toBe(2);
  });
});

describe("a hash collection", () => {
  it("is routed by the hash of the key", async () => {
    const edge = startEdge({ configText: configText() });
    const origins = new Set<string>();
    for (let index = 0; index < 20; index += 1) {
      await edge.fetchAs(`/carts/${index}`, putJson("{}"));
      expect((await edge.fetch(`/carts/${index}`)).status).toBe(200);
    }
    for (const origin of originsOf(edge)) origins.add(origin);
    expect(origins.size).toBe(2);
  });
});
