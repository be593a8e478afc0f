// What clients see while slots belong to another shard than an edge believes: the path over 421, held requests, several
// edges with different maps. Slots are moved by writing their ownership columns, as a runner of moves will.
// Must not test how a move is made.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DOCUMENT_BYTES_MAX, HEADER, HOLD_MS_MAX } from "../../router/contract.ts";
import type { CollectionName, ShardId, SlotId } from "../../router/ids.ts";
import { FIRST_OWNER, NEVER_HELD, type Ownership } from "../../router/ownership.ts";
import { planMove } from "../../router/plan.ts";
import type { Store } from "../../shards/store/port.ts";
import { PERMISSIONS } from "./chapters/surface.ts";
import type { EdgeProcess } from "./edge-process.ts";
import { findFreePorts } from "./free-ports.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { gatewayConfig } from "./gateway-config.ts";
import { createGateway, type Gateway } from "./gateway-process.ts";
import { startWriter } from "./gateway-writer.ts";
import { createShardClient, type ShardClient } from "./shard-client.ts";
import { IS_ON_ENGINES } from "./storage.ts";

const COLLECTION = "prices" as CollectionName;
const [ONE, TWO] = ["shard-1", "shard-2"] as [ShardId, ShardId];
const MOVE = { move: "move-1", run: "run-1", digest: "digest" };

/** The columns of a slot that goes from shard-1 to shard-2, at either side. */
const GONE: Ownership = { ...MOVE, state: "GONE", epoch: 2, to: TWO };
const FENCED: Ownership = { ...GONE, state: "FENCED" };
/** Not sealed: a request that meets a sealed one would help it over. */
const RECEIVING: Ownership = { ...MOVE, state: "RECEIVING", epoch: 2, to: ONE, digest: null };
const TAKEN: Ownership = { ...RECEIVING, state: "OWNER" };

let gateway: Gateway;
let stores: Readonly<Record<"one" | "two", Store>>;
/** Signed requests straight to shard-2. */
let shardTwo: ShardClient;
/** Has version 1 of the map and never asks for another. */
let older: EdgeProcess;
let token = "";
let operator = "";
let newerPort = 0;

beforeAll(async () => {
  const first = await findFreePorts(4);
  newerPort = first + 1;
  const configText = gatewayConfig({ ports: [first + 2, first + 3], edge: 'map_refresh = "1h"' });
  gateway = await createGateway({ configText });
  await Promise.all([gateway.startShard(ONE), gateway.startShard(TWO)]);
  stores = { one: await gateway.files.openStore(ONE), two: await gateway.files.openStore(TWO) };
  shardTwo = createShardClient(gateway.shard(TWO).origin);
  older = await gateway.startEdge("older", first);
  [token, operator] = await Promise.all([gateway.token(PERMISSIONS), gateway.token("zgate:operate")]);
});

afterAll(async () => {
  await Promise.all([stores.one.close(), stores.two.close(), shardTwo.close()]);
  await gateway.end();
});

/** Moves ownership columns; the slots are named by their first two letters. */
async function setOwner(store: Store, slot: string, change: readonly [from: Ownership, to: Ownership]): Promise<void> {
  const address = { collection: COLLECTION, slot: slot as SlotId };
  const { applied, current } = await store.setOwnership(address, ...change);
  expect(applied, `${slot} is ${JSON.stringify(current)}`).toBe(true);
}

/** A slot goes to shard-2 in one stride. What lies in it at shard-1 stays there, as until its clean-up. */
async function moveSlot(slot: string): Promise<void> {
  await setOwner(stores.two, slot, [NEVER_HELD, RECEIVING]);
  await setOwner(stores.one, slot, [FIRST_OWNER, FENCED]);
  await setOwner(stores.one, slot, [FENCED, GONE]);
  await setOwner(stores.two, slot, [RECEIVING, TAKEN]);
}

/** Puts a document at shard-2 without any edge learning of it. */
async function plant(key: string, value: unknown): Promise<void> {
  const headers = { [HEADER.permissions]: PERMISSIONS };
  const body = JSON.stringify(value);
  const { status } = await shardTwo.send({ method: "PUT", path: `/prices/${key}`, headers, body });
  expect(status).toBe(201);
}

async function versionAt(client: GatewayClient): Promise<number> {
  return (await client.get("/maps/prices", { token: operator })).json().version;
}

