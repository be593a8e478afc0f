// The life of a shard's processes: death of a worker, of the primary, graceful stop, crash loop, a port in use.
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HEADER } from "../../router/contract.ts";
import type { CollectionName, SlotId } from "../../router/ids.ts";
import { NEVER_HELD } from "../../router/ownership.ts";
import { createShardClient } from "./shard-client.ts";
import {
  createShardFiles,
  createTwoShards,
  eventually,
  isAlive,
  type ShardFiles,
  type ShardProcess,
  type ShardProcessOptions,
  spawnShard,
  startShard,
  twoShardConfig,
} from "./shard-process.ts";
import { findLost, findPresent, NOT_ACCEPTED, startWriteLoad, type WriteLoad } from "./write-load.ts";

let files: ShardFiles;
let port: number;
const started: ShardProcess[] = [];

beforeEach(async () => {
  const made = await createTwoShards();
  files = made.files;
  port = made.ports[0];
});

afterEach(async () => {
  for (const shard of started.splice(0)) await shard.destroy();
  await files.remove();
});

async function start(options: Partial<ShardProcessOptions> = {}): Promise<ShardProcess> {
  const shard = await startShard({ files, shard: "shard-1", port, ...options });
  started.push(shard);
  return shard;
}

function spawn(options: Partial<ShardProcessOptions> = {}): ShardProcess {
  const shard = spawnShard({ files, shard: "shard-1", port, ...options });
  started.push(shard);
  return shard;
}

function load(shard: ShardProcess, onFailure: "go-on" | "end" = "go-on"): WriteLoad {
  return startWriteLoad({ origin: shard.origin, clients: 16, onFailure });
}

const eventsOf = (shard: ShardProcess): readonly string[] => shard.lines.map((line) => JSON.parse(line).event);

describe("kill -9 of a worker under load", () => {
  test("loses nothing acknowledged, other connections go on, the worker is replaced", async () => {
    const shard = await start();
    const before = shard.workerPids();
    expect(before).toHaveLength(2);
    const writing = load(shard);
    await eventually(() => writing.acknowledged.size > 100, "the load is running");
    const [victim = 0] = before;
    process.kill(victim, "SIGKILL");
    await eventually(() => !isAlive(victim), "the worker is gone");
    const atDeath = writing.acknowledged.size;
    await eventually(() => writing.acknowledged.size > atDeath + 100, "other connections go on");
    await eventually(() => shard.workerPids().length === 2, "the worker is replaced");
    await writing.stop();
    expect(writing.failures.length).toBeLessThanOrEqual(16);
    expect(await findLost(shard.origin, writing.acknowledged)).toEqual([]);
    expect(shard.workerPids()).not.toContain(victim);
    expect(eventsOf(shard)).toContain("worker-exit");
  });

  test("of every worker, one after the other, the shard stays", async () => {
    const shard = await start();
    for (const victim of shard.workerPids()) {
      process.kill(victim, "SIGKILL");
      await eventually(() => shard.workerPids().length === 2 && !shard.workerPids().includes(victim), "replaced");
      await eventually(
        () =>
          fetch(`${shard.origin}/internal/health`).then(
            ({ ok }) => ok,
            () => false,
          ),
        "serving",
      );
    }
    expect((await shard.stop()).code).toBe(0);
  });
});

test("kill -9 of the primary: the workers go by themselves, a restart finds the data", async () => {
  const shard = await start();
  const workers = shard.workerPids();
  const writing = load(shard, "end");
  await eventually(() => writing.acknowledged.size > 100, "the load is running");
  shard.child.kill("SIGKILL");
  await eventually(() => !workers.some(isAlive), "the workers are gone");
  await writing.stop();
  const again = await start();
  expect(await findLost(again.origin, writing.acknowledged)).toEqual([]);
  expect(eventsOf(again)).not.toContain("slots-claimed");
});

