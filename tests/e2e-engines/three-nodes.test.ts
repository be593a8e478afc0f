// `zgate up` on three nodes of its own: one of them is killed and comes back by itself, and nothing that anybody asks for is
// missing, neither now nor after the next start.
// Must not use the run's shared engines.
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { waitFor } from "../../cli/supervisor/process-group.ts";
import { recordedProcess } from "../../engines/left-over.ts";
import { isAlive, type ProcessIdentity } from "../../engines/process-identity.ts";
import { createFolder, pressCtrlC, putAway, startUp, type UpProcess, zgate } from "../e2e/cli-process.ts";
import { eventually } from "../e2e/shard-process.ts";
import { describeOnEngines } from "../engines/engines.ts";

const READY_MS_MAX = 300_000;
const ON_THREE_NODES = ["--store", "cassandra", "--catalog", "dynamodb", "--nodes", "3"];
const [BEFORE, AFTER] = ['{"written":"before"}', '{"written":"after"}'];

const folder = createFolder();
const data = join(folder.path, "data");
let running: UpProcess | undefined;

afterEach(() => putAway(running));
afterAll(() => folder.remove());

const put = (key: string, document: string) => zgate(["put", "products", key, document, "--data", data]);
const get = (key: string) => zgate(["get", "products", key, "--data", data]);

async function start(options: readonly string[]): Promise<UpProcess> {
  running = await startUp(data, [...options, "--empty"], READY_MS_MAX);
  return running;
}

/** Ctrl-C ends the instance in order, with all its processes. */
async function stop(instance: UpProcess): Promise<void> {
  const tree = instance.tree();
  pressCtrlC(instance);
  expect((await instance.finished).code).toBe(0);
  expect(await tree.survivors()).toEqual([]);
}

/** The processes of Cassandra that live. */
function nodes(): readonly ProcessIdentity[] {
  const names = ["cassandra-1", "cassandra-2", "cassandra-3"];
  return names.flatMap((name) => recordedProcess(join(data, "engines", name)) ?? []).filter(isAlive);
}

/** Kills the second node alone, not its guard. */
async function killNode(instance: UpProcess): Promise<void> {
  const [, second] = nodes();
  process.kill(second?.pid ?? Number.NaN, "SIGKILL");
  await eventually(() => instance.stderr().includes("cassandra-2 ended unexpectedly"), "the instance tells of it");
  expect(instance.stderr()).toMatch(/cassandra-2 ended unexpectedly \(.+\); its log is .*; it is started again\n/);
}

describeOnEngines("zgate up on three nodes", () => {
  test("goes on without one of them until it is back, and has all at its next start", {
    timeout: 2 * READY_MS_MAX,
  }, async () => {
    const first = await start(ON_THREE_NODES);
    expect(first.stdout()).toContain("on Cassandra (3 nodes) with the catalog in DynamoDB; stop with Ctrl-C");
    expect(nodes()).toHaveLength(3);
    // One for each shard: the map of a new instance is cut in the middle.
    for (const key of ["apple", "zebra"]) expect((await put(key, BEFORE)).code, key).toBe(0);

    await killNode(first);
    for (const key of ["apple", "zebra"]) {
      await eventually(async () => (await get(key)).stdout === `${BEFORE}\n`, `${key} is read from two nodes`);
      await eventually(async () => (await put(key, AFTER)).code === 0, `${key} is written to two nodes`);
      expect((await get(key)).stdout, key).toBe(`${AFTER}\n`);
    }
    const isBack = () => first.stderr().includes("cassandra-2 serves again\n");
    expect(await waitFor(isBack, READY_MS_MAX), first.stderr()).toBe(true);
    expect(nodes()).toHaveLength(3);
    for (const key of ["apple", "zebra"]) expect((await get(key)).stdout, key).toBe(`${AFTER}\n`);
    await stop(first);

    const second = await start([]);
    expect(nodes()).toHaveLength(3);
    for (const key of ["apple", "zebra"]) expect((await get(key)).stdout, key).toBe(`${AFTER}\n`);
    await eventually(async () => (await put("new", BEFORE)).code === 0, "a new one is written");
    expect((await get("new")).stdout).toBe(`${BEFORE}\n`);
    await stop(second);
  });
});
