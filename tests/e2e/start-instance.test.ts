// The first command of a newcomer: an instance from nothing to ready, beside another, stopped, found again.
// Must not know how the parts are started.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../cli/supervisor/process-group.ts";
import {
  createFolder,
  PROJECT,
  pressCtrlC,
  putAway,
  startUp,
  startZgate,
  type UpProcess,
  upOptions,
  zgate,
} from "./cli-process.ts";

const folder = createFolder();
const data = join(folder.path, "first");
let instance: UpProcess;

beforeAll(async () => {
  instance = await startUp(data);
});

afterAll(async () => {
  await putAway(instance);
  folder.remove();
});

const shell = (command: string): string => execFileSync("bash", ["-c", command], { encoding: "utf8", stdio: "pipe" });
const curlLines = () =>
  instance
    .stdout()
    .split("\n")
    .filter((line) => line.startsWith("curl "));

describe("the first start", () => {
  it("prints where the gateway is, where the data lies, how to stop, and at last that it is ready", () => {
    const lines = instance.stdout().trimEnd().split("\n");
    expect(lines.at(-1)).toBe(`ready: ${instance.url}`);
    expect(instance.stdout()).toContain(`data in ${data}; stop with Ctrl-C`);
  });

  it("shows progress on stderr, without a word from wrangler", () => {
    expect(instance.stderr()).toMatch(/^starting shard-1, shard-2 and the edge…\nloading the sample products…\n/);
    expect(instance.stderr() + instance.stdout()).not.toMatch(/wrangler|⛅|workerd|telemetry/i);
  });

  it("prints three curl lines that work when pasted", () => {
    const [read = "", write = "", list = ""] = curlLines();
    expect(JSON.parse(shell(read))).toMatchObject({ summary: expect.stringContaining("React") });
    expect(JSON.parse(shell(write))).toMatchObject({ key: "my-first-product" });
    expect(JSON.parse(shell(list)).items).toHaveLength(3);
    expect(curlLines()).toHaveLength(3);
  });

  it("loads the whole sample", async () => {
    const { stdout } = await zgate(["list", "products", "--all", "--data", data]);
    const sample = readFileSync(join(PROJECT, "cli/sample/products.tsv"), "utf8").trimEnd().split("\n");
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .filter((line) => !line.startsWith("my-first-product")),
    ).toHaveLength(sample.length - 1);
  });

  it("keeps its secrets to the user", () => {
    const mode = (...path: string[]) => (statSync(join(data, ...path)).mode & 0o777).toString(8);
    expect([mode("keys"), mode("run")]).toEqual(["700", "700"]);
    expect(readdirSync(join(data, "keys")).map((name) => mode("keys", name))).toEqual(["600", "600"]);
    expect(mode("run", "edge.env")).toBe("600");
    const secret = readFileSync(join(data, "keys/signing-keys"), "utf8").trim();
    expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(secret);
  });

  it("leaves nothing in the project but what git ignores", () => {
    const untracked = execFileSync("git", ["ls-files", "-o", "--exclude-standard"], { cwd: PROJECT, encoding: "utf8" });
    expect(untracked).not.toMatch(/wrangler\/|\.zgate|miniflare/);
  });
});

describe("a start that cannot work says why in one line", () => {
  const firstLine = (text: string) => text.split("\n").find((line) => line.startsWith("zgate: ")) ?? "";

  it("when the directory is in use", async () => {
    const { code, stderr } = await zgate((await upOptions(data)).args);
    expect([code, firstLine(stderr)]).toEqual([
      1,
      `zgate: ${data} is in use by a running instance (pid ${instance.pid})`,
    ]);
  });

  it.each([
    ["the edge", 0, "--port"],
    ["a shard", 2, "--shard-port"],
  ])("when the port of %s is in use", async (_name, offset, option) => {
    const { port, args } = await upOptions(join(folder.path, "no-port"));
    const server = createServer().listen(port + offset, "127.0.0.1");
    const { code, stderr } = await zgate(args).finally(() => server.close());
    expect(code).toBe(1);
    expect(firstLine(stderr)).toMatch(
      new RegExp(`port ${port + offset} .* is in use; choose another one with ${option} N`),
    );
  });

  it("when the directory cannot be written", async () => {
    writeFileSync(join(folder.path, "file"), "");
    const { code, stderr } = await zgate((await upOptions(join(folder.path, "file", "data"))).args);
    expect([code, firstLine(stderr)]).toEqual([1, expect.stringContaining("cannot write the data directory")]);
  });

  it("when the configuration has a fault", async () => {
    const config = join(folder.path, "bad.toml");
    writeFileSync(config, '[[collections]]\nname = "Products"\n');
    const { code, stderr } = await zgate([...(await upOptions(join(folder.path, "x"))).args, "--config", config]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("collections[0].name: expected a collection name")]);
  });

  it("when an option is not known, with what may have been meant", async () => {
    const { code, stderr } = await zgate(["up", "--prt", "1"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("(Did you mean --port?)")]);
  });
});