describe("a graceful stop", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s under load fails nothing that is in flight", async (signal) => {
    const shard = await start();
    const workers = shard.workerPids();
    const writing = load(shard, "end");
    await eventually(() => writing.acknowledged.size > 200, "the load is running");
    shard.child.kill(signal);
    expect(await shard.exited).toEqual({ code: 0, signal: null });
    await writing.stop();
    // Connecting to a shard that has stopped, or stops at that moment, is all that may fail.
    expect(new Set(writing.failures)).toEqual(new Set([NOT_ACCEPTED]));
    expect(workers.some(isAlive)).toBe(false);
    const again = await start();
    expect(await findLost(again.origin, writing.acknowledged)).toEqual([]);
    expect(await findPresent(again.origin, writing.notAccepted)).toEqual([]);
  });

  test("when the parent goes away", async () => {
    const shard = await start();
    shard.child.disconnect();
    expect(await shard.exited).toEqual({ code: 0, signal: null });
  });

  test("signals to the whole process group, and repeated ones, leave no orphan", async () => {
    const shard = await start();
    const workers = shard.workerPids();
    for (const pid of [shard.pid, ...workers, shard.pid]) process.kill(pid, "SIGINT");
    expect(await shard.exited).toEqual({ code: 0, signal: null });
    expect(workers.some(isAlive)).toBe(false);
  });

  test("does not wait longer than it may for a request that never ends", async () => {
    const shard = await start({ more: ["--stop-timeout-ms", "500"] });
    const client = createShardClient(shard.origin);
    const { connect } = await import("node:net");
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    socket.write("PUT /products/a HTTP/1.1\r\nHost: s\r\nContent-Length: 100\r\n\r\n{");
    await eventually(() => socket.readyState === "open", "connected");
    const startedAtMs = performance.now();
    expect((await shard.stop()).code).toBe(0);
    // Without the option it would be ten seconds.
    expect(performance.now() - startedAtMs).toBeLessThan(8000);
    socket.destroy();
    await client.close();
  });

  test("a worker that does not answer is killed", async () => {
    const shard = await start({ more: ["--stop-timeout-ms", "200"] });
    const [stuck = 0] = shard.workerPids();
    process.kill(stuck, "SIGSTOP");
    expect((await shard.stop()).code).toBe(0);
    expect(isAlive(stuck)).toBe(false);
  });
});

