/**
 * A shard: the primary process and its workers. This is the only place that chooses implementations.
 * It must not hold logic beyond putting the parts together.
 */
import cluster from "node:cluster";
import { mkdirSync, readFileSync } from "node:fs";
import { ConfigError, type GatewayConfig, parseConfig } from "../config/config.ts";
import type { CollectionName } from "../router/ids.ts";
import { claimFirstSlots } from "./bootstrap.ts";
import type { Catalog } from "./catalog/port.ts";
import { createSqliteCatalog } from "./catalog/sqlite-catalog.ts";
import { systemClock } from "./clock.ts";
import { sendReport } from "./cluster/message.ts";
import { RESPAWN_LIMITS } from "./cluster/respawn-policy.ts";
import { WorkerCrew } from "./cluster/worker-crew.ts";
import { liveAsWorker } from "./cluster/worker-life.ts";
import { FatalError, toFatal } from "./fatal-error.ts";
import { GroupCommit } from "./group-commit.ts";
import { createRoutes } from "./http/routes.ts";
import { createShardServer, type ShardServer } from "./http/server.ts";
import { createSigner, createVerifier } from "./http/signature.ts";
import { createSlotAccess } from "./http/slot-access.ts";
import { createLogger, describeError, type Logger } from "./log.ts";
import { createMapCache } from "./map-cache.ts";
import { parseShardOptions, type ShardOptions, USAGE } from "./options.ts";
import { createHttpPeers } from "./peers/http-peers.ts";
import type { Store } from "./store/port.ts";
import { createSqliteStore } from "./store/sqlite-store.ts";
import { runSweeper } from "./sweeper.ts";

/** The primary hands its workers the configuration it has read, so that all of a shard agree on it. */
const CONFIG_ENV = "ZGATE_SHARD_CONFIG";

/** And the names of the collections that it has found lost, with a space between. */
const LOST_ENV = "ZGATE_SHARD_LOST";

async function runPrimary(): Promise<void> {
  const options = parseShardOptions(process.argv.slice(2), process.env);
  const log = createLogger({ shard: options.shard, pid: process.pid });
  const configText = readConfigFile(options.configFile);
  const lost = await prepareShard(options, readConfig(options, configText), log);
  const crew = new WorkerCrew({
    size: options.workers,
    fork: () => cluster.fork({ [CONFIG_ENV]: configText, [LOST_ENV]: lost.join(" ") }),
    limits: RESPAWN_LIMITS,
    stopMsMax: options.stopMsMax,
    nowMs: () => performance.now(),
    log,
    onReady: () => {
      log("info", "ready", { host: options.host, port: options.port, workers: options.workers });
      void sendReport({ type: "ready" });
    },
    onFatal: (error) => void endPrimary(crew, log, error),
  });
  const stop = (reason: string): void => {
    log("info", "stopping", { reason });
    void endPrimary(crew, log, null);
  };
  // Handlers stay for a second signal: the stop is bounded, and dying before the workers would help nobody.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal));
  process.on("disconnect", () => stop("the parent process is gone"));
  process.on("uncaughtException", (error) => void endPrimary(crew, log, toFatal(error)));
  crew.start();
}

/** Creates or migrates the store, claims first slots, finds what is lost. The workers open the store for themselves. */
async function prepareShard(
  options: ShardOptions,
  config: GatewayConfig,
  log: Logger,
): Promise<readonly CollectionName[]> {
  const store = await openStore(options, config);
  const catalog = await openCatalog(options);
  try {
    return await claimFirstSlots(
      { shard: options.shard, store, catalog, clock: systemClock, log },
      config.collections.values(),
    );
  } finally {
    await catalog.close();
    await store.close();
  }
}

async function endPrimary(crew: WorkerCrew, log: Logger, error: FatalError | null): Promise<void> {
  await crew.stop();
  if (error === null) {
    log("info", "stopped");
    process.exit(0);
  }
  await endWith(error, log);
}

