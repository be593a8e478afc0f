/**
 * A shard: the primary process and its workers. This is the only place that chooses implementations.
 * It must not hold logic beyond putting the parts together.
 */
import cluster from "node:cluster";
import { randomUUID } from "node:crypto";
import type { CollectionConfig } from "../config/config.ts";
import { openCatalog } from "./catalog/open-catalog.ts";
import { ClientTraffic } from "./client-traffic.ts";
import { systemClock } from "./clock.ts";
import { CommitHomes } from "./cluster/commit-homes.ts";
import { parseOrder, sendReport } from "./cluster/message.ts";
import { RESPAWN_LIMITS } from "./cluster/respawn-policy.ts";
import { WorkerCrew } from "./cluster/worker-crew.ts";
import { liveAsWorker } from "./cluster/worker-life.ts";
import { measureEventLoop } from "./event-loop-load.ts";
import { FatalError, toFatal } from "./fatal-error.ts";
import { GroupCommit } from "./group-commit.ts";
import { createRoutes } from "./http/routes.ts";
import { createShardServer, type ShardServer } from "./http/server.ts";
import { createSigner, createVerifier } from "./http/signature.ts";
import { createSlotAccess } from "./http/slot-access.ts";
import { type SlotNews, SlotWaiting } from "./http/slot-waiting.ts";
import { createLazyCatalog, type ShardCatalog } from "./lazy-catalog.ts";
import { createLogger, describeError, LineBuffer, type LogFields, type Logger } from "./log.ts";
import { createMapCache } from "./map-cache.ts";
import { Courtesy } from "./mover/courtesy.ts";
import { runLeftovers } from "./mover/leftovers.ts";
import { runMoverAgent } from "./mover/mover-agent.ts";
import { createSlotHelp } from "./mover/slot-help.ts";
import type { RunnerWorld } from "./mover/slot-runner.ts";
import { openStore } from "./open-store.ts";
import { parseShardOptions, type ShardOptions, USAGE } from "./options.ts";
import { createHttpPeers } from "./peers/http-peers.ts";
import type { Peers } from "./peers/port.ts";
import { type OwnConfig, readConfig, readConfigFile } from "./shard-config.ts";
import { parseStanding, type Standing, type StandingContext, settleStanding, standAtStart } from "./standing.ts";
import type { Store } from "./store/port.ts";
import { runSweeper } from "./sweeper.ts";

/** The primary hands its workers the configuration it has read, so that all of a shard agree on it. */
const CONFIG_ENV = "ZGATE_SHARD_CONFIG";

/** And how the shard stands with the catalog, as JSON. */
const STANDING_ENV = "ZGATE_SHARD_STANDING";

/** And which of them it is, from 0. */
const PLACE_ENV = "ZGATE_SHARD_PLACE";

/** How long a catalog is tried before a shard does without it, in milliseconds: nobody is served meanwhile at a start. */
const CATALOG_PATIENCE_MS = 3000;

/** How long a worker waits before it tries again to reach its database, in milliseconds. */
const STORE_PAUSE_MS = 1000;

async function runPrimary(): Promise<void> {
  const options = parseShardOptions(process.argv.slice(2), process.env);
  const log = createLogger({ shard: options.shard, pid: process.pid });
  const configText = readConfigFile(options.configFile);
  const primary: Primary = { options, config: readConfig(options, configText), log, over: new AbortController() };
  const claims = await openClaims(primary);
  const first = await standAtStart(claims.context, claims.collections);
  let standing: Standing = first;
  if (first.isSettled) await claims.close();
  const crew = new WorkerCrew({
    size: options.workers,
    fork: (place) =>
      cluster.fork({ [CONFIG_ENV]: configText, [STANDING_ENV]: JSON.stringify(standing), [PLACE_ENV]: `${place}` }),
    limits: RESPAWN_LIMITS,
    stopMsMax: options.stopMsMax,
    nowMs: () => performance.now(),
    log,
    onReady: () => {
      log("info", "ready", { host: options.host, port: options.port, workers: options.workers });
      void sendReport({ type: "ready" });
    },
    onFatal: (error) => void endPrimary(crew, primary, error),
  });
  endOnRequest(crew, primary);
  crew.start();
  if (first.isSettled) return;
  settleStanding(claims.context, claims.collections, primary.over.signal)
    .then(async (settled) => {
      standing = settled ?? standing;
      crew.tell(standing);
      await claims.close();
    })
    .catch((error: unknown) => endPrimary(crew, primary, toFatal(error)));
}