describe("a shard that cannot start says why and exits with 1", () => {
  test("a port in use, by number", async () => {
    const taken = createServer().listen(port, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const shard = spawn();
    expect(await shard.report).toEqual({
      type: "fatal",
      code: "PORT_IN_USE",
      message: `port ${port} on 127.0.0.1 is in use`,
    });
    expect(await shard.exited).toEqual({ code: 1, signal: null });
    taken.close();
  });

  test("workers that die again and again: a crash loop", async () => {
    const script = join(files.directory, "die.mjs");
    writeFileSync(script, 'import cluster from "node:cluster"; if (cluster.isWorker) process.exit(7);');
    const shard = spawn({ workers: 1, environment: { NODE_OPTIONS: `--import=${script}` } });
    expect(await shard.report).toMatchObject({ type: "fatal", code: "CRASH_LOOP" });
    expect(await shard.exited).toEqual({ code: 1, signal: null });
    expect(eventsOf(shard).filter((event) => event === "worker-exit")).toHaveLength(5);
  });

  test("a store that is no database", async () => {
    mkdirSync(files.dataOf("shard-1"), { recursive: true });
    writeFileSync(join(files.dataOf("shard-1"), "store.db"), "this is no database, however long it is".repeat(200));
    const shard = spawn();
    expect(await shard.report).toMatchObject({ type: "fatal", code: "STORE_UNUSABLE" });
    expect((await shard.exited).code).toBe(1);
  });

  test("the store of another shard", async () => {
    await (await start()).stop();
    renameSync(files.dataOf("shard-1"), files.dataOf("shard-2"));
    const shard = spawn({ shard: "shard-2" });
    expect(await shard.report).toMatchObject({
      type: "fatal",
      code: "STORE_UNUSABLE",
      message: expect.stringContaining('is the store of shard "shard-1", and shard "shard-2" must not serve it'),
    });
    expect((await shard.exited).code).toBe(1);
  });

  test("a data directory that is a file", async () => {
    writeFileSync(files.dataOf("shard-1"), "");
    const report = await spawn().report;
    expect(report).toMatchObject({ type: "fatal", code: "STORE_UNUSABLE" });
  });

  test.each([
    ["an unknown shard", { shard: "shard-9" }, "CONFIG_INVALID"],
    ["no keys", { environment: { ZGATE_SIGNING_KEYS: "" } }, "KEYS_INVALID"],
    ["a bad option", { more: ["--workers", "0"] }, "OPTIONS_INVALID"],
  ])("%s", async (_name, options, code) => {
    expect(await spawn(options).report).toMatchObject({ type: "fatal", code });
  });
});

test("a store that comes back empty claims nothing, serves nothing, and is reported lost", async () => {
  const shard = await start();
  const client = createShardClient(shard.origin);
  expect((await client.send({ method: "PUT", path: "/products/a", body: "1" })).status).toBe(201);
  await client.close();
  await shard.stop();
  rmSync(files.dataOf("shard-1"), { recursive: true });
  const again = await start();
  const late = createShardClient(again.origin);
  const answer = await late.send({ path: "/products/a" });
  expect(answer.status).toBe(421);
  expect(answer.json()).toMatchObject({ epoch: 0, owner: null });
  await late.close();
  const lost = again.lines.map((line) => JSON.parse(line)).filter(({ event }) => event === "store-lost");
  expect(lost.map(({ level, collection }) => [level, collection])).toEqual([
    ["error", "products"],
    ["error", "carts"],
    ["error", "notes"],
  ]);
  const health = await fetch(`${again.origin}/internal/health`);
  expect(health.status).toBe(503);
  expect(await health.json()).toMatchObject({
    shard: "shard-1",
    ready: false,
    reason: "store-lost",
    collections: ["products", "carts", "notes"],
  });
});

test("a collection created after the store was lost is served all the same", async () => {
  await (await start()).stop();
  rmSync(files.dataOf("shard-1"), { recursive: true });
  const added = twoShardConfig([port, port + 1]).replaceAll('name = "notes"', 'name = "memos"');
  await createShardFiles({ configText: added, directory: files.directory });
  const shard = await start();
  const client = createShardClient(shard.origin);
  const headers = { [HEADER.permissions]: "memos:write", "if-none-match": "*" };
  const write = { method: "PUT", path: "/memos/a", body: "1", headers };
  expect((await client.send(write)).status).toBe(201);
  await client.close();
  const health = await fetch(`${shard.origin}/internal/health`);
  expect(health.status).toBe(503);
  expect(await health.json()).toMatchObject({ collections: ["products", "carts"] });
});

test("a catalog that comes back with another first map: no slot gets a second owner, no shard starts", async () => {
  await (await start()).stop();
  await (await start({ shard: "shard-2", port: port + 1 })).stop();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(files.catalogFile + suffix, { force: true });
  const moved = twoShardConfig([port, port + 1])
    .replaceAll('end = "m"', 'end = "p"')
    .replaceAll('start = "m"', 'start = "p"');
  await createShardFiles({ configText: moved, directory: files.directory });
  for (const shard of ["shard-1", "shard-2"]) {
    const refused = spawn({ shard });
    expect(await refused.report).toMatchObject({
      type: "fatal",
      code: "CATALOG_LOST",
      message: expect.stringMatching(/holds \d+ slots of "products", other ones than .* restore it from its backup/),
    });
    expect((await refused.exited).code).toBe(1);
  }
  const store = await files.openStore("shard-1");
  const address = { collection: "products" as CollectionName, slot: "ne" as SlotId };
  expect(await store.ownership(address)).toEqual(NEVER_HELD);
  await store.close();
});

test("a catalog that comes back with the same first map changes nothing", async () => {
  await (await start()).stop();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(files.catalogFile + suffix, { force: true });
  await createShardFiles({ configText: twoShardConfig([port, port + 1]), directory: files.directory });
  const shard = await start();
  expect((await fetch(`${shard.origin}/internal/health`)).status).toBe(200);
});
