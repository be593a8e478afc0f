/**
 * Faults on a real cluster of three nodes under load, one history over all of them. Each test is a phase of the same run and
 * fails if what it breaks was not felt; the last one judges the whole history.
 * It must not wait for luck: what has to happen at one moment is held on the wire until it has.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TEST_SIGNING_KEYS } from "../e2e/shard-process.ts";
import { explainAbsence, noteSkipped } from "../engines/engine-absence.ts";
import { createRandom } from "../history/random.ts";
import { type CassandraShards, startCassandraShards } from "./cassandra-shards.ts";
import { FaultyCluster, logBytes, logSince } from "./faulty-cluster.ts";
import { cleanUpAtLast } from "./last-resort.ts";
import { Load } from "./load.ts";
import { until, untilGrown } from "./patience.ts";
import { readRunOptions } from "./run-options.ts";
import { judgeRun } from "./run-verdict.ts";
import { findSocketOwner } from "./socket-owner.ts";

const options = readRunOptions(process.env, { operations: 20_000, minutes: 30 });
const { seed } = options;
const absence = explainAbsence();
if (absence !== null) noteSkipped({ what: "faults on Cassandra", why: absence });
else console.info(`faults on Cassandra: ZGATE_SEED=${seed}, ${options.operations} operations`);

/** Longer than a shard or a server waits for an answer (5 s), and than a client does (9 s). */
const PAUSED_MS = 11_000;

/** Longer than a shard waits for the answer to a conditional write (2 s) and for the read that looks what became of it. */
const HELD_MS = 8000;

/** How long a wire stays slow. */
const SLOW_MS = 5000;

/** Operations that show that something goes on: fewer in a short run. */
const SOME = Math.max(30, Math.min(500, options.operations / 200));

const random = createRandom(seed);
const startedMs = performance.now();
let directory: string;
let cluster: FaultyCluster;
let shards: CassandraShards;
let load: Load;

const answered = (): number => load.answered();
const unknown = (): number => load.count("unknown");
const unsettled = (): number => unknown() + load.count("repetition");
/** Requests of shards that a node has left without an answer: what became of them they find out from the others. */
const unanswered = (): number =>
  shards.crew.shards.flatMap(({ lines }) => lines).filter((line) => line.includes("did not reply before timeout"))
    .length;
const unavailable = (): number => load.count("refused: 503 STORAGE_UNAVAILABLE");
const acknowledged = (): number =>
  load.count("write created") + load.count("write replaced") + load.count("write deleted");