async function runWorker(): Promise<void> {
  const options = parseShardOptions(process.argv.slice(2), process.env);
  const config = readConfig(options, process.env[CONFIG_ENV] ?? "");
  const log = createLogger({ shard: options.shard, pid: process.pid, worker: cluster.worker?.id ?? 0 });
  const store = await openStore(options, config);
  const catalog = await openCatalog(options);
  const commits = new GroupCommit({ store, limits: { rowsMax: options.groupRowsMax } });
  const sweeping = new AbortController();
  const sweeper = { store, collections: [...config.collections.values()], clock: systemClock, log };
  await liveAsWorker({
    server: buildServer({ options, config, log, store, catalog, commits }),
    address: { host: options.host, port: options.port },
    stopMsMax: options.stopMsMax,
    log,
    startSweeping: () => void runSweeper(sweeper, sweeping.signal),
    close: async () => {
      sweeping.abort();
      await commits.drain();
      await catalog.close();
      await store.close();
    },
  });
}

interface WorkerParts {
  readonly options: ShardOptions;
  readonly config: GatewayConfig;
  readonly log: Logger;
  readonly store: Store;
  readonly catalog: Catalog;
  readonly commits: GroupCommit;
}

function buildServer({ options, config, log, store, catalog, commits }: WorkerParts): ShardServer {
  const clock = systemClock;
  const peers = createHttpPeers({ shards: config.shards, sign: createSigner(options.signingKeys, clock) });
  const routes = createRoutes({
    shard: options.shard,
    collections: config.collections,
    lostCollections: readLost(config),
    store,
    commits,
    access: createSlotAccess({ clock, peers, log }),
    maps: createMapCache({ catalog, clock, log }),
    verify: createVerifier(options.signingKeys, clock),
    clock,
    log,
    isReady: () => server.isReady(),
  });
  const server = createShardServer({ routes, log });
  return server;
}

function readLost(config: GatewayConfig): readonly CollectionName[] {
  const lost = new Set((process.env[LOST_ENV] ?? "").split(" "));
  return [...config.collections.values()].map(({ name }) => name).filter((name) => lost.has(name));
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new FatalError("CONFIG_INVALID", `cannot read the configuration: ${toFatal(error).message}`, {
      cause: error,
    });
  }
}

function readConfig(options: ShardOptions, text: string): GatewayConfig {
  try {
    const config = parseConfig(text, options.configFile);
    if (config.shards.has(options.shard)) return config;
    throw new FatalError("CONFIG_INVALID", `${options.configFile} has no shard "${options.shard}"`);
  } catch (error) {
    throw error instanceof ConfigError ? new FatalError("CONFIG_INVALID", error.message, { cause: error }) : error;
  }
}

async function openStore(options: ShardOptions, config: GatewayConfig): Promise<Store> {
  try {
    mkdirSync(options.dataDirectory, { recursive: true });
    const { shard, storeFile: file } = options;
    return await createSqliteStore({ file, shard, collections: [...config.collections.values()] });
  } catch (error) {
    throw new FatalError("STORE_UNUSABLE", `cannot use ${options.storeFile}: ${toFatal(error).message}`, {
      cause: error,
    });
  }
}

async function openCatalog(options: ShardOptions): Promise<Catalog> {
  try {
    return await createSqliteCatalog({ file: options.catalogFile });
  } catch (error) {
    const message = `cannot use ${options.catalogFile}: ${toFatal(error).message}`;
    throw new FatalError("CATALOG_UNUSABLE", message, { cause: error });
  }
}

/** Tells the log and the parent why, and ends the process. */
async function endWith(error: FatalError, log: Logger): Promise<never> {
  log("error", "fatal", { code: error.code, ...describeError(error) });
  await sendReport({ type: "fatal", code: error.code, message: error.message });
  process.exit(1);
}

// Nobody may be reading the log any more; that must not end a process.
process.stderr.on("error", () => undefined);
if (process.argv.includes("--help")) {
  process.stdout.write(`${USAGE}\n`);
} else {
  const run = cluster.isPrimary ? runPrimary : runWorker;
  run().catch((error: unknown) => endWith(toFatal(error), createLogger({ pid: process.pid })));
}
