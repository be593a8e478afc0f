// Starts the project's programs on Node 24, whatever Node the machine has, and installs the dependencies first when they
// are missing or not those of the lockfile. Plain JavaScript without dependencies, because it runs before there are any;
// it must not know what it starts.
//
//   node cli/launch.mjs               install if need be
//   node cli/launch.mjs FILE ARGS...  the same, then run FILE; FILE must do its work when it is imported
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { holdLock } from "./install-lock.mjs";

const NODE_MAJOR_MIN = 24;
const CLOCK_MS = 1000;
const PLAIN_CLOCK_MS = 10_000;
/** @type {readonly NodeJS.Signals[]} */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const pinnedNode = join(modules, ".bin", "node");

/**
 * Installs what package-lock.json names unless it is there already. Of several processes at once, one installs.
 * Without a lockfile (an installed package has none) there is nothing to do.
 */
export async function ensureInstalled() {
  if (isInstalled()) return;
  await holdLock(join(root, ".zgate", "install.lock"), async (share) => {
    if (!isInstalled()) await install(share);
  });
}

/** Path of a Node that runs TypeScript: the one among the dependencies, else this one. Throws when neither will do. */
export function nodeBinary() {
  if (existsSync(pinnedNode)) return pinnedNode;
  if (isModern()) return process.execPath;
  throw new Error(
    `needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.version}, and the dependencies hold no Node for ` +
      `${process.platform}-${process.arch}. Install Node ${NODE_MAJOR_MIN}, then try again.`,
  );
}

/**
 * Installs if need be, then runs `file`: in this process when it is modern enough, in a child otherwise. Says what is
 * wrong and sets the exit code when it cannot.
 * @param {string} file
 * @param {readonly string[]} args
 */
export async function launch(file, args) {
  if (!(await isPrepared())) return;
  if (isModern()) {
    process.argv.splice(1, Number.POSITIVE_INFINITY, file, ...args);
    await import(pathToFileURL(file).href);
    return;
  }
  // The channel tells a program that wants to know when this process dies, however it dies.
  const { code, signal } = await run(nodeBinary(), [file, ...args], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
}

async function isPrepared() {
  try {
    await ensureInstalled();
    nodeBinary();
    return true;
  } catch (error) {
    process.stderr.write(`zgate: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
    return false;
  }
}

function isModern() {
  return Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN;
}

/** Whether every package of the lockfile is present in the locked version, by npm's own record of what it installed. */
function isInstalled() {
  const locked = packagesOf(join(root, "package-lock.json"));
  if (locked === null) return true;
  const present = packagesOf(join(modules, ".package-lock.json"));
  if (present === null) return false;
  const isProduction = process.env["NODE_ENV"] === "production";
  return Object.entries(locked).every(([path, entry]) => {
    if (path === "" || entry.link) return true;
    const found = present[path];
    if (found === undefined) return Boolean(entry.optional || entry.devOptional || (isProduction && entry.dev));
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, optional?: boolean, dev?: boolean,
 *   devOptional?: boolean }} LockEntry
 * @param {string} lockfile
 * @returns {Record<string, LockEntry> | null} null when the file is missing or not a lockfile
 */
function packagesOf(lockfile) {
  try {
    const content = /** @type {{ packages?: Record<string, LockEntry> }} */ (
      JSON.parse(readFileSync(lockfile, "utf8"))
    );
    return content.packages ?? null;
  } catch {
    return null;
  }
}

/** @param {(pid: number) => void} share */
async function install(share) {
  const occasion = existsSync(modules) ? "the lockfile has changed" : "first run";
  const stopClock = showElapsed(`installing dependencies (${occasion})…`);
  // npm replaces node_modules, so it must not run on the Node that lies in there.
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((entry) => resolve(entry) !== join(modules, ".bin"));
  const { code, signal, output } = await run(
    "npm",
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: root,
      onStart: share,
      env: { ...process.env, PATH: path.join(delimiter) },
      stdio: ["ignore", "pipe", "pipe"],
    },
  ).finally(stopClock);
  if (code === 0) return;
  throw new Error(`npm ci failed (${signal ?? `exit code ${code}`})\n${output}`);
}

/**
 * Shows that something takes long: a line that counts seconds on a terminal, a further line now and then elsewhere.
 * @param {string} text
 * @returns {() => void} ends it
 */
function showElapsed(text) {
  const isTerminal = process.stderr.isTTY === true && process.env["TERM"] !== "dumb";
  const startMs = Date.now();
  process.stderr.write(isTerminal ? text : `${text}\n`);
  const clock = setInterval(
    () => {
      const line = `${text} ${Math.round((Date.now() - startMs) / 1000)} s`;
      process.stderr.write(isTerminal ? `\r\u001b[2K${line}` : `${line}\n`);
    },
    isTerminal ? CLOCK_MS : PLAIN_CLOCK_MS,
  );
  return () => {
    clearInterval(clock);
    if (isTerminal) process.stderr.write("\n");
  };
}

/**
 * Runs a command to its end, passing on the signals that would end this process meanwhile.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions & { onStart?: (pid: number) => void }} options
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null, output: string }>}
 */
function run(command, args, options) {
  return new Promise((settle, fail) => {
    const child = spawn(command, args, options);
    if (child.pid !== undefined) options.onStart?.(child.pid);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk) => {
        output += chunk;
      });
    }
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      // A terminal sends Ctrl-C to the child as well; twice would mean "at once".
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    };
    const stopForwarding = () => {
      for (const signal of FORWARDED) process.off(signal, forward);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    child.once("error", (error) => {
      stopForwarding();
      fail(new Error(`cannot run ${command}: ${error.message}`));
    });
    child.once("close", (code, signal) => {
      stopForwarding();
      settle({ code, signal, output });
    });
  });
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [file, ...args] = process.argv.slice(2);
  await (file === undefined ? isPrepared() : launch(resolve(file), args));
}