function tell(text: string): void {
  console.info(`${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

/** The node that a phase breaks. Never the last: that has the small disk, and its own phase. */
const victim = (): number => random.below(2);

describe.skipIf(absence !== null)("three nodes, RF 3", () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "zgate-faults-"));
    cleanUpAtLast(leaveNothing);
    cluster = await FaultyCluster.start({
      directory: join(directory, "engines"),
      onProgress: tell,
      smallDisk: true,
      // It lives for ten minutes under load.
      cassandraCompiles: "soon",
    });
    shards = await startCassandraShards(cluster, join(directory, "shards"));
    tell("shards serve");
    const { configText, crew } = shards;
    const sizes = { processes: 2, clientsPerProcess: 64 };
    load = new Load({
      ...sizes,
      seed,
      configText,
      origins: crew.origins(),
      signingKeys: TEST_SIGNING_KEYS,
      directory,
    });
    await untilGrown(answered, 2 * SOME, "the load is running");
    tell(`load runs: ${describeCounts()}`);
  });

  afterAll(async () => {
    load?.destroy();
    await shards?.crew.destroy();
    await cluster?.stop();
    if (process.env["ZGATE_KEEP_HISTORY"] === "1") tell(`the history stays in ${directory}`);
    else if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  test("kill -9 of a node under load: the other two go on, and it comes back", async () => {
    const node = cluster.node(victim());
    await node.kill();
    await untilGrown(acknowledged, SOME, "writes go on with two nodes");
    await node.start();
    await untilGrown(answered, SOME, "and with three again");
    tell(`${node.name} was killed and is back: ${describeCounts()}`);
  });

  test("SIGSTOP of a node for longer than all timeouts: shards go to the others, its late writes harm nothing", async () => {
    const before = unanswered();
    const node = cluster.node(victim());
    node.pause();
    await sleep(PAUSED_MS);
    await untilGrown(acknowledged, SOME / 10, "writes go on with two nodes");
    node.resume();
    await untilGrown(answered, SOME, "the node takes part again");
    tell(`${node.name} was stopped for ${PAUSED_MS} ms: ${describeCounts()}`);
    expect(unanswered(), "nobody asked the node").toBeGreaterThan(before);
  });

  test("two nodes down: writes are refused with 503 and Retry-After, none is acknowledged, all recovers by itself", async () => {
    const before = unavailable();
    const down = [cluster.node(1), cluster.node(2)];
    await Promise.all(down.map((node) => node.kill()));
    // What was on its way when they died may still be answered.
    await sleep(HELD_MS);
    const atDeath = acknowledged();
    await untilGrown(unavailable, SOME / 2, "writes and reads are refused");
    expect(acknowledged(), "acknowledged without a quorum").toBe(atDeath);
    expect(unavailable()).toBeGreaterThan(before);
    await Promise.all(down.map((node) => node.start()));
    await untilGrown(acknowledged, SOME, "writes go on by themselves");
    tell(`two nodes were down: ${describeCounts()}`);
  });

  test("connections between shards and nodes cut, again and again", async () => {
    const before = unsettled() + unavailable();
    let cut = 0;
    for (let round = 0; round < 12; round += 1) {
      cut += cluster.proxy(random.below(3)).cut();
      await sleep(300 + random.below(500));
    }
    expect(cut, "there was nothing to cut").toBeGreaterThan(0);
    await untilGrown(answered, SOME, "the load goes on");
    tell(`${cut} connections were cut: ${describeCounts()}`);
    expect(unsettled() + unavailable(), "no cut was felt").toBeGreaterThan(before);
  });

  test("a slow wire to one node: what goes over it is late, and the rest goes on", async () => {
    const before = load.count("late");
    const proxy = cluster.proxy(victim());
    for (const delayMs of [400, 2500]) {
      proxy.delayMs = delayMs;
      await sleep(SLOW_MS);
      await untilGrown(answered, SOME / 2, `the load goes on, ${delayMs} ms late`);
    }
    proxy.pass();
    await untilGrown(answered, SOME, "all is well again");
    tell(`the wire was slow: ${describeCounts()}`);
    expect(load.count("late"), "no answer was late").toBeGreaterThan(before);
  });

  test("a conditional write held on the wire until everybody has given it up, then let through", async () => {
    const before = unanswered();
    for (let round = 0; round < 3; round += 1) {
      const held = await cluster.holdNext("request");
      await sleep(HELD_MS);
      held.release();
    }
    expect(unanswered(), "nobody had given up a write").toBeGreaterThanOrEqual(before + 3);
    await untilGrown(answered, SOME, "the load goes on");
    tell(`conditional writes came late: ${describeCounts()}`);
  });

  test("kill -9 of a worker between its conditional write and the reply", async () => {
    for (let round = 0; round < 3; round += 1) {
      const held = await cluster.holdNext("reply");
      const worker = ownerOf(held.shardPort);
      const before = unknown();
      await shards.crew.killWorker(worker);
      held.release();
      await until(() => unknown() > before, "its clients do not know what became of their writes");
    }
    tell(`workers died between write and reply: ${describeCounts()}`);
  });

  test("SIGSTOP of a worker while its conditional write is on the way, for longer than all timeouts", async () => {
    const held = await cluster.holdNext("request");
    const worker = ownerOf(held.shardPort);
    const before = unknown();
    process.kill(worker, "SIGSTOP");
    held.release();
    await sleep(PAUSED_MS);
    await until(() => unknown() > before, "its clients do not know what became of their writes");
    process.kill(worker, "SIGCONT");
    await untilGrown(answered, SOME, "the load goes on");
    tell(`a worker was stopped with a write on its way: ${describeCounts()}`);
  });

  test("a full disk under the commit log of one node", async ({ skip }) => {
    const { smallDisk } = cluster;
    if (smallDisk === null) {
      tell("no full disk: mounting a file system is not permitted here");
      return skip("mounting a file system is not permitted here");
    }
    const node = cluster.smallNode();
    const from = logBytes(node);
    smallDisk.fill();
    await until(() => hasFelt(logSince(node, from)) || node.pid() === null, "the node has felt it");
    const before = acknowledged();
    await until(() => acknowledged() > before + SOME / 2, "writes go on with the other two");
    smallDisk.empty();
    await node.kill();
    await node.start();
    await untilGrown(answered, SOME, "and with three again");
    tell(`the disk of ${node.name} was full: ${describeCounts()}`);
  });

  test("clocks of clients 32 s apart, as those of the workers are: who is too far off is refused, the rest goes on", async () => {
    load.setClocks([-16_000, 16_000]);
    await untilGrown(acknowledged, SOME / 2, "clients go on");
    await untilGrown(() => load.count("refused: 401"), 1, "some are refused");
    load.setClocks([0]);
    await untilGrown(answered, SOME, "all go on");
  });

  test("kill -9 of a process of clients", async () => {
    await load.killOne();
    await untilGrown(answered, SOME, "the others and its successor go on");
  });

  test("the whole history is that of a register for each key", async () => {
    const leftMs = options.minutes * 60_000 - (performance.now() - startedMs);
    await until(
      () => answered() >= options.operations || load.deaths.length > 0,
      describeRest(),
      Math.max(leftMs, 1000),
    ).catch((error: unknown) => load.deaths.push(String(error)));
    await load.stop();
    const verdict = await judgeRun(load, seed);
    tell(`judged\n${verdict.summary}`);
    expect(verdict.failures).toEqual([]);
    expect(load.count("unknown"), "a run of faults without an unknown outcome").toBeGreaterThan(0);
  });
});

/** When there is no time for the orderly end. Engines, shards and clients end with this process by themselves. */
function leaveNothing(): void {
  load?.destroy();
  cluster?.abandon();
  if (process.env["ZGATE_KEEP_HISTORY"] !== "1") rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** What Cassandra says, or dies of, when it cannot write. */
function hasFelt(log: string): boolean {
  return /No space left|FSWriteError|unsafe memory access|SIGBUS|Failed managing commit log/.test(log);
}

function ownerOf(port: number): number {
  const pids = shards.crew.shards.flatMap((shard) => shard.workerPids());
  const owner = findSocketOwner(pids, port);
  if (owner === null) throw new Error("broken assumption: a worker holds the connection");
  return owner;
}

function describeCounts(): string {
  const { length } = load.deaths;
  return `${answered()} answered, ${unavailable()} refused as unavailable, ${unknown()} unknown, ${unanswered()} without an answer${length > 0 ? `, ${length} deaths` : ""}`;
}

function describeRest(): string {
  return `${options.operations} operations within ${options.minutes} minutes`;
}
