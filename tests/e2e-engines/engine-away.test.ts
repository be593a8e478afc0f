// A shard and an operator on real engines when the catalog, or the database itself, is away for a while: what goes on, what
// is refused and how, and that everything comes back without anybody's help.
// Must not stop an engine: other tests use it. What stands between is cut instead.
import { writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { HEADER } from "../../router/contract.ts";
import { type Finished, zgate } from "../e2e/cli-process.ts";
import { findFreePorts } from "../e2e/free-ports.ts";
import { createGatewayFolder, type GatewayFolder } from "../e2e/gateway-process.ts";
import { createShardClient, type ShardAnswer, type ShardClient } from "../e2e/shard-client.ts";
import {
  createShardFiles,
  eventually,
  type ShardFiles,
  type ShardProcess,
  spawnShard,
  startShard,
  twoShardConfig,
} from "../e2e/shard-process.ts";
import { type CutProxy, startProxy } from "../engines/cut-proxy.ts";
import { describeOnEngines } from "../engines/engines.ts";

const configOf = (port: number): string => `
[[collections]]
name = "products"
kind = "range"
read = "public"
map = [{ start = "", shard = "shard-1" }]
[[shards]]
id = "shard-1"
origins = ["http://127.0.0.1:${port}"]
`;

const PERMISSIONS = { [HEADER.permissions]: "products:write" };

describeOnEngines("a shard whose engines go away", (engines) => {
  let port = 0;
  let files: ShardFiles;
  let catalog: CutProxy;
  let database: CutProxy;
  let client: ShardClient;
  const running: ShardProcess[] = [];

  beforeEach(async () => {
    port = await findFreePorts(1);
    catalog = await startProxy(new URL(engines.dynamodb.endpoint).host);
    database = await startProxy(engines.single.contactPoints[0] ?? "");
    files = await createShardFiles({
      configText: configOf(port),
      addresses: {
        single: { ...engines.single, contactPoints: [database.address] },
        dynamodb: { ...engines.dynamodb, endpoint: `http://${catalog.address}` },
      },
    });
    client = createShardClient(`http://127.0.0.1:${port}`);
  });

  afterEach(async () => {
    await client.close();
    await Promise.all(running.splice(0).map((shard) => shard.destroy()));
    await Promise.all([catalog, database].map((proxy) => proxy.cut().then(() => proxy.mend())));
    await files.remove();
    await Promise.all([catalog.close(), database.close()]);
  });

  const options = () => ({ files, shard: "shard-1", port, workers: 1 });
  const start = async (): Promise<ShardProcess> => {
    const shard = await startShard(options());
    running.push(shard);
    return shard;
  };
  const get = (key: string): Promise<ShardAnswer> => client.send({ path: `/products/${key}` });
  const put = (key: string): Promise<ShardAnswer> =>
    client.send({ method: "PUT", path: `/products/${key}`, body: `"${key}"`, headers: PERMISSIONS });
  const map = (): Promise<ShardAnswer> => client.send({ path: "/internal/map", query: "collection=products" });
  const health = async (): Promise<{ readonly status: number; readonly body: unknown }> => {
    const response = await fetch(`http://127.0.0.1:${port}/internal/health`);
    return { status: response.status, body: await response.json() };
  };
  const events = (shard: ShardProcess): readonly string[] => shard.lines.map((line) => JSON.parse(line).event);

  test("the catalog goes down: data are read and written, the last map stays", async () => {
    await start();
    expect((await map()).json()).toMatchObject({ version: 1 });
    await catalog.cut();
    expect((await put("a")).status).toBe(201);
    expect((await get("a")).json()).toBe("a");
    for (let times = 0; times < 3; times += 1) expect((await map()).json()).toMatchObject({ version: 1 });
    expect((await health()).status).toBe(200);
  });

  test("a shard that restarts while the catalog is down serves what it holds, and settles when it is back", async () => {
    await (await start()).stop();
    await catalog.cut();
    const shard = await start();
    expect((await put("b")).status).toBe(201);
    expect((await get("b")).json()).toBe("b");
    expect((await health()).status).toBe(200);
    expect((await map()).json(), "it was never told one").toMatchObject({ status: 503, code: "NO_MAP" });
    await catalog.mend();
    await eventually(() => events(shard).includes("catalog-back"), "the shard has asked the catalog");
    await eventually(async () => (await map()).status === 200, "the map is known");
    expect(await shard.stop()).toEqual({ code: 0, signal: null });
  });

  test("a shard that holds nothing yet does not start while the catalog is down", async () => {
    await catalog.cut();
    const shard = spawnShard(options());
    running.push(shard);
    expect(await shard.report).toMatchObject({
      type: "fatal",
      code: "CATALOG_UNUSABLE",
      message: expect.stringMatching(/^the catalog does not answer, and the store holds no slots yet/),
    });
    expect((await shard.exited).code).toBe(1);
  });

  test("the database goes down: 503 with Retry-After, not ready, and all by itself back again", async () => {
    await start();
    expect((await put("c")).status).toBe(201);
    await database.cut();
    await eventually(async () => (await health()).status === 503, "the shard notices");
    expect((await health()).body).toMatchObject({ ready: false, reason: "store-unreachable" });
    const [read, write] = [await get("c"), await put("c")];
    expect(read.json()).toMatchObject({ status: 503, code: "STORAGE_UNAVAILABLE" });
    expect(write.json()).toMatchObject({ status: 503 });
    for (const answer of [read, write]) expect(answer.headers["retry-after"]).toBe("1");
    await database.mend();
    await eventually(async () => (await health()).status === 200, "the shard is back");
    await eventually(async () => (await get("c")).status === 200, "documents are served");
    await eventually(async () => [200, 201].includes((await put("c")).status), "and written");
  });

  test("a worker that dies while the database is down comes back with it", async () => {
    const shard = await start();
    expect((await put("d")).status).toBe(201);
    await database.cut();
    const [victim = 0] = shard.workerPids();
    process.kill(victim, "SIGKILL");
    await eventually(() => events(shard).includes("store-unreachable"), "another worker waits for the database");
    await database.mend();
    await eventually(async () => (await get("d").catch(() => null))?.status === 200, "it serves");
    expect(await shard.stop()).toEqual({ code: 0, signal: null });
  });

  test("a database that is away at the start is named, with its address", async () => {
    await database.cut();
    const shard = spawnShard(options());
    running.push(shard);
    expect(await shard.report).toMatchObject({
      type: "fatal",
      code: "STORE_UNREACHABLE",
      message: expect.stringContaining(`cannot reach the store "test" at ${database.address}`),
    });
  });
});

describeOnEngines("an operator whose catalog goes away", (engines) => {
  const COMMANDS = [
    ["map", "products"],
    ["map", "products", "--history"],
    ["moves"],
    ["move", "products", "--start", "b", "--end", "c", "--to", "shard-2", "--dry-run"],
    ["split", "products", "at", "g", "--dry-run"],
    ["doctor"],
  ] as const;
  /** Ten seconds of trying, three for a request that is under way then, and the start of a command on a busy machine. */
  const COMMAND_MS_MAX = 40_000;

  let folder: GatewayFolder;
  let files: ShardFiles;
  let catalog: CutProxy;
  let client: ShardClient;
  const running: ShardProcess[] = [];

  beforeAll(async () => {
    const port = await findFreePorts(2);
    catalog = await startProxy(new URL(engines.dynamodb.endpoint).host);
    folder = await createGatewayFolder();
    files = await createShardFiles({
      configText: twoShardConfig([port, port + 1]),
      directory: folder.directory.root,
      addresses: { ...engines, dynamodb: { ...engines.dynamodb, endpoint: `http://${catalog.address}` } },
    });
    writeFileSync(folder.directory.config, files.configText);
    for (const [index, shard] of ["shard-1", "shard-2"].entries()) {
      running.push(await startShard({ files, shard, port: port + index, workers: 1 }));
    }
    client = createShardClient(`http://127.0.0.1:${port}`);
  });

  afterAll(async () => {
    await client.close();
    await Promise.all(running.map((shard) => shard.destroy()));
    await files.remove();
    await catalog.close();
  });

  const run = async (args: readonly string[]): Promise<Finished & { readonly tookMs: number }> => {
    const startedMs = performance.now();
    const finished = await zgate([...args, "--data", folder.directory.root]);
    return { ...finished, tookMs: performance.now() - startedMs };
  };

  /** One write and read after the other, until the work is done. */
  const whileServed = async <Value>(
    work: Promise<Value>,
  ): Promise<{ readonly value: Value; readonly served: number }> => {
    let isOver = false;
    const ending = work.finally(() => {
      isOver = true;
    });
    let served = 0;
    while (!isOver) {
      const key = `a-${served}`;
      const put = { method: "PUT", path: `/products/${key}`, body: `"${key}"`, headers: PERMISSIONS };
      expect([200, 201]).toContain((await client.send(put)).status);
      expect((await client.send({ path: `/products/${key}` })).json()).toBe(key);
      served += 1;
    }
    return { value: await ending, served };
  };

  test.each(["cut", "silence"] as const)(
    "%s: each command names it and ends, data are served, and all comes back",
    async (fault) => {
      await catalog[fault]();
      const { value: failed, served } = await whileServed(Promise.all(COMMANDS.map(run)));
      expect(served).toBeGreaterThan(10);
      for (const [index, { code, stdout, stderr, tookMs }] of failed.entries()) {
        const command = COMMANDS[index]?.join(" ");
        expect([code, stdout], command).toEqual([1, ""]);
        expect(stderr, command).toMatch(
          /^zgate: [^\n]*the catalog, the table \S+ of http:\S+: [^\n]*does not answer: [^\n]+\n$/,
        );
        expect(stderr, command).toContain(`http://${catalog.address}`);
        expect(tookMs, command).toBeLessThan(COMMAND_MS_MAX);
      }
      await catalog.mend();
      for (const args of COMMANDS) expect(await run(args)).toMatchObject({ code: 0, stderr: "" });
    },
  );
});

describeOnEngines("a shard whose keyspace was never made", (engines) => {
  test("says what to run", async () => {
    const port = await findFreePorts(1);
    const files = await createShardFiles({ configText: configOf(port), addresses: engines });
    try {
      const [made, missing] = ['keyspace_prefix = "t', 'keyspace_prefix = "u'];
      writeFileSync(files.configFile, files.configText.replace(made, missing));
      const shard = spawnShard({ files, shard: "shard-1", port, workers: 1 });
      expect(await shard.report).toMatchObject({
        type: "fatal",
        code: "SCHEMA_MISSING",
        message: expect.stringMatching(/run `zgate schema apply`\)$/),
      });
      expect((await shard.exited).code).toBe(1);
    } finally {
      await files.remove();
    }
  });
});
