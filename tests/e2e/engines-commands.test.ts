// `engines:up`, `engines:status` and `engines:down` as people run them, with a Java that is a script.
// Must not import what a command does; it sees output, exit codes and process ids.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parentOf } from "../../cli/supervisor/process-group.ts";
import { identify, type ProcessIdentity, waitUntilGone } from "../../engines/process-identity.ts";
import { createFakePrograms, type FakeBehaviour, type FakePrograms } from "../unit/engines/fake-programs.ts";

const MAIN = join(import.meta.dirname, "..", "..", "engines", "main.ts");
const OWNER = new URL("./engines-owner.ts", import.meta.url).pathname;
const GONE_MS_MAX = 10_000;
const WAIT = { timeout: 60_000, interval: 50 };
const made: FakePrograms[] = [];

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Place {
  readonly directory: string;
  readonly environment: FakePrograms["environment"];
  readonly setJava: FakePrograms["setJava"];
  run(...args: readonly string[]): Promise<Finished>;
  start(...args: readonly string[]): { readonly child: ChildProcess; readonly finished: Promise<Finished> };
}

afterEach(async () => {
  for (const programs of made.splice(0)) {
    await runMain(programs.environment, ["down", "--data", join(programs.root, "data")]).finished;
    programs.remove();
  }
});

function place(behaviour: FakeBehaviour = {}): Place {
  const programs = createFakePrograms(behaviour);
  made.push(programs);
  const directory = join(programs.root, "data");
  const start = (...args: readonly string[]) => runMain(programs.environment, [...args, "--data", directory]);
  const { environment, setJava } = programs;
  return { directory, environment, setJava, start, run: (...args) => start(...args).finished };
}

function runMain(environment: Readonly<Record<string, string>>, args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const finished = once(child, "close").then(([code]): Finished => ({ code: code as number | null, ...output }));
  return { child, finished };
}

async function statusJson({ run }: Place) {
  const { code, stdout } = await run("status", "--json");
  return { code, ...(JSON.parse(stdout) as StatusJson) };
}

interface StatusJson {
  readonly keeper: number | null;
  readonly cassandra: { readonly contactPoints: readonly string[]; readonly nodes: readonly NodeJson[] } | null;
  readonly dynamodb: { readonly endpoint: string; readonly node: NodeJson } | null;
}

interface NodeJson {
  readonly pid: number | null;
  readonly serves: boolean;
}

/** All processes of a status that live now. */
function processesOf({ keeper, cassandra, dynamodb }: StatusJson): readonly ProcessIdentity[] {
  const pids = [keeper, ...(cassandra?.nodes ?? []).map(({ pid }) => pid), dynamodb?.node.pid ?? null];
  return pids.flatMap((pid) => (pid === null ? [] : (identify(pid) ?? [])));
}

async function survivors(identities: readonly ProcessIdentity[]): Promise<readonly number[]> {
  const gone = await Promise.all(identities.map((identity) => waitUntilGone(identity, GONE_MS_MAX)));
  return identities.filter((_, at) => gone[at] === false).map(({ pid }) => pid);
}

