// What clients see when parts of a gateway die, hang or run out of disk, through a real edge with real processes.
// Must not test a healthy gateway; gateway-surface.test.ts does.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshKey, PERMISSIONS } from "./chapters/surface.ts";
import type { EdgeProcess } from "./edge-process.ts";
import { findFreePorts } from "./free-ports.ts";
import type { Answer, GatewayClient } from "./gateway-client.ts";
import { gatewayConfig } from "./gateway-config.ts";
import { createGateway, type Gateway } from "./gateway-process.ts";
import { startWriter, type Writer } from "./gateway-writer.ts";
import { eventually, isAlive } from "./shard-process.ts";
import { IS_ON_ENGINES } from "./storage.ts";

const SHARD_TIMEOUT_MS = 1000;

/** The probe of a suspect origin takes up to half a second; the rest is for a busy machine. */
const FAST_MS_MAX = 1500;

/** Size of the disk that is filled, in MiB: more than the log of a shard's writes takes by itself. */
const DISK_MIB = 48;

/** How often a worker is killed, and under how many writers. */
const KILLS = 3;
const WRITERS = 10;

let gateway: Gateway;
let edge: EdgeProcess;
let token = "";
let edgePort = 0;
let disk = "";
let whyNoDisk = "";

const client = (): GatewayClient => edge.client;

beforeAll(async () => {
  const first = await findFreePorts(3);
  edgePort = first;
  const configText = gatewayConfig({
    ports: [first + 1, first + 2],
    edge: `shard_timeout = "${SHARD_TIMEOUT_MS}ms"\ntotal_timeout = "4s"\nmap_refresh = "1s"`,
  });
  gateway = await createGateway({ configText });
  disk = mkdtempSync(join(tmpdir(), "zgate-small-disk-"));
  whyNoDisk = IS_ON_ENGINES ? "the shards have no disks of their own" : mountDisk(disk);
  await Promise.all([
    gateway.startShard("shard-1", { workers: 2 }),
    gateway.startShard("shard-2", {
      workers: 2,
      ...(whyNoDisk === "" ? { dataDirectory: join(disk, "shard-2") } : {}),
    }),
  ]);
  edge = await gateway.startEdge("edge", edgePort);
  token = await gateway.token(PERMISSIONS);
});

afterAll(async () => {
  await endGateway();
});

/** Also when a test has left a shard stopped or dead. */
async function endGateway(): Promise<void> {
  for (const id of ["shard-1", "shard-2"]) signalWorkers(id, "SIGCONT");
  await gateway.end();
  // Just after a process' end the kernel may still hold its files.
  if (whyNoDisk === "") await eventually(() => spawnSync("umount", [disk]).status === 0, "the disk is unmounted");
  rmSync(disk, { recursive: true, force: true });
}

/** A file system of its own that is soon full; says why there is none. */
function mountDisk(path: string): string {
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", path], { encoding: "utf8" });
  return mounted.status === 0
    ? ""
    : `a tmpfs cannot be mounted here: ${mounted.error?.message ?? mounted.stderr.trim()}`;
}

function signalWorkers(id: string, signal: NodeJS.Signals): void {
  for (const pid of gateway.shard(id).workerPids()) process.kill(pid, signal);
}

/** The answer and how long it took. */
async function timed(work: () => Promise<Answer>): Promise<{ readonly answer: Answer; readonly ms: number }> {
  const startedMs = performance.now();
  const answer = await work();
  return { answer, ms: performance.now() - startedMs };
}

const untilServed = (path: string): Promise<void> =>
  eventually(async () => (await client().get(path, NO_CACHE)).status === 200, `${path} is served again`);

const NO_CACHE = { headers: { "cache-control": "no-cache" } };

/** One document at each shard. */
async function twoDocuments(collection: string): Promise<{ readonly one: string; readonly two: string }> {
  const [one, two] = [`/${collection}/${freshKey("a")}`, `/${collection}/${freshKey("z")}`];
  for (const path of [one, two]) expect((await client().put(path, { path }, { token })).status).toBe(201);
  return { one, two };
}

