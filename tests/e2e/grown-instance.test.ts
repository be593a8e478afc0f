// An instance that gets one shard more on its directory, moves a range to it, and gives it up again: what an operator types, and reads.
// On engines the configuration names them, and the operator makes the new shard's keyspace.
// Must not look into a store or the catalog.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../../cli/configuration.ts";
import { parseConfig } from "../../config/config.ts";
import { createFolder, type Finished, putAway, startUp, type UpProcess, upOptions, zgate } from "./cli-process.ts";
import { createStorage, IS_ON_ENGINES } from "./storage.ts";

const folder = createFolder();
let running: UpProcess | undefined;

const stop = async (): Promise<void> => {
  await putAway(running);
  running = undefined;
};

afterEach(stop);
afterAll(() => folder.remove());

/** Keys of two letters each, so that each has its own slot. */
const LETTERS = [..."abcdefgz"];
const KEYS = LETTERS.flatMap((first) => LETTERS.map((second) => `${first}${second}-key`));

/** What a start says of a shard that is new, on engines alone. */
const KEYSPACE_NOTE = IS_ON_ENGINES
  ? "shard-3 needs its keyspace: zgate schema apply --shard shard-3, with the same --config\n"
  : "";

describe("a directory whose configuration gets a shard more", () => {
  const data = join(folder.path, "configured");
  const config = join(folder.path, "zgate.toml");
  const smaller = join(folder.path, "smaller.toml");
  const storage = createStorage(data);
  const run = (...args: string[]): Promise<Finished> => zgate([...args, "--data", data]);
  const start = async (): Promise<UpProcess> => {
    running = await startUp(data, ["--empty", "--config", config]);
    return running;
  };
  const documents = async (): Promise<readonly string[]> =>
    (await run("list", "products", "--all")).stdout.trimEnd().split("\n");
  /** As the steps that `shard add` prints say. */
  const makeKeyspace = async (steps: string): Promise<void> => {
    const [, command = ""] = /^\d\. With Cassandra: zgate (.*)$/m.exec(steps) ?? [];
    const applied = await zgate([...command.split(" "), "--config", config]);
    expect(applied.code, `${steps}${applied.stderr}`).toBe(0);
  };
  const rows = KEYS.map((key, index) => `${key}\t{"n":${index}}`).toSorted();

  beforeAll(async () => {
    const text = storage.configure(readFileSync(DEFAULT_CONFIG, "utf8"));
    for (const file of [config, smaller]) writeFileSync(file, text);
    await storage.prepare(parseConfig(text, config));
  });
  afterAll(async () => {
    await stop();
    await storage.remove();
  });

  it("keeps data and maps, and has the shard with nothing in it", async () => {
    await start();
    const file = join(folder.path, "rows.tsv");
    writeFileSync(file, `key\tn\n${KEYS.map((key, index) => `${key}\t${index}\n`).join("")}`);
    expect((await run("import", "products", file)).code).toBe(0);
    await stop();
    const { code, stdout } = await run("shard", "add", "shard-3");
    expect(code).toBe(3);
    const table = /\[\[shards\]\]\n.*\n.*\n/.exec(stdout.replaceAll(/^ {3}/gm, ""))?.[0] ?? "";
    appendFileSync(config, `\n${table}${IS_ON_ENGINES ? 'store = "test"\n' : ""}`);
    if (IS_ON_ENGINES) await makeKeyspace(stdout);
    const { stdout: welcome, stderr } = await start().then((up) => ({ stdout: up.stdout(), stderr: up.stderr() }));
    expect(welcome).toContain("→  shard-1, shard-2, shard-3\n");
    expect(stderr).toContain(
      `shard-3 is new and owns nothing yet: zgate move products --start KEY --end KEY --to shard-3\n${KEYSPACE_NOTE}starting shard-1`,
    );
    expect(stderr).toMatch(/^shard-3 is new/);
    const { ports } = JSON.parse((await run("status", "--json")).stdout);
    expect(Object.keys(ports)).toEqual(["edge", "shard-1", "shard-2", "shard-3"]);
    expect(JSON.parse((await run("map", "products", "--json")).stdout)).toMatchObject({
      version: 1,
      ranges: [{ shard: "shard-1" }, { shard: "shard-2" }],
    });
    expect((await run("shard", "add", "shard-3")).stdout).toContain("shard-3 answers; it holds 0 slots\n");
    expect(await documents()).toEqual(rows);
  });

  it("takes a range over, with its documents", async () => {
    await start();
    expect(running?.stderr(), "it is no news any more").not.toContain("is new");
    const moved = await run("move", "products", "--start", "b", "--end", "d", "--to", "shard-3", "--wait");
    expect([moved.code, moved.stdout]).toEqual([0, expect.stringContaining("from shard-1 to shard-3: done")]);
    expect((await run("get", "products", "bz-key")).stdout).toBe('{"n":15}\n');
    expect(await documents()).toEqual(rows);
    expect((await run("put", "products", "cc-late", "{}")).stdout).toMatch(/^created/);
    expect((await run("delete", "products", "cc-late")).code).toBe(0);
    expect((await run("verify", "products")).stdout).toContain("1,526 slots checked");
    expect(await run("doctor")).toMatchObject({ code: 0, stdout: "products: nothing waits\ncarts: nothing waits\n" });
    const difference = await run("map", "diff", "products", "1", "2");
    expect(difference.stdout).toContain('["b", "d") from shard-1 to shard-3\n');
  });

  it("is not started without the shard as long as that owns something", async () => {
    const { args } = await upOptions(data);
    const { code, stderr } = await zgate([...args, "--empty", "--config", smaller]);
    expect(code).toBe(3);
    expect(stderr).toContain(
      'zgate: shard-3 would be left out, and is still needed:\n  shard-3: products: the map gives it ["b", "d")\n' +
        "  shard-3: products: it holds 80 slots\n" +
        "  configure the shard again, and empty it first: `zgate shard drain shard-3 --wait`\n",
    );
  });

  it("is started without the shard once that was emptied, and has lost nothing", async () => {
    await start();
    expect((await run("shard", "drain", "shard-3", "--to", "shard-2", "--wait")).code).toBe(0);
    const drained = await run("shard", "drain", "shard-3", "--json");
    expect([drained.code, JSON.parse(drained.stdout)]).toEqual([0, { shard: "shard-3", moves: [] }]);
    const removed = await run("shard", "remove", "shard-3");
    expect([removed.code, removed.stdout]).toEqual([0, expect.stringContaining("2. Stop the instance")]);
    await stop();
    running = await startUp(data, ["--empty", "--config", smaller]);
    expect(running.stderr()).toContain("asking shard-3, which is to be left out, what it holds…\n");
    const kept = IS_ON_ENGINES ? "\n" : `; its store stays in ${join(data, "shard-3")}\n`;
    expect(running.stderr()).toContain(`shard-3 is left out: nothing depends on it any more${kept}`);
    expect(running.stdout()).toContain("→  shard-1, shard-2\n");
    expect(running.tree().find("shard-3")).toEqual([]);
    expect(await documents()).toEqual(rows);
    expect((await run("doctor")).code).toBe(0);
  });
});

