// A move between two real shards while clients read and write: their workers find it in the catalog and bring it to its end.
// Clients follow 421s as an edge does; nothing else may fail for them.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HEADER } from "../../router/contract.ts";
import type { CollectionName, ShardId } from "../../router/ids.ts";
import { slotsIn } from "../../router/move-plan.ts";
import { parseProgress } from "../../router/move-progress.ts";
import { rangeOf } from "../../router/shard-map.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import type { Store } from "../../shards/store/port.ts";
import { createPlannedMove } from "./planned-move.ts";
import { createShardClient, type ShardAnswer, type ShardClient } from "./shard-client.ts";
import { createTwoShards, eventually, type ShardFiles, type ShardProcess, startShard } from "./shard-process.ts";

const PRODUCTS = "products" as CollectionName;
const SHARDS = ["shard-1", "shard-2"] as readonly string[] as readonly ShardId[];
const PLACEMENT = { kind: "range", stripes: 1 } as const;
const START = "ga";
const END = "gk";
const PAUSE_MS = 20;

let files: ShardFiles;
let shards: readonly ShardProcess[];
let clients: readonly ShardClient[];
let catalog: Catalog;

beforeAll(async () => {
  const { files: made, ports } = await createTwoShards();
  files = made;
  shards = await Promise.all(
    ports.map((port, index) => startShard({ files, shard: `shard-${index + 1}`, port, workers: 2 })),
  );
  clients = ports.map((port) => createShardClient(`http://127.0.0.1:${port}`));
  catalog = await files.openCatalog();
});

afterAll(async () => {
  for (const client of clients) await client.close();
  await catalog.close();
  for (const shard of shards) await shard.destroy();
  await files.remove();
});

/** What one client knows of one slot's owner, as an edge would. */
interface Route {
  owner: number;
  epoch: number;
}

type Asked = Parameters<ShardClient["send"]>[0];

/** Sends to the owner that is known, and on to whoever is named. Anything but a 421 is the answer. */
async function follow(route: Route, asked: Asked): Promise<ShardAnswer> {
  for (let hop = 0; hop < 4; hop += 1) {
    const headers = { ...asked.headers, [HEADER.slotEpoch]: String(route.epoch) };
    const answer = await clients[route.owner]?.send({ ...asked, headers });
    if (answer === undefined) throw new Error("no such shard");
    if (answer.status !== 421) return answer;
    const { epoch, owner } = answer.json() as { readonly epoch: number; readonly owner: ShardId };
    if (epoch > route.epoch) Object.assign(route, { epoch, owner: SHARDS.indexOf(owner) });
  }
  throw new Error("sent round in circles");
}

/** A client of one key: writes a number, reads it back, deletes now and then; counts what it does and notes what is wrong. */
function startClient(key: string, over: AbortSignal) {
  const route: Route = { owner: 0, epoch: 0 };
  const path = `/products/${key}`;
  const faults: string[] = [];
  let last: string | null = null;
  let count = 0;
  const timed = async (asked: Asked): Promise<ShardAnswer> => {
    const answer = await follow(route, asked);
    if (answer.status >= 400 && answer.status !== 404) faults.push(`${asked.method} ${answer.status} ${answer.text}`);
    return answer;
  };
  const live = async (): Promise<void> => {
    while (!over.aborted) {
      count += 1;
      const headers = { "idempotency-key": randomUUID() };
      if (count % 7 === 0 && last !== null) {
        await timed({ method: "DELETE", path, headers });
        last = null;
      } else {
        last = `{"n":${count}}`;
        await timed({ method: "PUT", path, body: last, headers });
      }
      const read = await timed({ method: "GET", path });
      const found = read.status === 404 ? null : read.text;
      if (found !== last) faults.push(`read ${found}, wrote ${last}`);
      // Clients pause, or they would be a test of how much load a machine bears.
      await delay(PAUSE_MS);
    }
  };
  const running = live().catch((error: unknown) => void faults.push(String(error)));
  return { key, running, faults, last: () => last, count: () => count };
}

async function expectOwned(store: Store, state: string): Promise<void> {
  const slots = slotsIn(PLACEMENT, { start: START, end: END });
  for (const ownership of await store.ownerships(PRODUCTS, slots)) expect(ownership).toMatchObject({ state, epoch: 2 });
}

test("a range goes over under reads and writes without an error, then everything is at the destination", async () => {
  const quiet = [..."abcdefghij"].flatMap((second) => Array.from({ length: 30 }, (_, index) => `g${second}-${index}`));
  for (const key of quiet) {
    const written = await clients[0]?.send({ method: "PUT", path: `/products/${key}`, body: `{"key":"${key}"}` });
    expect(written?.status).toBe(201);
  }
  const over = new AbortController();
  const busy = [..."abfij"].map((second) => startClient(`g${second}-busy`, over.signal));
  await eventually(() => busy.every(({ count }) => count() > 3), "clients at work");
  const id = await createPlannedMove(files, catalog, { collection: PRODUCTS, start: START, end: END });
  await eventually(async () => (await catalog.move(id))?.state === "done", "the end of the move");
  const counts = busy.map(({ count }) => count());
  await eventually(() => busy.every(({ count }, index) => count() > (counts[index] ?? 0) + 3), "clients still at work");
  over.abort();
  await Promise.all(busy.map(({ running }) => running));

  expect(busy.flatMap(({ faults }) => faults)).toEqual([]);
  const move = await catalog.move(id);
  const progress = parseProgress(move?.progress ?? "");
  if (!progress.ok || progress.value === null) throw new Error("no progress");
  expect(progress.value).toMatchObject({ decided: progress.value.slots, aborted: 0, trouble: null });
  expect(progress.value.pause.counts.reduce((sum, [, count]) => sum + count, 0)).toBe(progress.value.slots);

  const map = await catalog.current(PRODUCTS);
  if (map === null) throw new Error("no map");
  expect(rangeOf(map, "gb")).toEqual({ start: START, end: END, shard: "shard-2" });
  const [source, destination] = [await files.openStore("shard-1"), await files.openStore("shard-2")];
  await expectOwned(source, "GONE");
  await expectOwned(destination, "OWNER");
  await source.close();
  await destination.close();
  for (const key of quiet) {
    const read = await clients[1]?.send({ path: `/products/${key}` });
    expect([read?.status, read?.text]).toEqual([200, `{"key":"${key}"}`]);
  }
  for (const { key, last } of busy) {
    const read = await clients[1]?.send({ path: `/products/${key}` });
    expect(read?.status === 404 ? null : read?.text).toBe(last());
  }
  const traced = shards[1]?.lines.filter((line) => line.includes('"move-step"')) ?? [];
  expect(traced.length).toBeGreaterThan(progress.value.slots * 10);
});
