/**
 * Ranges moved back and forth under load between real shards: first without a fault, which no client may notice by an error, then while
 * everything is killed, stopped and parted. One history over both, checked in the end; what the movers say is held against the model.
 * It must not wait for luck: each fault comes at least once.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Catalog } from "../../shards/catalog/port.ts";
import { TEST_SIGNING_KEYS } from "../e2e/shard-process.ts";
import { explainAbsence, noteSkipped } from "../engines/engine-absence.ts";
import { FaultyCluster } from "../faults/faulty-cluster.ts";
import { keySetOf } from "../faults/key-set.ts";
import { cleanUpAtLast } from "../faults/last-resort.ts";
import { Load } from "../faults/load.ts";
import { until, untilGrown } from "../faults/patience.ts";
import { judgeRun } from "../faults/run-verdict.ts";
import { createRandom } from "../history/random.ts";
import { askOperator, endMoves, readOverEdges, readOwners } from "./aftermath.ts";
import { keysOf } from "./chaos-config.ts";
import { ChaosEdges } from "./chaos-edges.ts";
import { PROFILES } from "./chaos-profile.ts";
import { ChaosShards } from "./chaos-shards.ts";
import { COMMAND_COUNTS } from "./command-moves.ts";
import { type Crossing, findCrossings, placeName } from "./crossings.ts";
import { cutoverFileOf, readCutovers } from "./cutover-file.ts";
import { breakThings } from "./faults.ts";
import { roleOf } from "./load-roles.ts";
import { NodeFaults } from "./node-faults.ts";
import { OperatorCrew } from "./operator-crew.ts";
import { describeCrossings, describePauses, metAndDecided } from "./pauses.ts";
import { readChaosOptions } from "./run-options.ts";
import { TraceLog } from "./trace-log.ts";

const options = readChaosOptions(process.env);
const { seed, minutes, store } = options;
const profile = PROFILES[store];
const keyNames = keysOf(profile.settings.collections);
const absence = store === "cassandra" ? explainAbsence(["cassandra", "dynamodb"]) : null;
if (absence !== null) noteSkipped({ what: "chaos with moves on Cassandra", why: absence });
else console.info(`chaos with moves on ${store}, edges ${options.edges}: ZGATE_SEED=${seed}, ${minutes} minutes`);

/** The part of the time that is without faults. */
const CALM_PART = 0.4;

const WARM_MS_MAX = 240_000;

const durationMs = minutes * 60_000;
const startedMs = performance.now();
const traces = new TraceLog();
let directory: string;
let runsSinceMs = 0;
/** What was counted before the part without faults began. */
let atStart: Readonly<Record<"answered" | "decided" | "met" | "crossed" | "failed", number>> & {
  readonly counts: ReadonlyMap<string, number>;
};
let cluster: FaultyCluster | null = null;
let edges: ChaosEdges | null = null;
let shards: ChaosShards;
let load: Load;
let operator: OperatorCrew;
let catalog: Catalog;

const answered = (): number => load.answered();
const pauses = () => ({ met: readCutovers(load.files.map(cutoverFileOf)), decided: traces.decided() });
const done = (name: keyof typeof COMMAND_COUNTS): number => operator.counts().get(COMMAND_COUNTS[name]) ?? 0;

