// The command line as its users run it: `zgate up` and single commands as processes, and all that belongs to them.
// Must not import what a command does; it sees output, exit codes and process ids.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../cli/supervisor/process-group.ts";
import { identify, isAlive } from "../../engines/process-identity.ts";
import { findFreePorts } from "./free-ports.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const READY_MS_MAX = 90_000;
const GONE_MS_MAX = 15_000;

/** The project's root, where people run the commands. */
export const PROJECT: string = new URL("../../", import.meta.url).pathname;

/** How a command ended. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process with its output so far. */
export interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  finished: Promise<Finished>;
}

/** A process and its children, as they were at one moment. */
export interface ProcessTree {
  /** Ids of those whose command line holds `text`, children after their parents. */
  find(text: string): readonly number[];
  /** Waits until all are gone; resolves to the command lines of those that are not. */
  survivors(): Promise<readonly string[]>;
}

/** An instance that says it is ready. */
export interface UpProcess extends Running {
  readonly url: string;
  readonly port: number;
  tree(): ProcessTree;
}

/** A temporary folder. */
export function createFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "zgate-cli-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs `zgate` to its end. */
export function zgate(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return startZgate(args, env).finished;
}

/** Starts `zgate` as the leader of a process group of its own, as a shell starts what is typed into it. */
export function startZgate(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: PROJECT,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  return {
    pid: child.pid ?? 0,
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    finished: once(child, "close").then(() => ({ code: child.exitCode, ...output })),
  };
}

/** Options for an instance with one worker in each shard on free ports. */
export async function upOptions(data: string): Promise<{ readonly port: number; readonly args: readonly string[] }> {
  const port = await findFreePorts(5);
  const ports = ["--port", String(port), "--shard-port", String(port + 1)];
  return { port, args: ["up", "--data", data, "--workers", "1", ...ports] };
}

/** Starts an instance and waits for its line "ready", `readyMsMax` at most. */
export async function startUp(
  data: string,
  options: readonly string[] = [],
  readyMsMax = READY_MS_MAX,
): Promise<UpProcess> {
  const { port, args } = await upOptions(data);
  const running = startZgate([...args, ...options]);
  const url = `http://127.0.0.1:${port}`;
  const isReady = () => running.stdout().includes(`ready: ${url}\n`);
  await waitFor(() => isReady() || running.child.exitCode !== null, readyMsMax);
  if (!isReady()) throw new Error(`not ready:\n${running.stdout()}${running.stderr()}`);
  return { ...running, url, port, tree: () => treeOf(running.pid) };
}

/** Ctrl-C at the terminal: the whole foreground group gets the signal. */
export function pressCtrlC(running: Running): void {
  process.kill(-running.pid, "SIGINT");
}

/** Ends whatever is left of an instance, for the end of a test that may have failed. */
export async function putAway(running: Running | undefined): Promise<void> {
  if (running === undefined || running.child.exitCode !== null || running.child.signalCode !== null) return;
  running.child.kill("SIGTERM");
  await running.finished;
}

interface Listed {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** The process `root` and all below it. */
export function treeOf(root: number): ProcessTree {
  const members = descendants(root, listProcesses()).map((entry) => ({ ...entry, identity: identify(entry.pid) }));
  const alive = () => members.filter(({ identity }) => identity !== null && isAlive(identity));
  return {
    find: (text) => members.filter(({ command }) => command.includes(text)).map(({ pid }) => pid),
    async survivors() {
      await waitFor(() => alive().length === 0, GONE_MS_MAX);
      return alive().map(({ command }) => command);
    },
  };
}

function descendants(root: number, all: readonly Listed[]): readonly Listed[] {
  const own = all.filter(({ pid }) => pid === root);
  const below = all.filter(({ parent }) => parent === root).flatMap(({ pid }) => descendants(pid, all));
  return [...own, ...below];
}

function listProcesses(): readonly Listed[] {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8", maxBuffer: 2 ** 25 }).split("\n");
  return lines.map((line) => {
    const [, pid = "0", parent = "0", command = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid: Number(pid), parent: Number(parent), command };
  });
}