describe("engines:up", () => {
  it("returns when they serve, and they go on until engines:down", async () => {
    const here = place();
    const up = await here.run("up", "--nodes", "2");
    expect(up, up.stderr).toMatchObject({ code: 0 });
    expect(up.stdout).toMatch(/cassandra-1 +127\.0\.0\.1:\d+ +serves[\s\S]*cassandra-2 +127\.0\.0\.2:\d+ +serves/);
    const status = await statusJson(here);
    expect(status).toMatchObject({ code: 0, cassandra: { nodes: [{ serves: true }, { serves: true }] } });
    const processes = processesOf(status);
    expect(processes).toHaveLength(4);
    expect(await here.run("down")).toMatchObject({ code: 0, stdout: "stopped; the data stays\n" });
    expect(await survivors(processes)).toEqual([]);
    expect(existsSync(join(here.directory, "keeper.json"))).toBe(false);
    expect(await statusJson(here)).toMatchObject({ code: 1, keeper: null, cassandra: null, dynamodb: null });
  });

  it("says so when they run already, and refuses another size", async () => {
    const here = place();
    await here.run("up");
    const before = await statusJson(here);
    const again = await here.run("up");
    expect(again).toMatchObject({ code: 0, stderr: "they run already\n" });
    expect(await statusJson(here)).toEqual(before);
    expect(await here.run("up", "--nodes", "3")).toMatchObject({ code: 1, stderr: expect.stringContaining("not 3") });
  });

  it("starts those again that have ended, and says which", async () => {
    const here = place();
    await here.run("up", "--nodes", "2");
    const before = await statusJson(here);
    const deaths = [before.dynamodb?.node, before.cassandra?.nodes[1]];
    for (const node of deaths) process.kill(node?.pid ?? 0, "SIGKILL");
    await vi.waitUntil(async () => (await statusJson(here)).code === 1, WAIT);
    const again = await here.run("up", "--nodes", "2");
    expect(again).toMatchObject({ code: 0, stderr: "cassandra-2 was started again\ndynamodb was started again\n" });
    const after = await statusJson(here);
    expect(after).toMatchObject({ code: 0, keeper: before.keeper });
    expect(after.cassandra?.nodes[0]?.pid).toBe(before.cassandra?.nodes[0]?.pid);
    expect(after.dynamodb?.node.pid).not.toBe(before.dynamodb?.node.pid);
    expect((await here.run("down")).code).toBe(0);
    expect(await survivors(processesOf(after))).toEqual([]);
  });

  it("says why one cannot be started again, and tries anew the next time", async () => {
    const here = place();
    await here.run("up");
    here.setJava("die");
    process.kill((await statusJson(here)).dynamodb?.node.pid ?? 0, "SIGKILL");
    await vi.waitUntil(async () => (await statusJson(here)).dynamodb?.node.pid === null, WAIT);
    const failed = await here.run("up");
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toMatch(/could not be started again: dynamodb ended before it served: [\s\S]*last words/);
    here.setJava("serve");
    await vi.waitUntil(async () => (await here.run("up")).code === 0, WAIT);
    expect(await statusJson(here)).toMatchObject({ code: 0 });
  });

  it("that is interrupted while an engine is started again leaves the others as they are", async () => {
    const here = place();
    await here.run("up");
    here.setJava("hang");
    const { pid } = (await statusJson(here)).dynamodb?.node ?? {};
    process.kill(pid ?? 0, "SIGKILL");
    await vi.waitUntil(async () => (await statusJson(here)).dynamodb?.node.pid === null, WAIT);
    const { child, finished } = here.start("up");
    await vi.waitUntil(async () => (await statusJson(here)).dynamodb?.node.pid !== null, WAIT);
    child.kill("SIGINT");
    expect(await finished).toMatchObject({ code: 130, stderr: "engines: interrupted; what runs goes on\n" });
    const after = await statusJson(here);
    expect(after).toMatchObject({ cassandra: { nodes: [{ serves: true }] } });
    expect((await here.run("down")).code).toBe(0);
    expect(await survivors(processesOf(after))).toEqual([]);
  });

  it("fails when one of them runs and does not answer, and says what to do", async () => {
    const here = place();
    await here.run("up");
    const { pid } = (await statusJson(here)).dynamodb?.node ?? {};
    process.kill(pid ?? 0, "SIGSTOP");
    const again = await here.run("up");
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toMatch(
      /do not all run: dynamodb does not answer\n.*engines:down`, then `npm run engines:up`/,
    );
    expect((await here.run("down")).code).toBe(0);
    expect((await here.run("up")).code).toBe(0);
    expect(await statusJson(here)).toMatchObject({ code: 0 });
  });

  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("that ends by %s leaves nothing running", async (signal) => {
    const here = place({ java: "hang" });
    const { child, finished } = here.start("up", "--nodes", "1");
    const record = join(here.directory, "cassandra-1", "process.json");
    const { pid } = await vi.waitFor(() => JSON.parse(readFileSync(record, "utf8")) as { pid: number }, WAIT);
    const engine = identify(pid);
    child.kill(signal);
    expect(await finished).toMatchObject({ code: signal === "SIGKILL" ? null : 130 });
    expect(await survivors(engine === null ? [] : [engine])).toEqual([]);
    expect(await here.run("down")).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing runs") });
  });

  it.each<[string, FakeBehaviour, RegExp]>([
    ["without Java", { javaVersion: null }, /Java 17 is needed[\s\S]*apt-get install/],
    ["with another Java", { javaVersion: "21.0.2" }, /is Java 21/],
    ["without Maven", { maven: null }, /Maven \(mvn\) is needed once/],
  ])("%s says what to install, and leaves nothing behind", async (_, behaviour, said) => {
    const here = place(behaviour);
    const up = await here.run("up");
    expect([up.code, up.stderr]).toEqual([1, expect.stringMatching(said)]);
    expect(up.stderr).not.toContain("    at ");
    expect(existsSync(here.directory)).toBe(false);
  });

  it.each<[string, FakeBehaviour, RegExp]>([
    ["with a Maven that fails", { maven: "fail" }, /could not fetch cassandra/],
    ["with an engine that dies", { java: "die" }, /ended before it served: exit code 3[\s\S]*last words/],
  ])("%s says why", async (_, behaviour, said) => {
    const up = await place(behaviour).run("up");
    expect(up.code).toBe(1);
    expect(up.stderr).toMatch(said);
    expect(up.stderr).not.toContain("    at ");
  });

  it.each([["up", "--nodes", "4"], ["up", "--nodes", "0"], ["up", "--what"], ["away"], ["up", "more"]])(
    "called in a way that cannot work (%s %s) prints its usage",
    async (...args) => {
      const { code, stderr } = await place().run(...args.filter((arg) => arg !== undefined));
      expect(code).toBe(2);
      expect(stderr).toContain("usage: npm run engines:up");
    },
  );
});

describe("engines:status", () => {
  it("tells which engine has ended", async () => {
    const here = place();
    await here.run("up");
    const { dynamodb } = await statusJson(here);
    process.kill(dynamodb?.node.pid ?? 0, "SIGKILL");
    const after = await vi.waitUntil(async () => {
      const status = await statusJson(here);
      return status.dynamodb?.node.pid === null ? status : null;
    }, WAIT);
    expect(after).toMatchObject({
      code: 1,
      dynamodb: { node: { serves: false } },
      cassandra: { nodes: [{ serves: true }] },
    });
  });
});

describe("engines:down", () => {
  it("has nothing to do after the keeper was killed by SIGKILL, because its engines went with it", async () => {
    const here = place();
    await here.run("up");
    const status = await statusJson(here);
    const processes = processesOf(status);
    process.kill(status.keeper ?? 0, "SIGKILL");
    expect(await survivors(processes)).toEqual([]);
    expect(await here.run("down")).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing runs") });
    expect((await here.run("up")).code).toBe(0);
  });

  it("ends the engines of a keeper that was killed with all its guards", async () => {
    const here = place();
    await here.run("up");
    const [keeper, ...engines] = processesOf(await statusJson(here));
    for (const { pid } of engines) process.kill(parentOf(pid) ?? Number.NaN, "SIGKILL");
    process.kill(keeper?.pid ?? Number.NaN, "SIGKILL");
    const down = await here.run("down");
    expect(down).toMatchObject({ code: 0, stderr: "" });
    expect(await survivors(engines)).toEqual([]);
  });

  it("stops nothing that another process runs in the directory", async () => {
    const here = place();
    const owner = spawn(process.execPath, [OWNER, here.directory, "1", "dynamodb"], {
      env: { ...process.env, ...here.environment },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [line] = (await once(owner.stdout, "data")) as [Buffer];
      const { pids } = JSON.parse(line.toString()) as { readonly pids: readonly number[] };
      const down = await here.run("down");
      expect(down).toMatchObject({ code: 1, stdout: "" });
      expect(down.stderr).toMatch(/is in use by another process.*\n.*stop that process/);
      expect(pids.map((pid) => identify(pid) !== null)).toEqual([true, true]);
    } finally {
      owner.kill("SIGKILL");
    }
  });

  it("leaves the file of a later keeper", async () => {
    const here = place();
    await here.run("up");
    const file = join(here.directory, "keeper.json");
    const kept = JSON.parse(readFileSync(file, "utf8")) as { readonly keeper: ProcessIdentity };
    // Any other process that lives: this one.
    writeFileSync(file, JSON.stringify({ ...kept, keeper: identify(process.pid) }));
    try {
      process.kill(kept.keeper.pid, "SIGTERM");
      expect(await survivors([kept.keeper])).toEqual([]);
      expect(existsSync(file)).toBe(true);
    } finally {
      rmSync(file, { force: true });
    }
  });

  it("stops nothing of another directory", async () => {
    const [here, there] = [place(), place()];
    const ups = await Promise.all([here.run("up"), there.run("up")]);
    for (const up of ups) expect(up, up.stderr).toMatchObject({ code: 0 });
    expect((await here.run("down")).code).toBe(0);
    expect(await statusJson(there)).toMatchObject({ code: 0 });
  });
});
