/**
 * Runs one instance: prepares the data directory, starts the parts, waits until all are ready, watches them and
 * ends them in order. It must leave no process behind, however it ends.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  allPermissions,
  localConfiguration,
  localIssuer,
  readConfiguration,
  withLocalEngines,
} from "../configuration.ts";
import { createDataDirectory, dataDirectory, displayPath } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { progressText } from "../import/import-report.ts";
import { mintToken } from "../keys.ts";
import { createProgress, type Progress } from "../progress.ts";
import { chooseStorage, describeStorage, isEmbedded, placeOf } from "../storage-choice.ts";
import type { Terminal } from "../terminal.ts";
import { prepareEdge } from "./edge-part.ts";
import { type RunningInstance, removeInstance, writeInstance } from "./instance-file.ts";
import { readLayout, refuseForeign } from "./layout.ts";
import { LeavingShards } from "./leaving-shards.ts";
import { forgetParts, recordParts } from "./left-over.ts";
import { requireToolchain, startEnginesOf } from "./local-engines.ts";
import { holdDirectory } from "./lock.ts";
import { PartSet } from "./part-set.ts";
import { LOCAL_HOST } from "./ports.ts";
import { type Preparation, type Prepared, prepareDirectory, prepareStorage } from "./preparation.ts";
import { orAborted, untilGone, untilReady } from "./readiness.ts";
import { hasSample, loadSample, SAMPLE_COLLECTION, SAMPLE_KEY } from "./sample.ts";
import { prepareShard } from "./shard-part.ts";
import { requireStores } from "./shard-store-check.ts";
import { listenForStop, type StopRequest } from "./stop-request.ts";
import { leftOutNote, shardPlans, type UpOptions, withOwnShards } from "./up-options.ts";
import { welcomeLines } from "./welcome.ts";

const HOUR_MS = 3_600_000;
const TOKEN_HOURS = 12;
const READY_MS_MAX = 90_000;
/** Claiming thousands of slots and loading the sample are thousands of conditional writes. */
const READY_ON_ENGINES_MS_MAX = 300_000;
/** How long a start that is broken off may take to come to rest before its parts are ended under it. */
const REST_MS_MAX = 3000;

/** An instance that runs, or is about to. */
interface Instance extends Preparation {
  readonly url: string;
  readonly terminal: Terminal;
  readonly progress: Progress;
  readonly parts: PartSet;
  readonly stop: StopRequest;
  /** Aborted when the end begins, whatever the reason. */
  readonly over: AbortController;
}

/** Runs an instance until it is asked to stop. Throws `CliFailure` when it cannot start or a part dies. */
export async function runInstance(asked: UpOptions, terminal: Terminal): Promise<void> {
  const directory = dataDirectory(asked.data);
  const layout = readLayout(directory);
  const options = withOwnShards(asked, layout);
  const file = readConfiguration(options.config);
  const local = localConfiguration(file, options);
  const storage = chooseStorage(options.storage, layout, local.config);
  refuseForeign(directory);
  await requireToolchain(storage);
  // An orderly end needs nobody who watches it.
  terminal.stay();
  createDataDirectory(directory);
  const lock = holdDirectory(directory);
  const leftOut = leftOutNote(asked, file, local);
  if (leftOut !== null) terminal.note(leftOut);
  const instance: Instance = {
    ...{ options, local, storage, directory, terminal },
    url: `http://${LOCAL_HOST}:${options.port}`,
    progress: createProgress(terminal),
    parts: new PartSet((pids) => recordParts(directory, pids)),
    stop: listenForStop(),
    over: new AbortController(),
  };
  const started = startInstance(instance);
  try {
    await Promise.race([
      started.then(() => new Promise(() => undefined)),
      instance.parts.died,
      instance.stop.requested,
    ]);
  } finally {
    await endInstance(instance, started);
    lock.release();
  }
}

async function startInstance(instance: Instance): Promise<void> {
  const { directory, local, storage, progress, parts, over, terminal } = instance;
  await prepareDirectory(instance, progress);
  const onProgress = (text: string): void => progress.step(text);
  const engines = await startEnginesOf({
    directory,
    storage,
    signal: over.signal,
    onProgress,
    onWarning: terminal.note,
  });
  if (engines === null) return startOn(instance, {});
  await parts.standOn(engines);
  const isHere = (shard: string): boolean => placeOf(storage, shard) === "cassandra";
  await startOn({ ...instance, local: withLocalEngines(local, engines, isHere) }, engines.addresses);
}

/** Everything that comes after the engines, whose addresses are host:port by name. */
async function startOn(instance: Instance, engines: RunningInstance["engines"]): Promise<void> {
  const { progress, terminal, stop, directory, local, parts } = instance;
  const limit = limitOf(instance);
  const leaving = new LeavingShards({ directory, local, parts, limit, onProgress: (text) => progress.step(text) });
  const { notes, maps } = await prepareWith(instance, leaving);
  progress.clear();
  for (const note of notes) terminal.note(note);
  await startParts(instance, { engines, maps });
  if (!stop.signal.aborted) await welcome(instance);
}