it.each([
  ["in the middle of a start", "starting shard-1"],
  ["while the sample is loaded, after such a stop", "loading the sample"],
])("a stop %s ends what has been started and says nothing of waiting any more", async (_name, moment) => {
  const { args } = await upOptions(join(folder.path, "interrupted"));
  const starting = startZgate(args);
  await waitFor(() => starting.stderr().includes(moment), 20_000);
  starting.child.kill("SIGTERM");
  const { code, stdout, stderr } = await starting.finished;
  expect([code, stdout]).toEqual([0, ""]);
  expect(stderr).not.toMatch(/stopping…[^]*waiting/);
  expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(join(folder.path, "interrupted"));
});

describe("a second instance", () => {
  it("runs beside the first, with as many shards as asked for, and without the sample", async () => {
    const second = join(folder.path, "second");
    const other = await startUp(second, ["--shards", "3", "--empty"]);
    try {
      const map = await zgate(["map", "products", "--json", "--data", second]);
      const shards = JSON.parse(map.stdout).ranges.map((range: { shard: string }) => range.shard);
      expect(shards).toEqual(["shard-1", "shard-2", "shard-3"]);
      await zgate(["put", "products", "only-here", "{}", "--data", second]);
      expect((await zgate(["list", "products", "--data", second])).stdout).toBe("only-here\t{}\n");
      expect((await zgate(["get", "products", "only-here", "--data", data])).code).toBe(1);
      expect((await zgate(["get", "products", "react", "--data", data])).code).toBe(0);
    } finally {
      await putAway(other);
    }
  });
});

describe("a requested stop", () => {
  it("by Ctrl-C ends everything, also when a launcher passes the signal on a second time", async () => {
    const tree = instance.tree();
    expect(tree.find("workerd").length).toBeGreaterThan(0);
    pressCtrlC(instance);
    instance.child.kill("SIGINT");
    const { code, stderr } = await instance.finished;
    expect([code, stderr]).toEqual([0, expect.stringMatching(/stopping…\nstopped; the data is in .*\n$/)]);
    expect(await tree.survivors()).toEqual([]);
    expect(["run.json", "edge.env", "parts.json"].filter((name) => existsSync(join(data, "run", name)))).toEqual([]);
  });

  it("leaves a directory that no shard may be left out of that owns something", async () => {
    const { code, stderr } = await zgate([...(await upOptions(data)).args, "--shards", "1"]);
    expect(code).toBe(3);
    expect(stderr).toContain(
      'zgate: shard-2 would be left out, and is still needed:\n  shard-2: products: the map gives it ["m", ∞)\n',
    );
    expect(stderr).toMatch(
      /it holds \d+ slots\n.*\n.*\n {2}leave out --shards, and empty it first: `zgate shard drain/,
    );
  });

  it("leaves no instance to be found", async () => {
    const { code, stderr } = await zgate(["get", "products", "react", "--data", data]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`no instance is running in ${data} — start one with`)]);
  });

  it("loses nothing: the next start finds the data and does not load the sample again", async () => {
    instance = await startUp(data);
    expect(instance.stderr()).not.toContain("sample");
    const { stdout } = await zgate(["get", "products", "my-first-product", "--data", data]);
    expect(JSON.parse(stdout)).toMatchObject({ version: "1.0.0" });
    const tree = instance.tree();
    instance.child.kill("SIGTERM");
    expect((await instance.finished).code).toBe(0);
    expect(await tree.survivors()).toEqual([]);
  });

  it("says at once which shard has lost its store, and what to do", async () => {
    rmSync(join(data, "shard-2"), { recursive: true });
    const { code, stderr } = await zgate([...(await upOptions(data)).args]);
    expect(code).toBe(1);
    expect(stderr).toContain("zgate: shard-2 has lost its store: it holds nothing of products, carts any more");
    expect(stderr).toContain(`restore ${join(data, "shard-2", "store.db")} from its backup`);
  });
});