describe("kill -9 of a worker under load", () => {
  test("nothing acknowledged is lost, nothing keyed is applied twice, the other shard does not notice", async () => {
    const shard = gateway.shard("shard-1");
    const mine = (name: string): Writer =>
      startWriter({ client: client(), token, path: `/prices/${freshKey(`a${name}`)}` });
    const [writers, other] = [
      Array.from({ length: WRITERS }, (_, n) => mine(String(n))),
      startWriter({ client: client(), token, path: `/prices/${freshKey("z")}` }),
    ];
    const acknowledged = (): number => writers.reduce((sum, { done }) => sum + done(), 0);
    for (let kills = 0; kills < KILLS; kills += 1) {
      const before = acknowledged();
      await eventually(() => acknowledged() >= before + 30, "writes go on");
      const [victim = 0] = shard.workerPids();
      process.kill(victim, "SIGKILL");
      await eventually(() => !isAlive(victim) && shard.workerPids().length === 2, "the worker is replaced");
    }
    const before = acknowledged();
    await eventually(() => acknowledged() >= before + 30, "writes go on after the last kill");
    for (const writer of [...writers, other]) {
      const { path, count, unexpected } = await writer.stop();
      expect(unexpected, path).toEqual([]);
      expect((await client().get(path)).json(), path).toEqual({ count });
    }
    expect(other.failures()).toBe(0);
    expect(
      writers.reduce((sum, { failures }) => sum + failures(), 0),
      "kills that nobody felt test nothing",
    ).toBeGreaterThan(0);
  });
});

describe("kill -9 of a shard's primary", () => {
  test("its range is 503 at once, stale copies stand in, the other range goes on, and all comes back", async () => {
    const [prices, rates] = [await twoDocuments("prices"), await twoDocuments("rates")];
    await client().get(rates.one);
    await eventually(
      async () => (await client().get(rates.one)).header("cache-status").includes("hit"),
      "it is cached",
    );
    const other = startWriter({ client: client(), token, path: `/prices/${freshKey("z")}` });
    const shard = gateway.shard("shard-1");
    const workers = shard.workerPids();
    shard.child.kill("SIGKILL");
    await eventually(() => workers.every((pid) => !isAlive(pid)), "workers end with their primary");

    await eventually(async () => (await client().get(prices.one)).status === 503, "the edge notices");
    for (let times = 0; times < 5; times += 1) {
      const { answer, ms } = await timed(() => client().get(prices.one));
      expect(answer.json()).toMatchObject({ status: 503, code: "SHARD_UNAVAILABLE" });
      expect(answer.header("retry-after")).toBe("1");
      expect(ms).toBeLessThan(FAST_MS_MAX);
      const write = await timed(() => client().put(prices.one, { n: 2 }, { token }));
      expect(write.answer.json().code).toBe("SHARD_UNAVAILABLE");
      expect(write.ms).toBeLessThan(FAST_MS_MAX);
    }
    expect((await client().get("/prices?limit=1000")).json().code).toBe("SHARD_UNAVAILABLE");
    expect((await client().get("/prices?start=n&limit=5")).status).toBe(200);
    expect((await client().get("/readyz")).json()).toMatchObject({ status: 503, missing: ["shard shard-1"] });
    expect((await client().get("/healthz")).status).toBe(200);
    await eventually(
      async () => (await client().get(rates.one)).header("cache-status").includes("SHARD_UNAVAILABLE"),
      "stale",
    );
    const stale = await client().get(rates.one);
    expect(stale.json()).toEqual({ path: rates.one });
    expect(stale.header("cache-status")).toMatch(/^zgate; hit; ttl=-?\d+; detail=SHARD_UNAVAILABLE$/);
    expect((await client().get(rates.one, NO_CACHE)).status, "who insists on the shard's word gets no copy").toBe(503);

    await gateway.startShard("shard-1", { workers: 2 });
    await untilServed(prices.one);
    expect((await client().get(prices.one)).json()).toEqual({ path: prices.one });
    await eventually(async () => (await client().get("/readyz")).status === 200, "ready again");
    const { path, count, unexpected } = await other.stop();
    expect(unexpected).toEqual([]);
    expect(other.failures()).toBe(0);
    expect((await client().get(path)).json()).toEqual({ count });
  });
});

