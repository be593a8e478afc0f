// A real shard on real sockets: its files in a temporary folder, its catalog, its processes, its log lines.
// Must not reach into the shard's memory; what it prepares it writes through the ports, as the CLI would.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { type GatewayConfig, parseConfig } from "../../config/config.ts";
import { parseSigningKeys, SIGNING_KEYS_ENV } from "../../config/signing-keys.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import { parseReport, type ReportMessage } from "../../shards/cluster/message.ts";
import type { Store } from "../../shards/store/port.ts";
import { findFreePorts } from "./free-ports.ts";
import { createStorage, type StorageAddresses } from "./storage.ts";

const MAIN = new URL("../../shards/main.ts", import.meta.url).pathname;

/** The keys that test shards and test edges share. */
export const TEST_SIGNING_KEYS = `current:${"A".repeat(43)},older:${"B".repeat(43)}`;
export const testSigningKeys = parseSigningKeys(TEST_SIGNING_KEYS);

/** Longest wait for a process to do something, in milliseconds. */
const PATIENCE_MS = 20_000;

export interface ShardFilesOptions {
  /** Text of the zgate.toml; see `twoShardConfig`. */
  readonly configText: string;
  /** Where everything lies; a fresh temporary folder if not given. */
  readonly directory?: string;
  /** Where the engines are, if not where the run has them. */
  readonly addresses?: StorageAddresses;
}

/** What one instance lies in: configuration, catalog with version 1 of every map, a folder or a keyspace per shard. */
export interface ShardFiles {
  readonly directory: string;
  readonly configFile: string;
  /** The configuration with the stores and the catalog of this run. */
  readonly configText: string;
  /** Only there in the run on embedded files. */
  readonly catalogFile: string;
  readonly config: GatewayConfig;
  dataOf(shard: string): string;
  /** Opens a shard's store beside the running shard: the way to prepare ownership. Close it. */
  openStore(shard: string): Promise<Store>;
  openCatalog(): Promise<Catalog>;
  remove(): Promise<void>;
}

/** Two collections on two shards: products a-l and m-z (public), carts by hash (private), notes that demand If-Match. */
export function twoShardConfig(ports: readonly [number, number]): string {
  const collection = (name: string, cut: string, settings: string): string => `
[[collections]]
name = "${name}"
${settings}
[[collections.map]]
start = ""
end = "${cut}"
shard = "shard-1"
[[collections.map]]
start = "${cut}"
shard = "shard-2"
`;
  return [
    collection("products", "m", 'kind = "range"\nread = "public"'),
    collection("carts", "g0", 'kind = "hash"'),
    collection("notes", "m", 'kind = "range"\nread = "public"\nrequire_if_match = true\ndocument_max = "1KiB"'),
    ...ports.map((port, index) => `[[shards]]\nid = "shard-${index + 1}"\norigins = ["http://127.0.0.1:${port}"]\n`),
  ].join("\n");
}

/** Two shards' files on free ports. */
export async function createTwoShards(): Promise<{
  readonly files: ShardFiles;
  readonly ports: readonly [number, number];
}> {
  const first = await findFreePorts(2);
  const second = first + 1;
  const files = await createShardFiles({ configText: twoShardConfig([first, second]) });
  return { files, ports: [first, second] };
}

/** Writes the configuration and creates the catalog's first maps (again and again does no harm). */
export async function createShardFiles(options: ShardFilesOptions): Promise<ShardFiles> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "zgate-shard-"));
  const configFile = join(directory, "zgate.toml");
  const catalogFile = join(directory, "catalog.db");
  const storage = createStorage(directory, options.addresses);
  const configText = storage.configure(options.configText);
  const config = parseConfig(configText, configFile);
  mkdirSync(directory, { recursive: true });
  writeFileSync(configFile, configText);
  await storage.prepare(config);
  const catalog = await storage.openCatalog(config);
  for (const { initialMap } of config.collections.values()) {
    await catalog.create(initialMap, { actor: "test", writer: crypto.randomUUID(), atMs: Date.now() });
  }
  await catalog.close();
  return {
    ...{ directory, configFile, configText, catalogFile, config },
    dataOf: (shard) => join(directory, shard),
    openStore: (shard) => storage.openStore(config, shard),
    openCatalog: () => storage.openCatalog(config),
    async remove() {
      await storage.remove();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export interface ShardProcessOptions {
  readonly files: ShardFiles;
  readonly shard: string;
  readonly port: number;
  readonly workers?: number;
  /** More arguments, e.g. `["--stop-timeout-ms", "500"]`. */
  readonly more?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Takes the log lines instead of `lines`: a long run has more of them than memory should hold. */
  readonly onLine?: (line: string) => void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A shard's primary process, started but not necessarily ready. */
export interface ShardProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly origin: string;
  /** The first message to the parent: ready or fatal. */
  readonly report: Promise<ReportMessage>;
  readonly exited: Promise<Exit>;
  /** Every line it has logged. */
  readonly lines: readonly string[];
  workerPids(): readonly number[];
  /** SIGTERM, then waits for the end. */
  stop(): Promise<Exit>;
  /** SIGKILL to the primary and all its workers, if they are still there. */
  destroy(): Promise<void>;
}

/** Starts a shard without waiting. */
export function spawnShard(options: ShardProcessOptions): ShardProcess {
  const { files, shard, port, workers = 2, more = [] } = options;
  const child = fork(
    MAIN,
    // biome-ignore format: one option a line reads better
    ["--shard", shard, "--config", files.configFile, "--data", files.dataOf(shard), "--catalog", files.catalogFile,
      "--port", String(port), "--workers", String(workers), ...more],
    { env: { ...process.env, [SIGNING_KEYS_ENV]: TEST_SIGNING_KEYS, ...options.environment }, silent: true },
  );
  const lines: string[] = [];
  if (child.stderr) createInterface(child.stderr).on("line", options.onLine ?? ((line) => lines.push(line)));
  const exited = once(child, "exit").then(([code, signal]): Exit => ({ code, signal }));
  const report = new Promise<ReportMessage>((resolve, reject) => {
    child.on("message", (message) => {
      const parsed = parseReport(message);
      if (parsed !== null) resolve(parsed);
    });
    void exited.then(({ code }) => setTimeout(() => reject(new Error(`exit ${code}: ${lines.join("\n")}`)), 200));
  });
  report.catch(() => undefined);
  const pid = child.pid ?? 0;
  let lastWorkers: readonly number[] = [];
  const workerPids = (): readonly number[] => {
    const found = childrenOf(pid);
    if (found.length > 0) lastWorkers = found;
    return found;
  };
  return {
    child,
    pid,
    origin: `http://127.0.0.1:${port}`,
    report,
    exited,
    lines,
    workerPids,
    async stop() {
      child.kill("SIGTERM");
      return exited;
    },
    async destroy() {
      workerPids();
      child.kill("SIGKILL");
      for (const worker of lastWorkers) killIfAlive(worker);
      if (child.exitCode === null && child.signalCode === null) await exited;
    },
  };
}

/** Starts a shard and waits until it takes requests. */
export async function startShard(options: ShardProcessOptions): Promise<ShardProcess> {
  const shard = spawnShard(options);
  const report = await shard.report;
  if (report.type === "fatal") throw new Error(`${report.code}: ${report.message}`);
  return shard;
}

/** Waits until `isTrue`, looking again and again; throws when patience ends. */
export async function eventually(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadlineMs) throw new Error(`waited ${PATIENCE_MS} ms in vain: ${what}`);
    await delay(20);
  }
}

/** Whether a process is there (a zombie is not). */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone, which is what was asked for.
  }
}
