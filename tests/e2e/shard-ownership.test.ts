// A shard whose slots are in each state of a move: what it serves, holds, redirects, and never applies.
// The states are prepared through the store, beside the running shards.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HEADER, HOLD_MS_MAX } from "../../router/contract.ts";
import type { CollectionName, ShardId, SlotId } from "../../router/ids.ts";
import { FIRST_OWNER, NEVER_HELD, type Ownership } from "../../router/ownership.ts";
import type { Store } from "../../shards/store/port.ts";
import { createShardClient, type ShardClient } from "./shard-client.ts";
import { createTwoShards, type ShardFiles, type ShardProcess, startShard } from "./shard-process.ts";

const PRODUCTS = "products" as CollectionName;
const S1 = "shard-1" as ShardId;
const S2 = "shard-2" as ShardId;

let files: ShardFiles;
let shards: readonly ShardProcess[];
let clients: readonly [ShardClient, ShardClient];
let stores: readonly [Store, Store];
let serial = 0;

beforeAll(async () => {
  const { files: made, ports } = await createTwoShards();
  files = made;
  shards = await Promise.all(
    ports.map((port, index) => startShard({ files, shard: `shard-${index + 1}`, port, workers: 2 })),
  );
  clients = [createShardClient(`http://127.0.0.1:${ports[0]}`), createShardClient(`http://127.0.0.1:${ports[1]}`)];
  stores = [await files.openStore("shard-1"), await files.openStore("shard-2")];
});

afterAll(async () => {
  for (const part of [...clients, ...stores]) await part.close();
  for (const shard of shards) await shard.destroy();
  await files.remove();
});

interface Move {
  readonly slot: SlotId;
  readonly path: string;
  /** Sets the columns at the source and at the destination. */
  set(source: Ownership, destination: Ownership): Promise<void>;
}

const FENCED: Ownership = { ...FIRST_OWNER, state: "FENCED", epoch: 2, move: "m1", to: S2 };
const GONE: Ownership = { ...FENCED, state: "GONE" };
const RECEIVING: Ownership = { ...NEVER_HELD, state: "RECEIVING", epoch: 2, move: "m1", run: "r1", to: S1 };
const RECEIVED: Ownership = { ...RECEIVING, state: "OWNER" };
const ABORTED: Ownership = { ...RECEIVING, state: "ABORTED" };

/** A slot of shard-1 that no other test uses, with one document in it. */
async function createMove(): Promise<Move> {
  const slot = `c${"abcdefghijklmnopqrstuvwxyz".charAt(serial)}` as SlotId;
  serial += 1;
  const path = `/products/${slot}-doc`;
  await clients[0].send({ method: "PUT", path, body: '"at the source"' });
  const setAt = async (store: Store, next: Ownership): Promise<void> => {
    const address = { collection: PRODUCTS, slot };
    const outcome = await store.setOwnership(address, await store.ownership(address), next);
    expect(outcome.applied).toBe(true);
  };
  return {
    slot,
    path,
    async set(source, destination) {
      await setAt(stores[0], source);
      await setAt(stores[1], destination);
    },
  };
}

const write = (client: ShardClient, path: string, headers: Readonly<Record<string, string>> = {}) =>
  client.send({ method: "PUT", path, body: '"new"', headers });

describe("a slot that was never held", () => {
  test("reads, writes and lists get 421, nothing is applied", async () => {
    const path = "/products/nevermind";
    const slot = "ne";
    for (const answer of [
      await clients[0].send({ path }),
      await clients[0].send({ method: "HEAD", path }),
      await write(clients[0], path),
      await clients[0].send({ method: "DELETE", path }),
      await clients[0].send({ path: "/products", query: "from=ne&limit=5" }),
    ]) {
      expect(answer.status).toBe(421);
      if (answer.text !== "") expect(answer.json()).toEqual({ slot, epoch: 0, owner: null });
    }
    expect((await clients[1].send({ path })).status).toBe(404);
  });
});