interface Primary {
  readonly options: ShardOptions;
  readonly config: OwnConfig;
  readonly log: Logger;
  /** Aborted when the shard stops. */
  readonly over: AbortController;
}

function endOnRequest(crew: WorkerCrew, primary: Primary): void {
  const stop = (reason: string): void => {
    primary.log("info", "stopping", { reason });
    void endPrimary(crew, primary, null);
  };
  // Handlers stay for a second signal: the stop is bounded, and dying before the workers would help nobody.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal));
  process.on("disconnect", () => stop("the parent process is gone"));
  process.on("uncaughtException", (error) => void endPrimary(crew, primary, toFatal(error)));
}

/** What claiming stands on, open. */
interface OpenClaims {
  readonly context: StandingContext;
  readonly collections: readonly CollectionConfig[];
  readonly close: () => Promise<void>;
}

/** Creates or migrates an embedded store. The workers open the store for themselves. */
async function openClaims({ options, config, log }: Primary): Promise<OpenClaims> {
  const { shard } = options;
  const collections = [...config.collections.values()];
  const catalog = catalogOf(options, config);
  const store = await openStore({ options, config: config.own.store, collections, log });
  return {
    context: { shard, store, catalog, clock: systemClock, log },
    collections,
    close: async () => {
      await catalog.close();
      await store.close();
    },
  };
}

async function endPrimary(crew: WorkerCrew, { log, over }: Primary, error: FatalError | null): Promise<void> {
  over.abort();
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
  const who = { shard: options.shard, pid: process.pid, worker: cluster.worker?.id ?? 0 };
  const log = createLogger(who);
  const store = await openStoreAgain({ options, config, log });
  const catalog = catalogOf(options, config);
  const own = new GroupCommit({ store, limits: { rowsMax: options.groupRowsMax } });
  // Where a commit takes the whole store's lock, it does not matter who holds it.
  const places = store.commitScope === "slot" ? options.workers : 1;
  const place = places === 1 ? 0 : Number(process.env[PLACE_ENV] ?? "0");
  const commits = new CommitHomes({ place, places, own, send: sendReport });
  const ending = new AbortController();
  const sweeper = { store, collections: [...config.collections.values()], clock: systemClock, log };
  const peers = createHttpPeers({ shards: config.shards, sign: createSigner(options.signingKeys, systemClock) });
  let standing = parseStanding(JSON.parse(process.env[STANDING_ENV] ?? "null"));
  const traffic = new ClientTraffic(monotonicMs);
  const load = measureEventLoop();
  const parts = {
    ...{ options, config, log, store, catalog, commits, peers, traffic },
    waiting: new SlotWaiting(systemClock),
    courtesy: new Courtesy({
      clock: systemClock,
      monotonicMs,
      load,
      traffic,
      isStoreInside: store.commitScope === "store",
    }),
    world: runnerWorld(who),
    standing: () => standing,
  };
  let moving: Promise<void> = Promise.resolve();
  await liveAsWorker({
    server: buildServer(parts),
    address: { host: options.host, port: options.port },
    stopMsMax: options.stopMsMax,
    log,
    startSweeping: () => {
      void runSweeper(sweeper, ending.signal);
      void runLeftovers(
        { ...parts, shard: options.shard, collections: config.collections, clock: systemClock },
        ending.signal,
      );
    },
    onStanding: (told) => {
      standing = told;
    },
    onNews: (news) => void parts.waiting.tell(news),
    onCommit: (message) => commits.heard(message),
    close: async () => {
      ending.abort();
      await moving;
      await commits.drain();
      await catalog.close();
      await store.close();
    },
  });
  moving = runMover(parts, ending.signal);
}

