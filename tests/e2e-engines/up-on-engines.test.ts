// `zgate up` on engines that it runs by itself: what people see, what stays, and that nothing is left over, however it ends.
// Must not use the run's shared engines.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { waitFor } from "../../cli/supervisor/process-group.ts";
import {
  createFolder,
  pressCtrlC,
  putAway,
  type Running,
  startUp,
  startZgate,
  treeOf,
  upOptions,
  zgate,
} from "../e2e/cli-process.ts";
import { eventually } from "../e2e/shard-process.ts";
import { describeOnEngines } from "../engines/engines.ts";

const READY_MS_MAX = 240_000;
const ON_ENGINES = ["--store", "cassandra", "--catalog", "dynamodb"];
const DOCUMENT = '{"kept":"in Cassandra"}';

const folder = createFolder();
const data = join(folder.path, "data");
let running: Running | undefined;

afterEach(() => putAway(running));
afterAll(() => folder.remove());

describeOnEngines("zgate up on engines", () => {
  test("runs, is looked at, and leaves nothing behind Ctrl-C but its data", { timeout: READY_MS_MAX }, async () => {
    const instance = await startUp(data, [...ON_ENGINES, "--shards", "2", "--empty"], READY_MS_MAX);
    running = instance;
    expect(instance.stdout()).toContain(`on Cassandra (1 node) with the catalog in DynamoDB; stop with Ctrl-C`);
    expect((await zgate(["put", "products", "left-pad", DOCUMENT, "--data", data])).code).toBe(0);
    expect((await zgate(["get", "products", "left-pad", "--data", data])).stdout).toBe(`${DOCUMENT}\n`);
    const status = JSON.parse((await zgate(["status", "--json", "--data", data])).stdout);
    expect(status).toMatchObject({
      ready: true,
      engines: { "cassandra-1": expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
      silentEngines: [],
    });
    const map = JSON.parse((await zgate(["map", "products", "--json", "--data", data])).stdout);
    expect(map).toMatchObject({ version: 1, ranges: [{ shard: "shard-1" }, { shard: "shard-2" }] });
    const tree = instance.tree();
    expect(tree.find("CassandraDaemon").length, "otherwise this tests nothing").toBeGreaterThan(0);
    pressCtrlC(instance);
    expect((await instance.finished).code).toBe(0);
    expect(await tree.survivors()).toEqual([]);
    expect(existsSync(join(data, "shard-1", "store.db"))).toBe(false);
  });

  test("another storage on its directory is refused, before anything starts", async () => {
    const { args } = await upOptions(data);
    const refused = await zgate([...args, "--store", "sqlite"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("no shard would be on SQLite: those of this directory stay on Cassandra");
    const other = await zgate([...args, "--catalog", "sqlite"]);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("was created on Cassandra (1 node) with the catalog in DynamoDB, not on Cassandra");
    const map = await zgate(["map", "products", "--data", data]);
    expect(map.stderr).toContain("no instance is running in");
    const add = await zgate(["shard", "add", "shard-9", "--data", data]);
    expect(add.code, "it needs nothing that runs").toBe(3);
    expect(add.stdout).toContain("[[shards]]");
  });

  test("a start with a shard more has the data again, also while its catalog is away; the end of the only node ends it", {
    timeout: READY_MS_MAX,
  }, async () => {
    const instance = await startUp(data, ["--shards", "3", "--empty"], READY_MS_MAX);
    running = instance;
    expect(instance.stdout()).toContain("→  shard-1, shard-2, shard-3\n");
    expect(instance.stderr()).toMatch(/^shard-3 is new and owns nothing yet: .*\nstarting shard-1, shard-2, shard-3/m);
    const added = await zgate(["shard", "add", "shard-3", "--data", data]);
    expect(added.stdout).toContain("shard-3 answers; it holds 0 slots\n");
    expect((await zgate(["get", "products", "left-pad", "--data", data])).stdout).toBe(`${DOCUMENT}\n`);

    for (const pid of instance.tree().find("dynamodbv2.local.main.ServerRunner")) process.kill(pid, "SIGKILL");
    expect((await zgate(["get", "products", "left-pad", "--data", data])).stdout).toBe(`${DOCUMENT}\n`);
    const put = async () => (await zgate(["put", "products", "right-pad", DOCUMENT, "--data", data])).code === 0;
    await eventually(put, "a new one is written");
    expect(await waitFor(() => instance.stderr().includes("dynamodb serves again\n"), READY_MS_MAX)).toBe(true);
    expect(instance.stderr()).toMatch(
      /dynamodb ended unexpectedly \(.+\); its log is .*engines\/dynamodb\/log; it is started again\n/,
    );
    const map = JSON.parse((await zgate(["map", "products", "--json", "--data", data])).stdout);
    expect(map).toMatchObject({ version: 1 });
    expect((await zgate(["get", "products", "right-pad", "--data", data])).stdout).toBe(`${DOCUMENT}\n`);

    const tree = instance.tree();
    for (const pid of tree.find("CassandraDaemon")) process.kill(pid, "SIGKILL");
    const { code, stderr } = await instance.finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/zgate: cassandra-1 ended unexpectedly \(.+\); its log is .*engines\/cassandra-1\/log\n/);
    expect(await tree.survivors()).toEqual([]);
  });

  test("kill -9 while the engines are starting leaves nothing", async () => {
    const { args } = await upOptions(data);
    const starting = startZgate([...args, "--empty"]);
    running = starting;
    const hasEngine = () => treeOf(starting.pid).find("CassandraDaemon").length > 1;
    expect(await waitFor(hasEngine, 60_000), "otherwise this tests nothing").toBe(true);
    const tree = treeOf(starting.pid);
    starting.child.kill("SIGKILL");
    expect(await tree.survivors()).toEqual([]);
  });

  test("a machine without Java is told what to install, and nothing is started or written", async () => {
    const fresh = join(folder.path, "fresh");
    const { args } = await upOptions(fresh);
    const { code, stderr } = await zgate([...args, ...ON_ENGINES], { PATH: "", JAVA_HOME: "" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/Java 17 is needed to run Cassandra and DynamoDB Local/);
    expect(stderr).toMatch(/apt-get install/);
    expect(existsSync(fresh)).toBe(false);
  });

  test("the directory says what it was made on", () => {
    const layout: unknown = JSON.parse(readFileSync(join(data, "layout.json"), "utf8"));
    const stores = { "shard-1": "cassandra", "shard-2": "cassandra", "shard-3": "cassandra" };
    expect(layout).toMatchObject({ stores, catalog: "dynamodb", nodes: 1, asked: 3 });
  });
});
