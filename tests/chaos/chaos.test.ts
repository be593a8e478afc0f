/**
 * Ranges moved back and forth under load between real shards: first without a fault, which no client may notice by an error, then while
 * everything is killed, stopped and parted. One history over both, checked in the end; what the movers say is held against the model.
 * It must not wait for luck: each fault comes at least once.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Catalog } from "../../shards/catalog/port.ts";
import { TEST_SIGNING_KEYS } from "../e2e/shard-process.ts";
import { cleanUpAtLast } from "../faults/last-resort.ts";
import { Load } from "../faults/load.ts";
import { until, untilGrown } from "../faults/patience.ts";
import { judgeRun } from "../faults/run-verdict.ts";
import { createRandom } from "../history/random.ts";
import { askOperator, endMoves, readEverything } from "./aftermath.ts";
import { CHAOS_KEYS } from "./chaos-config.ts";
import { ChaosShards } from "./chaos-shards.ts";
import { cutoverFileOf, readCutovers } from "./cutover-file.ts";
import { breakThings } from "./faults.ts";
import { OperatorCrew } from "./operator-crew.ts";
import { describePauses, metAndDecided } from "./pauses.ts";
import { readChaosOptions } from "./run-options.ts";
import { TraceLog } from "./trace-log.ts";

const { seed, minutes } = readChaosOptions(process.env);
console.info(`chaos with moves: ZGATE_SEED=${seed}, ${minutes} minutes`);

/** Cutovers without a fault that clients have to meet, and the part of the time that is without faults. */
const CUTOVERS_MIN = 200;
const CALM_PART = 0.4;
const CALM_MS_MAX = 300_000;

/** So that clients leave the machine some time for the moves: without it each of them takes a processor's whole attention. */
const THINK_MS = 15;

const durationMs = minutes * 60_000;
const directory = mkdtempSync(join(tmpdir(), "zgate-chaos-"));
const startedMs = performance.now();
const traces = new TraceLog();
let shards: ChaosShards;
let load: Load;
let operator: OperatorCrew;
let catalog: Catalog;

const answered = (): number => load.answered();
const pauses = () => ({ met: readCutovers(load.files.map(cutoverFileOf)), decided: traces.decided() });

function tell(text: string): void {
  console.info(`${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

beforeAll(async () => {
  cleanUpAtLast(leaveNothing);
  const histories = join(directory, "histories");
  mkdirSync(histories);
  shards = await ChaosShards.start(join(directory, "shards"), (line) => traces.take(line));
  const { files, origins } = shards;
  load = new Load({
    ...{ seed, origins, configText: files.configText, signingKeys: TEST_SIGNING_KEYS, directory: histories },
    ...{ processes: 3, clientsPerProcess: 6, thinkMs: THINK_MS, keyNames: CHAOS_KEYS },
    program: new URL("load-process.ts", import.meta.url).pathname,
  });
  await untilGrown(answered, 300, "the load is running");
  const { configFile, catalogFile } = files;
  operator = new OperatorCrew({ seed, configFile, catalogFile, signingKeys: TEST_SIGNING_KEYS });
  catalog = await files.openCatalog();
  tell(`the load is running: ${answered()} answered`);
});

afterAll(async () => {
  operator?.destroy();
  load?.destroy();
  await catalog?.close();
  await shards?.destroy();
  leaveNothing();
});

test("without faults ranges move, and no client is refused, or left without an answer", async () => {
  await sleep(durationMs * CALM_PART);
  await until(haveMetEnough, `clients have met ${CUTOVERS_MIN} cutovers`, CALM_MS_MAX);
  tell(`without faults: ${describeCounts()}\n${describePauses(pauses())}`);
  const failures = [...load.counts()].filter(([label]) =>
    /^(refused|unknown|\d{3} |write refused|write unknown)/.test(label),
  );
  expect(failures).toEqual([]);
  expect([...load.oddities(), ...load.deaths, ...operator.deaths, ...traces.broken, ...traces.failed]).toEqual([]);
});

test("while processes die and stop, shards are parted and the catalog is away, moves and load go on", async () => {
  const before = traces.decided().size;
  const random = createRandom(seed);
  const counts = await breakThings({ shards, operator, load, random, tell }, startedMs + durationMs);
  await untilGrown(answered, 300, "the load goes on");
  await untilGrown(() => traces.decided().size, 20, "ranges go on moving");
  tell(`under faults: ${describeCounts()}`);
  expect(traces.decided().size).toBeGreaterThan(before);
  for (const [name, count] of counts) expect(count, name).toBeGreaterThan(0);
  expect([...operator.deaths, ...traces.broken]).toEqual([]);
});

test("then every move ends, each slot has one owner, and nothing lies where it may not", async () => {
  await operator.stop();
  const ends = await endMoves(catalog);
  tell(`moves that were left ended by themselves: ${ends.byThemselves}, after an abort: ${ends.byAbort}`);
  for (const collection of Object.keys(CHAOS_KEYS)) {
    const doctor = await askOperator(shards.files, "doctor", collection);
    expect(doctor.code, doctor.stdout + doctor.stderr).toBe(0);
    const verify = await askOperator(shards.files, "verify", collection);
    expect(verify.code, verify.stdout + verify.stderr).toBe(0);
    tell(`verify: ${verify.stdout.trim()}`);
  }
});

test("the whole history is that of a register for each key, with a last reading at the owners", async () => {
  await load.stop();
  load.files.push(await readEverything(shards));
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

/** Looks once a second: the files of all clients are read for it. */
async function haveMetEnough(): Promise<boolean> {
  await sleep(1000);
  return metAndDecided(pauses()).length >= CUTOVERS_MIN;
}

function describeCounts(): string {
  const counts = [...operator.counts()].map(([name, count]) => `${name} ${count}`).join(", ");
  const { length } = metAndDecided(pauses());
  return `${answered()} answered, ${load.count("unknown")} unknown; ${traces.decided().size} cutovers, ${length} of them met by clients; operator: ${counts}`;
}

/** When there is no time for the orderly end too. Shards, clients and operator end with this process by themselves. */
function leaveNothing(): void {
  if (process.env["ZGATE_KEEP_HISTORY"] === "1") console.info(`the run stays in ${directory}`);
  else rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