// Such a directory has engines of its own; up-on-engines.test.ts adds a shard to one.
describe.skipIf(IS_ON_ENGINES)("a directory that was made with a number of shards", () => {
  const data = join(folder.path, "numbered");
  const layout = () => JSON.parse(readFileSync(join(data, "layout.json"), "utf8"));

  it("gets one more by a larger number, keeps it, and loads the sample by the maps as they are", async () => {
    running = await startUp(data, ["--shards", "1", "--empty"]);
    expect((await zgate(["put", "products", "zz-own", "{}", "--data", data])).code).toBe(0);
    const { code, stdout } = await zgate(["shard", "add", "shard-2", "--data", data]);
    expect([code, stdout]).toEqual([3, expect.stringMatching(/^1\. Stop .* with --shards 2: shard-2 is started/)]);
    await stop();
    running = await startUp(data, ["--shards", "2"]);
    expect(running.stderr()).toMatch(/^shard-2 is new and owns nothing yet: .*\nstarting shard-1, shard-2 and/);
    expect((await zgate(["get", "products", "zz-own", "--data", data])).code).toBe(0);
    expect((await zgate(["get", "products", "react", "--data", data])).code).toBe(0);
    expect(layout()).toEqual({ shards: ["shard-1", "shard-2"], asked: 2 });
  });
});