async function prepareWith(instance: Instance, leaving: LeavingShards): Promise<Prepared> {
  try {
    return await prepareStorage({ ...instance, leaving }, instance.progress);
  } finally {
    await leaving.end();
  }
}

/** Ends all parts, the edge first so that nothing new comes in, the engines last; then forgets the instance. */
async function endInstance(instance: Instance, started: Promise<void>): Promise<void> {
  const { stop, over, progress, parts, directory, terminal } = instance;
  progress.clear();
  if (stop.signal.aborted) progress.step("stopping…");
  over.abort();
  void stop.hurried.then(() => parts.kill());
  await Promise.race([started.catch(() => undefined), stop.hurried, sleep(REST_MS_MAX, undefined, { ref: false })]);
  await parts.end();
  forgetParts(directory);
  removeInstance(directory);
  stop.release();
  progress.clear();
  if (stop.signal.aborted) terminal.note(`stopped; the data is in ${displayPath(directory.root)}`);
}

/** What the parts find prepared. */
interface Ground extends Pick<Prepared, "maps"> {
  readonly engines: RunningInstance["engines"];
}

async function startParts(instance: Instance, { engines, maps }: Ground): Promise<void> {
  const { directory, local, options, url, progress, parts, stop, over } = instance;
  const plans = shardPlans(options, local);
  progress.step(`starting ${plans.map((plan) => plan.id).join(", ")} and the edge…`);
  const shards = parts.start(plans.map((plan) => prepareShard(directory, plan)));
  const [edge] = parts.start([prepareEdge(directory, options.port, local.text)]);
  if (edge === undefined) throw new Error("broken assumption: no edge was started");
  const limit = limitOf(instance);
  const filled = Promise.all(shards.map((shard) => orAborted(shard.ready, limit))).then(async () => {
    await requireStores(instance, plans);
    await fillInstance(instance, maps);
    if (!stop.signal.aborted) progress.step("waiting for the edge…");
  });
  await Promise.all([filled, untilReady(url, limit)]).catch((error: unknown) => {
    throw limit.aborted ? notReady(instance) : error;
  });
  void untilGone(url, over.signal).then(
    () => parts.declareDead(edge, "it does not listen any more"),
    () => undefined,
  );
  const ports = { edge: options.port, ...Object.fromEntries(plans.map(({ id, port }) => [id, port])) };
  writeInstance(directory, { url, pid: process.pid, ports, engines, startedAt: new Date().toISOString() });
}

function limitOf(instance: Instance): AbortSignal {
  return AbortSignal.any([instance.over.signal, AbortSignal.timeout(readyMsMax(instance))]);
}

function readyMsMax({ storage }: Instance): number {
  return storage.stores.size === 0 ? READY_MS_MAX : READY_ON_ENGINES_MS_MAX;
}

function notReady(instance: Instance): CliFailure {
  const logs = displayPath(instance.directory.logs);
  return new CliFailure(`not ready after ${readyMsMax(instance) / 1000} s; the logs are in ${logs}`);
}

/** The sample, on the first start. */
async function fillInstance(instance: Instance, maps: Prepared["maps"]): Promise<void> {
  const { directory, local, options, progress, stop } = instance;
  const collection = local.config.collections.get(SAMPLE_COLLECTION);
  const map = maps.get(SAMPLE_COLLECTION);
  if (!options.withSample || collection === undefined || map === undefined || hasSample(directory)) return;
  progress.step("loading the sample products…");
  await loadSample({
    directory,
    config: local.config,
    collection,
    map,
    signal: stop.signal,
    onProgress: (state) => progress.update(`loading the sample products ${progressText(state)}`),
  });
}

async function welcome(instance: Instance): Promise<void> {
  const { directory, local, storage, terminal, progress, url } = instance;
  const collection = local.config.collections.get(SAMPLE_COLLECTION) ?? [...local.config.collections.values()][0];
  if (collection === undefined) throw new Error("broken assumption: a configuration without collections");
  const shards = [...local.config.shards.keys()];
  const isFilled = collection.name === SAMPLE_COLLECTION && hasSample(directory);
  progress.clear();
  const lines = welcomeLines({
    url,
    collection,
    sampleKey: isFilled ? SAMPLE_KEY : null,
    token: await localToken(instance),
    tokenHours: TOKEN_HOURS,
    data: displayPath(directory.root),
    storage: isEmbedded(storage) ? null : describeStorage({ shards, storage }),
    shards,
    paint: terminal.paint,
  });
  for (const line of lines) terminal.out(line);
  terminal.out(`ready: ${url}`);
}

function localToken({ directory, local }: Instance): Promise<string> {
  return mintToken(directory, {
    ...localIssuer(local.config),
    subject: "local",
    permissions: allPermissions(local.config),
    ttlMs: TOKEN_HOURS * HOUR_MS,
  });
}
