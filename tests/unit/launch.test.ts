// How cli/launch.mjs prepares and starts a program, seen from outside: real processes, and a stand-in for npm.
// It must not reach a registry or this repository's own node_modules.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const LOCKED = { "": {}, "node_modules/a": { version: "1.0.0", integrity: "sha512-a" } };
const NEWER = { "": {}, "node_modules/a": { version: "1.0.1", integrity: "sha512-b" } };
const WITH_OPTIONAL = { ...LOCKED, "node_modules/b": { version: "1.0.0", optional: true } };

/** Runs a command at a terminal of its own (util-linux). */
const SCRIPT = "/usr/bin/script";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "zgate-launch-"));
  for (const name of ["launch.mjs", "install-lock.mjs"]) {
    cpSync(join(import.meta.dirname, "../../cli", name), join(root, "cli", name));
  }
  writeJson("package-lock.json", { packages: LOCKED });
  writeFileSync(
    join(root, "program.ts"),
    "const args: string[] = process.argv.slice(2);\nconsole.log(`ran ${args}`);\n",
  );
  installNpm("sleep 0.3 && mkdir -p node_modules && cp package-lock.json node_modules/.package-lock.json");
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("launch", () => {
  it("installs on the first run, then runs the program with its arguments", async () => {
    const { code, stdout, stderr } = await launch("program.ts", "x", "y");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "ran x,y\n" });
    expect(stderr).toBe("installing dependencies (first run)…\n");
    expect(npmCalls()).toEqual(["ci --ignore-scripts --no-audit --no-fund --loglevel=error"]);
  });

  it.each([
    { name: "what the lockfile names is there", lockfile: LOCKED, installed: LOCKED, calls: 0 },
    { name: "only an optional package is missing", lockfile: WITH_OPTIONAL, installed: LOCKED, calls: 0 },
    { name: "the lockfile names another version", lockfile: NEWER, installed: LOCKED, calls: 1 },
    { name: "a package is missing", lockfile: LOCKED, installed: { "": {} }, calls: 1 },
  ])("installs $calls times when $name", async ({ lockfile, installed, calls }) => {
    writeJson("package-lock.json", { packages: lockfile });
    writeJson("node_modules/.package-lock.json", { packages: installed });
    expect((await launch("program.ts")).stdout).toBe("ran \n");
    expect(npmCalls()).toHaveLength(calls);
  });

  it("installs once for several launches at a time", async () => {
    const results = await Promise.all([
      launch("program.ts", "1"),
      launch("program.ts", "2"),
      launch("program.ts", "3"),
    ]);
    expect(results.map((result) => result.stdout)).toEqual(["ran 1\n", "ran 2\n", "ran 3\n"]);
    expect(npmCalls()).toHaveLength(1);
  });

  it("installs once for several launches that find the lock of a dead process", async () => {
    const dead = spawn(process.execPath, ["--version"], { stdio: "ignore" });
    await closed(dead);
    writeJson(".zgate/install.lock/owner.json", { token: "dead", pids: [dead.pid], host: hostname() });
    const results = await Promise.all([launch("program.ts"), launch("program.ts"), launch("program.ts")]);
    expect(results.map((result) => result.code)).toEqual([0, 0, 0]);
    expect(npmCalls()).toHaveLength(1);
    expect(existsSync(join(root, ".zgate/install.lock"))).toBe(false);
  });

  it("counts the seconds of a long install at a terminal", () => {
    installNpm("sleep 1.4 && mkdir -p node_modules && cp package-lock.json node_modules/.package-lock.json");
    if (!existsSync(SCRIPT)) return;
    const PATH = [join(root, "bin"), dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
    const { stdout } = spawnSync(SCRIPT, ["-qec", `'${process.execPath}' cli/launch.mjs`, "/dev/null"], {
      cwd: root,
      env: { PATH, TERM: "xterm" },
      encoding: "utf8",
    });
    const [first, ...rewritten] = stdout.split("\r\u001b[2K");
    expect(first).toBe("installing dependencies (first run)…");
    expect(rewritten.join("")).toMatch(/^(installing dependencies \(first run\)… [1-9] s)+\r\n$/);
  });

  it("shows what npm said when the install fails, and runs nothing", async () => {
    installNpm("echo 'no such package' >&2; exit 9");
    const { code, stdout, stderr } = await launch("program.ts");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("npm ci failed (exit code 9)\nno such package");
  });

  it("ends with the exit code of the program", async () => {
    writeFileSync(join(root, "program.ts"), "process.exitCode = 7;\n");
    expect((await launch("program.ts")).code).toBe(7);
  });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function launch(...args: readonly string[]): Promise<Ended> {
  const PATH = [join(root, "bin"), dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
  const child = spawn(process.execPath, ["cli/launch.mjs", ...args], { cwd: root, env: { PATH } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  return { code: await closed(child), stdout, stderr };
}

function closed(child: ChildProcess): Promise<number | null> {
  return new Promise((settle, fail) => child.once("error", fail).once("close", settle));
}

function installNpm(script: string): void {
  mkdirSync(join(root, "bin"), { recursive: true });
  writeFileSync(join(root, "bin", "npm"), `#!/bin/sh\necho "$*" >> npm-calls\n${script}\n`);
  chmodSync(join(root, "bin", "npm"), 0o755);
}

function npmCalls(): readonly string[] {
  const log = join(root, "npm-calls");
  return existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [];
}

function writeJson(path: string, content: unknown): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(content));
}
