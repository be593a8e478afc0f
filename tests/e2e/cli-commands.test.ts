// Every command of `zgate` against a running instance, as people and scripts use it.
// Must not look at anything but output and exit codes, save for files a command was told to write.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFolder, PROJECT, putAway, startUp, type UpProcess, zgate } from "./cli-process.ts";

const folder = createFolder();
const data = join(folder.path, "data");
let instance: UpProcess;

beforeAll(async () => {
  instance = await startUp(data, ["--empty"]);
});

afterAll(async () => {
  await putAway(instance);
  folder.remove();
});

const run = (...args: string[]) => zgate([...args, "--data", data]);

async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("zgate:")]);
  return stdout;
}

const json = async (...args: string[]) => JSON.parse(await output(...args, "--json"));
const shell = (command: string) => spawnSync("bash", ["-c", command], { encoding: "utf8", cwd: PROJECT });
/** Runs a command at a terminal of its own (util-linux). */
const SCRIPT = "/usr/bin/script";
const ZGATE = `${process.execPath} cli/main.ts`;

describe("documents", () => {
  it("are put, read, changed, listed and deleted", async () => {
    expect(await output("put", "products", "Left-Pad", '{"size":1.10,"note":"a"}')).toMatch(
      /^created products\/Left-Pad, ETag "/,
    );
    expect(await output("get", "products", "left-pad")).toBe('{"size":1.10,"note":"a"}\n');
    await output("patch", "products", "left-pad", '{"note":null,"big":12345678901234567890}');
    expect(await output("list", "products", "--prefix", "left")).toBe(
      'left-pad\t{"size":1.10,"big":12345678901234567890}\n',
    );
    expect(await output("put", "products", "left-pad", "{}")).toMatch(/^replaced /);
    expect(await output("delete", "products", "left-pad")).toBe("deleted products/left-pad\n");
    expect((await run("get", "products", "left-pad")).code).toBe(1);
  });

  it("come with their ETag as JSON, which a shell that eats quotes may give back", async () => {
    const { etag } = await json("put", "products", "tagged", '{"n":1}');
    expect(await json("get", "products", "tagged")).toMatchObject({ key: "tagged", etag, value: { n: 1 } });
    const bare = etag.replaceAll('"', "");
    expect(await output("put", "products", "tagged", '{"n":2}', "--if-match", bare)).toMatch(/^replaced/);
    const again = await run("put", "products", "tagged", '{"n":3}', "--if-match", bare);
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/412 PRECONDITION_FAILED.*\n.*--if-match/)]);
  });

  it("may come from a file or from stdin", async () => {
    const file = join(folder.path, "document.json");
    writeFileSync(file, '{"from":"file"}');
    await output("put", "products", "from-file", `@${file}`);
    expect(await output("get", "products", "from-file")).toBe('{"from":"file"}\n');
    shell(`echo '{"from":"stdin"}' | ${ZGATE} put products from-stdin - --data ${data}`);
    expect(await output("get", "products", "from-stdin")).toContain("stdin");
  });

  it.each([
    ["is not JSON", ["put", "products", "bad", "{"], /400 INVALID_JSON/],
    ["has a key without canonical form", ["put", "products", "a/b", "{}"], /SLASH/],
    ["is in no collection", ["get", "nothing", "a"], /404 ROUTE_NOT_FOUND/],
  ])("that %s is refused with the reason", async (_name, args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(message)]);
  });
});

describe("tokens", () => {
  it("are printed bare, for use in a request", () => {
    const token = `$(${ZGATE} token --subject ann --permissions products:write --ttl 1m --data ${data})`;
    const url = `${instance.url}/products/by-curl`;
    const { stdout } = shell(
      `curl -s -X PUT ${url} -H "Authorization: Bearer ${token}" -H 'Content-Type: application/json' -d '{}'`,
    );
    expect(JSON.parse(stdout)).toMatchObject({ key: "by-curl" });
  });

  it("open what they name and nothing more, also at --url", async () => {
    const { token } = await json("token", "--permissions", "products:read");
    const target = ["--url", instance.url, "--token", token];
    const { code, stderr } = await zgate(["put", "products", "x", "{}", ...target]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/403 FORBIDDEN.*\n.*--permissions/)]);
    const byEnvironment = await zgate(["list", "products", "--url", instance.url], { ZGATE_TOKEN: token });
    expect(byEnvironment.code).toBe(0);
  });
});

describe("the map", () => {
  const ranges = [
    { start: "", end: "m", shard: "shard-1" },
    { start: "m", end: null, shard: "shard-2" },
  ];

  it("is a table for people and JSON for programs", async () => {
    expect(await output("map", "products")).toBe(
      'products, map version 1\nkeys       shard\n["", "m")  shard-1\n["m", ∞)   shard-2\n',
    );
    expect(await json("map", "products")).toEqual({ collection: "products", version: 1, ranges });
  });

  it("comes from a gateway elsewhere for those who may operate it", async () => {
    const token = (await output("token", "--permissions", "zgate:operate")).trim();
    const { stdout } = await zgate(["map", "products", "--json", "--url", instance.url, "--token", token]);
    expect(JSON.parse(stdout).ranges).toEqual(ranges);
  });

  it.each([
    ["React", [], { key: "react", slot: "re", shard: "shard-2" }],
    ["7zip", [], { key: "7zip", slot: "7z", shard: "shard-1" }],
    ["caf%C3%A9", ["--encoded"], { key: "café", slot: "ca", shard: "shard-1" }],
  ])("routes %s %j", async (key, flags, expected) => {
    expect(await json("route", "products", key, ...flags)).toMatchObject(expected);
  });

  it("routes with a reason", async () => {
    expect(await output("route", "products", "react")).toMatch(/shard {2}shard-2\nwhy {4}in the order of keys/);
  });
});

describe("in a shell", () => {
  it("a reader that leaves early is no failure", () => {
    const { stdout, stderr } = shell(`set -o pipefail; ${ZGATE} list products --all --data ${data} | head -1`);
    expect([stdout.split("\n").length, stderr]).toEqual([2, ""]);
  });

  it("completion works once it is sourced", () => {
    const script = `eval "$(${ZGATE} completion bash)"; COMP_WORDS=(zgate map c); COMP_CWORD=2; _zgate; echo "\${COMPREPLY[*]}"`;
    expect(shell(script).stdout).toBe("carts\n");
  });

  it("output has colours at a terminal, and none with NO_COLOR", () => {
    const inTerminal = (environment: string) =>
      execFileSync(SCRIPT, ["-qec", `${environment} ${ZGATE} map products --data ${data}`, "/dev/null"], {
        encoding: "utf8",
        cwd: PROJECT,
        env: { PATH: process.env["PATH"], TERM: "xterm" },
      });
    if (!existsSync(SCRIPT)) return;
    expect(inTerminal("")).toContain("\u001b[1m");
    expect(inTerminal("NO_COLOR=1")).not.toContain("\u001b[");
  });

  it("the state of the instance is told", async () => {
    expect(await json("status")).toMatchObject({ url: instance.url, pid: instance.pid, ready: true });
  });
});