/** Drives moves to this shard until the signal aborts. */
async function runMover(parts: WorkerParts, signal: AbortSignal): Promise<void> {
  const { options, config, world } = parts;
  const shards = new Set(config.shards.keys());
  const of = { shard: options.shard, collections: config.collections, shards };
  await runMoverAgent({ ...parts, ...world, ...of }, signal);
}

const monotonicMs = (): number => performance.now();

/** Clocks and tokens of runners; what they do is logged, so that a run can be held against the model of the protocol. */
function runnerWorld(who: LogFields): RunnerWorld {
  const lines = new LineBuffer();
  const log = createLogger(who, lines.add);
  process.on("exit", () => lines.flush());
  return {
    clock: systemClock,
    monotonicMs,
    newToken: randomUUID,
    trace: (trace) => {
      log("info", "move-step", { trace: JSON.stringify(trace) });
      // A statement may be applied, and this process die the next moment: what led to it has to be known.
      if (trace.step === "send") lines.flush();
    },
  };
}

/** A worker that comes while the database is away waits for it: dying again and again would end the whole shard. */
async function openStoreAgain({ options, config, log }: Pick<WorkerParts, "options" | "config" | "log">) {
  const onMessage = (message: unknown): void => {
    if (parseOrder(message)?.type === "stop") process.exit(0);
  };
  process.on("message", onMessage);
  const collections = [...config.collections.values()];
  for (;;) {
    try {
      const store = await openStore({ options, config: config.own.store, collections, log });
      process.off("message", onMessage);
      return store;
    } catch (error) {
      if (!(error instanceof FatalError) || error.code !== "STORE_UNREACHABLE") throw error;
      log("warn", "store-unreachable", { error: error.message });
      await systemClock.sleep(STORE_PAUSE_MS);
    }
  }
}

/** Opened when it is asked. Throws `FatalError` OPTIONS_INVALID when it is not told where an embedded one lies. */
function catalogOf({ catalogFile }: ShardOptions, { catalog }: OwnConfig): ShardCatalog {
  if (catalog.kind === "sqlite" && catalogFile === null) {
    throw new FatalError("OPTIONS_INVALID", "--catalog is missing: the catalog is a SQLite file; see --help");
  }
  const options = { file: catalogFile ?? "", environment: process.env, patienceMs: CATALOG_PATIENCE_MS };
  return createLazyCatalog(() => openCatalog(catalog, options));
}

interface WorkerParts {
  readonly options: ShardOptions;
  readonly config: OwnConfig;
  readonly log: Logger;
  readonly store: Store;
  readonly catalog: ShardCatalog;
  readonly commits: CommitHomes;
  readonly peers: Peers;
  readonly waiting: SlotWaiting;
  readonly courtesy: Courtesy;
  readonly traffic: ClientTraffic;
  readonly world: RunnerWorld;
  readonly standing: () => Standing;
}

function buildServer(parts: WorkerParts): ShardServer {
  const clock = systemClock;
  const { options, config, log, store, catalog, commits, peers, waiting, courtesy, traffic, world, standing } = parts;
  const { shard } = options;
  const spreadNews = (news: SlotNews): void => {
    waiting.tell(news);
    void sendReport({ type: "news", ...news });
  };
  const help = createSlotHelp({ shard, store, peers, log, ...world });
  const routes = createRoutes({
    shard,
    collections: config.collections,
    standing,
    store,
    commits,
    access: createSlotAccess({ clock, store, peers, waiting, help, log }),
    peers,
    ...{ spreadNews, courtesy, traffic },
    maps: createMapCache({ catalog, clock, log }),
    verify: createVerifier(options.signingKeys, clock),
    clock,
    log,
    isReady: () => server.isReady(),
  });
  const server = createShardServer({ routes, log });
  return server;
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