describe("a shard that hangs", () => {
  test("is given up after the time limit, then at once, and comes back", async () => {
    const { one, two } = await twoDocuments("prices");
    const late = `/prices/${freshKey("z")}`;
    signalWorkers("shard-2", "SIGSTOP");
    try {
      const first = await timed(() => client().get(two));
      expect([503, 504]).toContain(first.answer.status);
      expect(first.ms).toBeGreaterThan(SHARD_TIMEOUT_MS * 0.9);
      expect(first.ms).toBeLessThan(SHARD_TIMEOUT_MS + FAST_MS_MAX);
      for (let times = 0; times < 5; times += 1) {
        const { answer, ms } = await timed(() => client().get(two));
        expect(answer.json().code).toBe("SHARD_UNAVAILABLE");
        expect(ms).toBeLessThan(FAST_MS_MAX);
        expect((await client().put(late, 1, { token })).json().code).toBe("SHARD_UNAVAILABLE");
        expect((await client().get(one)).status).toBe(200);
      }
    } finally {
      signalWorkers("shard-2", "SIGCONT");
    }
    await untilServed(two);
    expect((await client().get(late)).status, "what was refused with 503 SHARD_UNAVAILABLE was not applied").toBe(404);
  });

  test("a write that was under way has an unknown outcome, which its Idempotency-Key settles", async () => {
    const path = `/prices/${freshKey("z")}`;
    const keyed = { token, headers: { "idempotency-key": "settle", "if-none-match": "*" } };
    await untilServed("/prices?start=z");
    signalWorkers("shard-2", "SIGSTOP");
    const unknown = await client().put(path, 1, keyed);
    signalWorkers("shard-2", "SIGCONT");
    expect(unknown.json()).toMatchObject({ status: 503, code: "OUTCOME_UNKNOWN" });
    await untilServed("/prices?start=z");
    await eventually(async () => (await client().put(path, 1, keyed)).status === 201, "the one true outcome");
    expect((await client().get(path)).text).toBe("1");
  });
});

describe("kill -9 of the edge", () => {
  test("another edge finds everything as it was", async () => {
    const { one, two } = await twoDocuments("products");
    const etag = (await client().get(one)).header("etag");
    await edge.kill();
    edge = await gateway.startEdge("edge", edgePort);
    for (const path of [one, two]) expect((await client().get(path)).json()).toEqual({ path });
    const replaced = await client().put(one, { again: true }, { token, headers: { "if-match": etag } });
    expect(replaced.status).toBe(200);
    expect((await client().get(one)).json()).toEqual({ again: true });
  });
});

describe("a full disk", () => {
  test("refuses writes, serves reads, and takes writes again once there is room", async (context) => {
    if (whyNoDisk !== "") context.skip(whyNoDisk);
    const { one, two } = await twoDocuments("prices");
    const ballast = join(disk, "ballast");
    fillDisk(ballast);
    const large = "x".repeat(200_000);
    let refused: Answer | null = null;
    // What the store has allocated already takes a few more writes.
    const acknowledged: string[] = [];
    for (let n = 0; refused === null && n < 200; n += 1) {
      const path = `/prices/${freshKey("z")}`;
      const answer = await client().put(path, { large, n }, { token });
      if (answer.status === 201) acknowledged.push(path);
      else refused = answer;
    }
    expect(refused?.json()).toMatchObject({ status: 503, code: "STORAGE_UNAVAILABLE" });
    expect((await client().get(two)).json()).toEqual({ path: two });
    expect((await client().put(one, 2, { token })).status, "the other shard has its own disk").toBe(200);
    rmSync(ballast);
    const after = `/prices/${freshKey("z")}`;
    await eventually(
      async () => [200, 201].includes((await client().put(after, { large }, { token })).status),
      "writes go on",
    );
    expect((await client().get(after)).json()).toEqual({ large });
    for (const path of acknowledged) expect((await client().get(path)).status, path).toBe(200);
  });
});

/** Writes until there is no room left, to the last block. */
function fillDisk(file: string): void {
  const block = Buffer.alloc(4096);
  for (let size = DISK_MIB * 256; size >= 1; size = Math.floor(size / 2)) {
    for (let times = 0; times < 3; times += 1) {
      try {
        writeFileSync(file, Buffer.concat(Array.from({ length: size }, () => block)), { flag: "a" });
      } catch {
        // Full: a smaller piece may still fit.
      }
    }
  }
}