function tell(text: string): void {
  console.info(`${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

describe.skipIf(absence !== null)(`ranges that move between shards on ${store}`, () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "zgate-chaos-"));
    cleanUpAtLast(leaveNothing);
    if (store === "cassandra") await startCluster();
    shards = await ChaosShards.start({
      ...{ directory: join(directory, "shards"), addresses: addresses(), settings: profile.settings },
      onLine: (line) => traces.take(line),
    });
    tell("shards serve");
    const { configText, configFile, catalogFile } = shards.files;
    if (options.edges === "real") edges = await ChaosEdges.start(join(directory, "edges"), configText);
    startLoad();
    await untilGrown(answered, 300, "the load is running");
    const { limits, warmCutovers } = profile;
    operator = new OperatorCrew({ seed, configFile, catalogFile, limits, signingKeys: TEST_SIGNING_KEYS });
    catalog = await shards.files.openCatalog();
    await until(() => traces.decided().size >= warmCutovers, `${warmCutovers} cutovers to warm up`, WARM_MS_MAX);
    atStart = {
      counts: load.counts(),
      answered: answered(),
      decided: traces.decided().size,
      met: metAndDecided(pauses()).length,
      crossed: crossings().length,
      failed: traces.failed.length,
    };
    runsSinceMs = performance.now();
    tell(`the load is running: ${answered()} answered`);
  });

  afterAll(async () => {
    operator?.destroy();
    load?.destroy();
    await catalog?.close();
    await edges?.destroy();
    edges = null;
    await shards?.destroy();
    await cluster?.stop();
    cluster = null;
    leaveNothing();
  });

  test("without faults ranges move, and no client is refused, or left without an answer", async () => {
    await sleep(durationMs * CALM_PART);
    const { cutoversMin, metMin, calmMsMax } = profile;
    await until(haveMetEnough, `${cutoversMin} cutovers, of which clients have met ${metMin}`, calmMsMax);
    tell(`without faults: ${describeCounts()}\n${describePauses(pauses())}\n${describeCrossings(crossings())}`);
    tell(`refused or unknown without faults: ${describeErrors()}`);
    expect(clientErrors()).toEqual([]);
    const failed = traces.failed.slice(atStart.failed);
    expect([...load.oddities(), ...load.deaths, ...operator.deaths, ...traces.broken, ...failed]).toEqual([]);
  });

  test("while processes die and stop, shards are parted and the catalog is away, moves and load go on", async () => {
    const before = traces.decided().size;
    const random = createRandom(seed);
    const nodes = cluster === null ? null : new NodeFaults(cluster);
    const victims = { shards, edges, nodes, operator, load, random, tell };
    const counts = await breakThings(victims, runsSinceMs + durationMs);
    await untilGrown(answered, 300, "the load goes on");
    await untilGrown(() => traces.decided().size, 20, "ranges go on moving");
    tell(`under faults: ${describeCounts()}`);
    expect(traces.decided().size).toBeGreaterThan(before);
    for (const [name, count] of counts) expect(count, name).toBeGreaterThan(0);
    expect([...operator.deaths, ...traces.broken, ...(nodes?.failures ?? [])]).toEqual([]);
  });

  test("then every move ends, each slot has one owner, and nothing lies where it may not", async () => {
    await operator.stop();
    const ends = await endMoves(catalog);
    tell(`moves that were left ended by themselves: ${ends.byThemselves}, after an abort: ${ends.byAbort}`);
    for (const collection of profile.settings.collections) {
      const doctor = await askOperator(shards.files, "doctor", collection);
      expect(doctor.code, doctor.stdout + doctor.stderr).toBe(0);
      for (const scope of profile.verified[collection] ?? [[]]) {
        const verify = await askOperator(shards.files, "verify", collection, ...scope);
        expect(verify.code, verify.stdout + verify.stderr).toBe(0);
        tell(`verify: ${verify.stdout.trim()}`);
      }
    }
  });

  test("the whole history is that of a register for each key, with a last reading at the owners and over every edge", async () => {
    await load.stop();
    load.files.push(await readOwners(shards));
    if (edges !== null) load.files.push(...(await readOverEdges(shards, edges.access)));
    const verdict = await judgeRun(load, seed);
    tell(`judged\n${verdict.summary}`);
    expect(verdict.failures).toEqual([]);
  });

  test("what the movers did is what the model would have done", () => {
    const { steps, runners, faults } = traces.conformance;
    tell(`${steps} steps of ${runners} runners replayed, ${faults.length} not explained`);
    expect(faults.slice(0, 5)).toEqual([]);
    expect(steps).toBeGreaterThan(0);
  });
});

async function startCluster(): Promise<void> {
  cluster = await FaultyCluster.start({ directory: join(directory, "engines"), onProgress: tell, dynamodb: true });
}

/** Of the engines, as shards reach them; null for embedded files. */
function addresses() {
  if (cluster === null) return null;
  const { contactPoints, datacenter, dynamodb, nodes } = cluster;
  if (dynamodb === null) throw new Error("broken assumption: DynamoDB was asked for");
  const { endpoint, region } = dynamodb;
  return { single: { contactPoints, datacenter }, dynamodb: { endpoint, region }, replicas: nodes.length };
}

function startLoad(): void {
  const { files, origins } = shards;
  const histories = join(directory, "histories");
  mkdirSync(histories);
  load = new Load({
    ...{ seed, origins, configText: files.configText, signingKeys: TEST_SIGNING_KEYS, directory: histories },
    ...{ processes: 3, clientsPerProcess: profile.clients, thinkMs: profile.thinkMs, keyNames },
    ...(edges === null ? {} : { edges: edges.access }),
    program: new URL("load-process.ts", import.meta.url).pathname,
  });
}

/** Since the part without faults began, by label. What the store does by itself counts where there is too much of it. */
function clientErrors(): readonly (readonly [string, number])[] {
  const counts = countsSinceStart();
  const excused = excusedOf(counts);
  return [...counts].filter(([label, count]) => {
    if (label.startsWith("write refused")) return count > excused;
    if (excused > 0 && profile.excuse?.labels.includes(label) === true) return false;
    return count > 0 && /^(refused|unknown|\d{3} |write unknown)/.test(label);
  });
}

function countsSinceStart(): ReadonlyMap<string, number> {
  return new Map([...load.counts()].map(([label, count]) => [label, count - (atStart.counts.get(label) ?? 0)]));
}

function excusedOf(counts: ReadonlyMap<string, number>): number {
  const { excuse } = profile;
  if (excuse === null) return 0;
  const count = excuse.labels.reduce((sum, label) => sum + (counts.get(label) ?? 0), 0);
  return count <= (answered() - atStart.answered) * excuse.partMax ? count : 0;
}

/** Looks once a second: the files of all clients are read for it. An error is enough too: there is nothing more to wait for. */
async function haveMetEnough(): Promise<boolean> {
  await sleep(1000);
  if (clientErrors().length > 0) return true;
  const { cutoversMin, metMin } = profile;
  const { decided, met, crossed } = atStart;
  const isDecided = traces.decided().size - decided >= cutoversMin && done("reported") > 0 && done("wentOn") > 0;
  const isMet = metAndDecided(pauses()).length - met >= metMin;
  return isDecided && isMet && (edges === null || crossings().length - crossed >= metMin);
}

/** Of the clients of real edges. */
function crossings(): readonly Crossing[] {
  const { files } = shards;
  const places = new Map(
    keySetOf(files.configText, keyNames, createRandom(1)).keys.map((key) => [key.path, placeName(key)]),
  );
  return findCrossings({
    histories: load.files.filter((_, number) => roleOf(number, edges?.access ?? null) === "edges"),
    cutovers: traces.cutovers(),
    placeOf: (key) => places.get(key),
  });
}

function describeErrors(): string {
  return `${JSON.stringify(clientErrors())}, by the store itself: ${excusedOf(countsSinceStart())}`;
}

function describeCounts(): string {
  const counts = [...operator.counts()].map(([name, count]) => `${name} ${count}`).join(", ");
  const { length } = metAndDecided(pauses());
  return `${answered()} answered, ${load.count("unknown")} unknown; ${traces.decided().size} cutovers, ${length} of them met by clients; operator: ${counts}`;
}

/** When there is no time for the orderly end too. Shards, clients and operator end with this process by themselves. */
function leaveNothing(): void {
  edges?.abandon();
  cluster?.abandon();
  if (process.env["ZGATE_KEEP_HISTORY"] === "1") console.info(`the run stays in ${directory}`);
  else rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