const keysOf = (answer: { json(): { items: { key: string }[] } }): readonly string[] =>
  answer.json().items.map(({ key }) => key);

describe("an edge whose map is older than the owners", () => {
  test("reads a moved document where it is now, each time", async () => {
    await moveSlot("aa");
    await plant("aa-1", { at: 2 });
    const { client } = older;
    expect((await client.get("/prices/aa-1")).json()).toEqual({ at: 2 });
    expect((await client.get("/prices/aa-1")).json()).toEqual({ at: 2 });
    expect((await client.get("/prices/aa-none")).json().code).toBe("DOCUMENT_NOT_FOUND");
    expect(await versionAt(client), "by 421 alone").toBe(1);
  });

  test("many readers at once all learn", async () => {
    await moveSlot("ar");
    await plant("ar-1", 1);
    const answers = await Promise.all(Array.from({ length: 30 }, () => older.client.get("/prices/ar-1")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  test("writes a body of full size to where its slot is now, once", async () => {
    await moveSlot("ab");
    const text = `"${"x".repeat(DOCUMENT_BYTES_MAX - 2)}"`;
    const created = await older.client.put("/prices/ab-1", text, { token });
    expect(created.status).toBe(201);
    const direct = await shardTwo.send({ path: "/prices/ab-1" });
    expect(direct.text).toBe(text);
    expect(direct.headers["etag"]).toBe(created.header("etag"));
    const keyed = { token, headers: { "idempotency-key": "k", "if-match": created.header("etag") } };
    const patch = { ...keyed, body: "1", headers: { ...keyed.headers, "content-type": "application/json" } };
    expect((await older.client.send("PATCH", "/prices/ab-1", patch)).status).toBe(200);
    expect((await older.client.send("PATCH", "/prices/ab-1", patch)).header("idempotency-replayed")).toBe("true");
    expect((await older.client.send("DELETE", "/prices/ab-1", { token })).status).toBe(204);
  });

  test.for(["PUT", "PATCH", "DELETE"])("sends a first %s to the owner with its preconditions", async (method) => {
    const slot = { PUT: "ba", PATCH: "bb", DELETE: "bc" }[method] ?? "";
    await moveSlot(slot);
    await plant(`${slot}-1`, { n: 1 });
    const headers = { "content-type": "application/json", "if-match": '"other"' };
    const body = method === "DELETE" ? {} : { body: "{}" };
    const answer = await older.client.send(method, `/prices/${slot}-1`, { token, headers, ...body });
    expect(answer.json().code).toBe("PRECONDITION_FAILED");
    expect(answer.header("etag")).not.toBe("");
  });

  test("lists across a moved slot: each document once, as its owner has it", async () => {
    const { client } = older;
    for (const key of ["ca-1", "cb-1", "cb-2", "cc-1", "zc-1"])
      await client.put(`/prices/${key}`, { at: 1 }, { token });
    await moveSlot("cb");
    await plant("cb-1", { at: 2 });
    await plant("cb-3", { at: 2 });
    const expected = ["ca-1", "cb-1", "cb-3", "cc-1"];
    const whole = await client.get("/prices?prefix=c");
    expect(keysOf(whole)).toEqual(expected);
    expect(whole.json().items.map(({ value }: { value: { at: number } }) => value.at)).toEqual([1, 2, 2, 1]);
    const found: string[] = [];
    for (let next: string | null = "/prices?prefix=c&limit=1"; next !== null; ) {
      const page = await client.get(next);
      found.push(...keysOf(page));
      next = /<([^>]*)>/.exec(page.header("link"))?.[1] ?? null;
    }
    expect(found).toEqual(expected);
    expect(keysOf(await client.get("/prices?start=cb&end=zd&limit=1000"))).toEqual(
      expect.arrayContaining(["cb-1", "cb-3", "cc-1", "zc-1"]),
    );
    expect(await versionAt(client)).toBe(1);
  });
});

describe("a slot that is neither here nor there yet", () => {
  test("undecided: requests wait, then 503 SLOT_MOVING; once decided they are served", async () => {
    const { client } = older;
    await client.put("/prices/da-1", 1, { token });
    await setOwner(stores.two, "da", [NEVER_HELD, RECEIVING]);
    await setOwner(stores.one, "da", [FIRST_OWNER, FENCED]);
    await setOwner(stores.one, "da", [FENCED, GONE]);
    const startedMs = performance.now();
    const waited = await Promise.all([
      client.get("/prices/da-1"),
      client.put("/prices/da-1", 2, { token }),
      client.get("/prices?prefix=da"),
    ]);
    expect(waited.map((answer) => answer.json().code)).toEqual(["SLOT_MOVING", "SLOT_MOVING", "SLOT_MOVING"]);
    expect(performance.now() - startedMs).toBeGreaterThan(HOLD_MS_MAX * 0.9);

    const held = [client.get("/prices/da-2"), client.put("/prices/da-3", 3, { token })] as const;
    await setOwner(stores.two, "da", [RECEIVING, TAKEN]);
    expect((await held[0]).json().code).toBe("DOCUMENT_NOT_FOUND");
    expect((await held[1]).status).toBe(201);
    expect((await shardTwo.send({ path: "/prices/da-3" })).text).toBe("3");
  });

  test("fenced: reads go on, writes wait and are taken by the new owner", async () => {
    const { client } = older;
    await client.put("/prices/db-1", 1, { token });
    await setOwner(stores.two, "db", [NEVER_HELD, RECEIVING]);
    await setOwner(stores.one, "db", [FIRST_OWNER, FENCED]);
    expect((await client.get("/prices/db-1")).text).toBe("1");
    const write = client.put("/prices/db-2", 2, { token });
    await client.get("/prices/db-1");
    await setOwner(stores.one, "db", [FENCED, GONE]);
    await setOwner(stores.two, "db", [RECEIVING, TAKEN]);
    expect((await write).status).toBe(201);
    expect((await shardTwo.send({ path: "/prices/db-2" })).text).toBe("2");
  });

  test("aborted: the source goes on at a higher epoch", async () => {
    const { client } = older;
    await client.put("/prices/dc-1", 1, { token });
    await setOwner(stores.two, "dc", [NEVER_HELD, RECEIVING]);
    await setOwner(stores.one, "dc", [FIRST_OWNER, FENCED]);
    await setOwner(stores.two, "dc", [RECEIVING, { ...RECEIVING, state: "ABORTED" }]);
    await setOwner(stores.one, "dc", [FENCED, { ...FENCED, state: "OWNER", epoch: 3 }]);
    expect((await client.get("/prices/dc-1")).text).toBe("1");
    expect((await client.put("/prices/dc-1", 2, { token })).status).toBe(200);
  });

  test("there and back again: the edge follows the higher epoch", async () => {
    const { client } = older;
    await moveSlot("dd");
    await plant("dd-1", 2);
    expect((await client.get("/prices/dd-1")).text).toBe("2");
    const back = { ...MOVE, move: "move-2" };
    await setOwner(stores.two, "dd", [TAKEN, { ...back, state: "GONE", epoch: 3, to: ONE }]);
    await setOwner(stores.one, "dd", [GONE, { ...back, state: "OWNER", epoch: 3, to: TWO }]);
    expect((await client.get("/prices/dd-1")).json().code).toBe("DOCUMENT_NOT_FOUND");
    expect((await client.put("/prices/dd-1", 3, { token })).status).toBe(201);
    expect((await client.get("/prices/dd-1")).text).toBe("3");
  });

  test("owned by nobody, as after the loss of a store: 503, and other slots go on", async () => {
    await setOwner(stores.one, "de", [FIRST_OWNER, { ...NEVER_HELD, epoch: 1 }]);
    const { client } = older;
    const startedMs = performance.now();
    for (const answer of [await client.get("/prices/de-1"), await client.put("/prices/de-1", 1, { token })]) {
      expect(answer.json()).toMatchObject({ status: 503, code: "ROUTE_UNSETTLED" });
    }
    expect(performance.now() - startedMs).toBeLessThan(HOLD_MS_MAX * 2);
    expect((await client.get("/prices/df-1")).status).toBe(404);
  });
});

describe("edges with different maps", () => {
  let newer: EdgeProcess;

  /** Publishes a map that gives `[start, end)` to shard-2; its slots have been moved. */
  async function publishMove(start: string, end: string): Promise<void> {
    const catalog = await gateway.files.openCatalog();
    const map = await catalog.current(COLLECTION);
    const config = gateway.files.config.collections.get(COLLECTION);
    if (map === null || config === undefined) throw new Error("no map");
    const plan = planMove(map, { start, end, to: TWO }, { placement: config.placement, shards: null });
    if (!plan.ok) throw new Error(plan.detail);
    const author = { actor: "test", writer: crypto.randomUUID(), atMs: Date.now() };
    expect(await catalog.publish(plan.value.next, author)).toEqual({ kind: "published" });
    await catalog.close();
  }

  beforeAll(async () => {
    if (!IS_ON_ENGINES) copyFileSync(gateway.files.catalogFile, join(gateway.directory.root, "catalog-old.db"));
    for (const slot of ["ea", "eb", "ec"]) await moveSlot(slot);
    await publishMove("ea", "ed");
    newer = await gateway.startEdge("newer", newerPort, gateway.files.configText.replace('"1h"', '"50ms"'));
  });

  test("both give right answers for each range, and see each other's writes at once", async () => {
    const edges = [older.client, newer.client] as const;
    // A shard reads the catalog once a second.
    await expect.poll(() => versionAt(newer.client), { timeout: 10_000 }).toBe(2);
    expect(await versionAt(older.client)).toBe(1);
    for (const key of ["e0-1", "ea-1", "eb-1", "ec-1", "ed-1", "z-1", "aa-2", "cb-9"]) {
      for (const [writer, reader] of [edges, [edges[1], edges[0]] as const]) {
        const path = `/prices/${key}`;
        const put = await writer.put(path, { key }, { token });
        expect([200, 201], key).toContain(put.status);
        expect((await reader.get(path)).header("etag"), key).toBe(put.header("etag"));
        const next = await reader.put(path, { key, n: 2 }, { token, headers: { "if-match": put.header("etag") } });
        expect(next.status, key).toBe(200);
        expect((await writer.get(path)).json(), key).toEqual({ key, n: 2 });
      }
    }
    for (const prefix of ["e", "a", "c"]) {
      const lists = await Promise.all(edges.map((client) => client.get(`/prices?prefix=${prefix}`)));
      expect(keysOf(lists[0] as never)).toEqual(keysOf(lists[1] as never));
      expect(keysOf(lists[0] as never).length).toBeGreaterThan(0);
    }
  });

  test("a slot that moves under writers through both edges loses nothing", async () => {
    const writers = ["fa-1", "fa-2", "fb-1"].flatMap((key) =>
      [older, newer].map(({ client, port }) => startWriter({ client, token, path: `/prices/${key}-${port}` })),
    );
    const done = (): number => writers.reduce((sum, writer) => sum + writer.done(), 0);
    await expect.poll(done, { timeout: 20_000 }).toBeGreaterThan(30);
    await setOwner(stores.two, "fb", [NEVER_HELD, RECEIVING]);
    await setOwner(stores.one, "fb", [FIRST_OWNER, FENCED]);
    // Nothing is copied here; the writers of this slot find it fenced, and go on when the move is given up.
    const during = done();
    await expect.poll(done, { timeout: 20_000 }).toBeGreaterThan(during + 20);
    await setOwner(stores.two, "fb", [RECEIVING, { ...RECEIVING, state: "ABORTED" }]);
    await setOwner(stores.one, "fb", [FENCED, { ...FENCED, state: "OWNER", epoch: 3 }]);
    const after = done();
    await expect.poll(done, { timeout: 20_000 }).toBeGreaterThan(after + 30);
    for (const writer of writers) {
      const { path, count, unexpected } = await writer.stop();
      expect(unexpected, path).toEqual([]);
      expect((await newer.client.get(path)).json(), path).toEqual({ count });
    }
  });

  // The older map is a copy of the catalog's file.
  test.skipIf(IS_ON_ENGINES)("an edge never goes back to an older map, whatever a shard tells it", async () => {
    await gateway.shard(TWO).stop();
    await gateway.startShard(TWO, { catalogFile: join(gateway.directory.root, "catalog-old.db") });
    const headers = { [HEADER.permissions]: "" };
    const old = await shardTwo.send({ path: "/internal/map", query: "collection=prices", headers });
    expect(old.json().version, "otherwise this tests nothing").toBe(1);
    const versions = new Set<number>();
    for (let times = 0; times < 40; times += 1) {
      const answer = await newer.client.get("/maps/prices", {
        token: operator,
        headers: { "cache-control": "no-cache" },
      });
      versions.add(answer.json().version);
    }
    expect([...versions]).toEqual([2]);
    expect((await newer.client.get("/prices/ea-1")).status).toBe(200);
  });
});
