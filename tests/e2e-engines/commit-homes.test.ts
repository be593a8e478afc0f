// A shard of three workers on Cassandra, each of which commits for a part of the slots: nothing acknowledged is lost when one of them
// dies, or all of them stop.
// Must not look into a worker.
import { afterEach, beforeEach, expect, test } from "vitest";
import { createShardClient } from "../e2e/shard-client.ts";
import {
  createTwoShards,
  eventually,
  isAlive,
  type ShardFiles,
  type ShardProcess,
  startShard,
} from "../e2e/shard-process.ts";
import { findLost, startWriteLoad } from "../e2e/write-load.ts";
import { describeOnEngines } from "../engines/engines.ts";

const WORKERS = 3;
const CLIENTS = 24;

describeOnEngines("a shard whose workers commit for each other", () => {
  let files: ShardFiles;
  let port: number;
  let shard: ShardProcess;

  const start = async (): Promise<void> => {
    shard = await startShard({ files, shard: "shard-1", port, workers: WORKERS });
  };

  beforeEach(async () => {
    const made = await createTwoShards();
    files = made.files;
    port = made.ports[0];
    await start();
  });

  afterEach(async () => {
    await shard.destroy();
    await files.remove();
  });

  test("counts right: whoever writes one document by its version, one after the other is applied", async () => {
    const clients = Array.from({ length: CLIENTS }, () => createShardClient(shard.origin, 1));
    const path = "/products/counted";
    const increments = 2;
    await clients[0]?.send({ method: "PUT", path, body: '{"n":0}' });
    const count = async (client: (typeof clients)[number]): Promise<void> => {
      for (let done = 0; done < increments; ) {
        const read = await client.send({ path });
        const { n } = read.json() as { readonly n: number };
        const headers = { "if-match": String(read.headers["etag"]) };
        const written = await client.send({ method: "PUT", path, headers, body: JSON.stringify({ n: n + 1 }) });
        if (written.status === 200) done += 1;
        else expect(written.status).toBe(412);
      }
    };
    await Promise.all(clients.map(count));
    const [client] = clients;
    expect((await client?.send({ path }))?.json()).toEqual({ n: CLIENTS * increments });
    await Promise.all(clients.map((each) => each.close()));
  });

  test("kill -9 of a worker under load loses nothing acknowledged, and is told as what nobody knows", async () => {
    const writing = startWriteLoad({ origin: shard.origin, clients: CLIENTS, onFailure: "go-on" });
    await eventually(() => writing.acknowledged.size > 100, "the load is running");
    const [victim = 0] = shard.workerPids();
    process.kill(victim, "SIGKILL");
    await eventually(() => !isAlive(victim), "the worker is gone");
    const atDeath = writing.acknowledged.size;
    await eventually(() => writing.acknowledged.size > atDeath + 100, "the others go on");
    await eventually(() => shard.workerPids().length === WORKERS, "the worker is replaced");
    await writing.stop();
    // Of each client one write at most: its connection went with the worker, or the write itself did.
    expect(writing.failures.length).toBeLessThanOrEqual(2 * CLIENTS);
    expect(writing.failures.filter((failure) => /^\d+$/.test(failure) && failure !== "503")).toEqual([]);
    expect(await findLost(shard.origin, writing.acknowledged)).toEqual([]);
  });

  test("a stop under load answers whatever it has begun, and loses nothing", async () => {
    const writing = startWriteLoad({ origin: shard.origin, clients: CLIENTS, onFailure: "end" });
    await eventually(() => writing.acknowledged.size > 100, "the load is running");
    shard.child.kill("SIGTERM");
    expect(await shard.exited).toEqual({ code: 0, signal: null });
    await writing.stop();
    // Connections that come too late may be refused or reset; an answer that says so would be a write that its home has dropped.
    expect(writing.failures.filter((failure) => /^\d+$/.test(failure))).toEqual([]);
    await start();
    expect(await findLost(shard.origin, writing.acknowledged)).toEqual([]);
  });
});