describe("FENCED", () => {
  test("reads go on, a write waits and is applied once when the move is aborted", async () => {
    const move = await createMove();
    await move.set(FENCED, RECEIVING);
    expect((await clients[0].send({ path: move.path })).text).toBe('"at the source"');
    const pending = write(clients[0], move.path);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await clients[0].send({ path: move.path })).text).toBe('"at the source"');
    await move.set({ ...FIRST_OWNER, epoch: 3 }, ABORTED);
    expect((await pending).status).toBe(200);
    expect((await clients[0].send({ path: move.path })).text).toBe('"new"');
  });

  test("a write waits and follows when the move is decided; it is not applied here", async () => {
    const move = await createMove();
    await move.set(FENCED, RECEIVING);
    const pending = write(clients[0], move.path);
    await move.set(GONE, RECEIVED);
    const answer = await pending;
    expect(answer.status).toBe(421);
    expect(answer.json()).toEqual({ slot: move.slot, epoch: 2, owner: "shard-2" });
    expect((await write(clients[1], move.path, { [HEADER.slotEpoch]: "2" })).status).toBe(201);
  });

  test("a write that waits too long: 503 with Retry-After, and it is not applied", async () => {
    const move = await createMove();
    await move.set(FENCED, RECEIVING);
    const startedAtMs = performance.now();
    const answer = await write(clients[0], move.path);
    expect(performance.now() - startedAtMs).toBeGreaterThan(HOLD_MS_MAX - 200);
    expect(answer.status).toBe(503);
    expect(answer.headers["retry-after"]).toBe("1");
    expect(answer.json()).toMatchObject({ code: "SLOT_MOVING", retryable: true });
    expect((await clients[0].send({ path: move.path })).text).toBe('"at the source"');
  });
});

describe("GONE", () => {
  test("decided: reads, writes and lists are sent on with the new epoch", async () => {
    const move = await createMove();
    await move.set(GONE, RECEIVED);
    const told = { slot: move.slot, epoch: 2, owner: "shard-2" };
    expect((await clients[0].send({ path: move.path })).json()).toEqual(told);
    expect((await write(clients[0], move.path)).json()).toEqual(told);
    expect((await clients[0].send({ path: "/products", query: `from=${move.slot}&limit=5` })).json()).toEqual(told);
  });

  test("not decided: even a read waits, and goes on when it is decided", async () => {
    const move = await createMove();
    await move.set(GONE, RECEIVING);
    const pending = clients[0].send({ path: move.path });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await move.set(GONE, RECEIVED);
    expect((await pending).json()).toEqual({ slot: move.slot, epoch: 2, owner: "shard-2" });
  });

  test("a request that knows as much already waits instead of going in circles", async () => {
    const move = await createMove();
    await move.set(GONE, RECEIVED);
    const answer = await clients[0].send({ path: move.path, headers: { [HEADER.slotEpoch]: "2" } });
    expect(answer.json()).toMatchObject({ code: "SLOT_MOVING" });
  });
});

describe("RECEIVING and ABORTED", () => {
  test.each([
    ["RECEIVING", RECEIVING],
    ["ABORTED", ABORTED],
  ])("%s: the source is named at its own epoch, nothing is applied", async (_name, destination) => {
    const move = await createMove();
    await move.set(FENCED, destination);
    const told = { slot: move.slot, epoch: 1, owner: "shard-1" };
    expect((await clients[1].send({ path: move.path })).json()).toEqual(told);
    expect((await write(clients[1], move.path)).json()).toEqual(told);
    await move.set({ ...FIRST_OWNER, epoch: 3 }, ABORTED);
    expect((await clients[0].send({ path: move.path })).text).toBe('"at the source"');
  });

  test("RECEIVING, for a request that comes from the source: waits until it owns the slot", async () => {
    const move = await createMove();
    await move.set(GONE, RECEIVING);
    const pending = write(clients[1], move.path, { [HEADER.slotEpoch]: "1" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await move.set(GONE, RECEIVED);
    expect((await pending).status).toBe(201);
  });
});

test("a list ends before the first slot that is not readable", async () => {
  await write(clients[0], "/products/gaa");
  await write(clients[0], "/products/gcc");
  const address = { collection: PRODUCTS, slot: "gb" as SlotId };
  await stores[0].setOwnership(address, await stores[0].ownership(address), GONE);
  const page = await clients[0].send({ path: "/products", query: "from=g&limit=10" });
  expect(page.status).toBe(200);
  expect(page.headers[HEADER.listCovered]).toBe("gb");
  expect(page.text.trimEnd().split("\n")).toHaveLength(1);
});
