/**
 * `npm run bench`: the one place that knows all benches, starts them and keeps their results.
 * It must not measure anything itself, and leaves no process behind.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDocumentCurrent, type Pictures, writeBaseline } from "./baseline.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { cassandraGet } from "./benches/cassandra-get.ts";
import { cassandraHotRead } from "./benches/cassandra-hot-read.ts";
import { cassandraHotSlot } from "./benches/cassandra-hot-slot.ts";
import { cassandraList } from "./benches/cassandra-list.ts";
import { cassandraMissing } from "./benches/cassandra-missing.ts";
import { cassandraPut } from "./benches/cassandra-put.ts";
import { catalogPublish } from "./benches/catalog-publish.ts";
import { edgeHit } from "./benches/edge-hit.ts";
import { edgeMiss, edgeMissCached } from "./benches/edge-miss.ts";
import { groupCommit } from "./benches/group-commit.ts";
import { moveEta } from "./benches/move-eta.ts";
import { moveHalf } from "./benches/move-half.ts";
import { moveNeighbours } from "./benches/move-neighbours.ts";
import { movePause } from "./benches/move-pause.ts";
import { movePauseCassandra } from "./benches/move-pause-cassandra.ts";
import { moveRate } from "./benches/move-rate.ts";
import { moveRateCassandra } from "./benches/move-rate-cassandra.ts";
import { moveSize } from "./benches/move-size.ts";
import { routing } from "./benches/routing.ts";
import { shardGet } from "./benches/shard-get.ts";
import { Databases } from "./databases.ts";
import { describeMachine, isBusy } from "./machine.ts";
import type { Measurement } from "./measurement.ts";
import { type BenchOptions, parseBenchOptions, UsageError } from "./options.ts";
import { Processes } from "./processes.ts";
import { formatTable } from "./report.ts";
import { type BenchResult, formatBenchResult } from "./result.ts";
import type { SuiteName } from "./suite.ts";

const SUITES: Readonly<Record<SuiteName, readonly Bench[]>> = {
  embedded: [routing, shardGet, groupCommit, edgeMiss, edgeMissCached, edgeHit],
  cassandra: [
    cassandraGet,
    cassandraMissing,
    cassandraPut,
    cassandraHotSlot,
    cassandraHotRead,
    cassandraList,
    catalogPublish,
  ],
  moves: [moveRate, movePause, moveNeighbours, moveSize, moveHalf, moveEta, moveRateCassandra, movePauseCassandra],
};
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RESULTS = join(ROOT, "bench/results");
const SCRATCH = join(ROOT, ".zgate");

async function main(options: BenchOptions): Promise<void> {
  if (options.baseline.kind === "check") {
    if (!isDocumentCurrent(ROOT))
      throw new Error("docs/performance.md does not show the figures of bench/baseline*.json");
    return;
  }
  const date = new Date().toISOString();
  const machine = describeMachine();
  if (isBusy(machine)) console.error(`the machine is busy (load ${machine.load}): the figures will be rough`);
  const pictures = new Map<string, string>();
  const result = { date, machine, settings: options.settings, measurements: await runBenches(options, pictures) };
  keepResult(result, pictures, options);
  console.log(options.output === "json" ? JSON.stringify(result, null, 2) : `\n${formatTable(result.measurements)}`);
}

async function runBenches(options: BenchOptions, pictures: Map<string, string>): Promise<readonly Measurement[]> {
  mkdirSync(SCRATCH, { recursive: true, mode: 0o700 });
  const directory = mkdtempSync(join(SCRATCH, "bench-"));
  const databases = new Databases(join(directory, "databases"), report);
  const draw = (name: string, svg: string): void => void pictures.set(`${name}.svg`, svg);
  const { settings, productsFile } = options;
  const run = { directory, processes: new Processes(), databases, settings, productsFile, draw };
  endWithSignal(run);
  const measurements: Measurement[] = [];
  try {
    for (const bench of Object.values(SUITES).flat()) {
      if (!options.names.includes(bench.name)) continue;
      console.error(`${bench.name}: ${bench.about}`);
      measurements.push(...(await bench.run(contextOf(bench, run))));
    }
  } finally {
    await stopAll(run);
  }
  // After a failure the folder stays: it holds the logs that the error names.
  rmSync(directory, { recursive: true, force: true });
  return measurements;
}

/** What all benches of a run share. */
type Run = Omit<BenchContext, "log" | "report">;

function contextOf(bench: Bench, run: Run): BenchContext {
  const directory = join(run.directory, bench.name);
  mkdirSync(directory);
  return { ...run, directory, log: join(directory, "load.log"), report };
}

function report(line: string): void {
  console.error(`  ${line}`);
}

/** The processes first: they use the databases. */
async function stopAll({ processes, databases }: Run): Promise<void> {
  await processes.stopAll();
  await databases.close();
}

/** Ctrl-C and SIGTERM end the children first. */
function endWithSignal(run: Run): void {
  const end = (code: number) => (): void => {
    void stopAll(run).finally(() => {
      rmSync(run.directory, { recursive: true, force: true });
      process.exit(code);
    });
  };
  process.once("SIGINT", end(130));
  process.once("SIGTERM", end(143));
}

function keepResult(result: BenchResult, pictures: Pictures, options: BenchOptions): void {
  mkdirSync(RESULTS, { recursive: true });
  const file = join(RESULTS, `${result.date.replaceAll(":", "-")}.json`);
  writeFileSync(file, formatBenchResult(result));
  for (const [name, svg] of pictures) writeFileSync(join(RESULTS, name), svg);
  if (options.baseline.kind === "keep") writeBaseline(ROOT, { suite: options.baseline.suite, result, pictures });
}

try {
  const namesOf = (suite: SuiteName) => SUITES[suite].map((bench) => bench.name);
  const known = { embedded: namesOf("embedded"), cassandra: namesOf("cassandra"), moves: namesOf("moves") };
  await main(parseBenchOptions(process.argv.slice(2), known));
} catch (error) {
  if (error instanceof UsageError) {
    console[error.exitCode === 0 ? "log" : "error"](error.message);
    process.exitCode = error.exitCode;
  } else {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
