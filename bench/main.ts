/**
 * `npm run bench`: the one place that knows all benches, starts them and keeps their results.
 * It must not measure anything itself, and leaves no process behind.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDocumentCurrent, writeBaseline } from "./baseline.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { edgeHit } from "./benches/edge-hit.ts";
import { edgeMiss, edgeMissCached } from "./benches/edge-miss.ts";
import { groupCommit } from "./benches/group-commit.ts";
import { routing } from "./benches/routing.ts";
import { shardGet } from "./benches/shard-get.ts";
import { describeMachine, isBusy } from "./machine.ts";
import type { Measurement } from "./measurement.ts";
import { type BenchOptions, parseBenchOptions, UsageError } from "./options.ts";
import { Processes } from "./processes.ts";
import { formatTable } from "./report.ts";
import { type BenchResult, formatBenchResult } from "./result.ts";

const BENCHES: readonly Bench[] = [routing, shardGet, groupCommit, edgeMiss, edgeMissCached, edgeHit];
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RESULTS = join(ROOT, "bench/results");
const SCRATCH = join(ROOT, ".zgate");

async function main(options: BenchOptions): Promise<void> {
  if (options.baseline === "check") {
    if (!isDocumentCurrent(ROOT))
      throw new Error("docs/performance.md does not show the figures of bench/baseline.json");
    return;
  }
  const date = new Date().toISOString();
  const machine = describeMachine();
  if (isBusy(machine)) console.error(`the machine is busy (load ${machine.load}): the figures will be rough`);
  const result = { date, machine, settings: options.settings, measurements: await runBenches(options) };
  keepResult(result, options);
  console.log(options.output === "json" ? JSON.stringify(result, null, 2) : `\n${formatTable(result.measurements)}`);
}

async function runBenches(options: BenchOptions): Promise<readonly Measurement[]> {
  mkdirSync(SCRATCH, { recursive: true, mode: 0o700 });
  const directory = mkdtempSync(join(SCRATCH, "bench-"));
  const processes = new Processes();
  endWithSignal(processes, directory);
  const measurements: Measurement[] = [];
  try {
    for (const bench of BENCHES.filter(({ name }) => options.names.length === 0 || options.names.includes(name))) {
      console.error(`${bench.name}: ${bench.about}`);
      measurements.push(...(await bench.run(contextOf(bench, { directory, processes, settings: options.settings }))));
    }
  } finally {
    await processes.stopAll();
  }
  // After a failure the folder stays: it holds the logs that the error names.
  rmSync(directory, { recursive: true, force: true });
  return measurements;
}

function contextOf(bench: Bench, shared: Omit<BenchContext, "log" | "report">): BenchContext {
  const directory = join(shared.directory, bench.name);
  mkdirSync(directory);
  return { ...shared, directory, log: join(directory, "load.log"), report: (line) => console.error(`  ${line}`) };
}

/** Ctrl-C and SIGTERM end the children first. */
function endWithSignal(processes: Processes, directory: string): void {
  const end = (code: number) => (): void => {
    void processes.stopAll().then(() => {
      rmSync(directory, { recursive: true, force: true });
      process.exit(code);
    });
  };
  process.once("SIGINT", end(130));
  process.once("SIGTERM", end(143));
}

function keepResult(result: BenchResult, options: BenchOptions): void {
  mkdirSync(RESULTS, { recursive: true });
  const file = join(RESULTS, `${result.date.replaceAll(":", "-")}.json`);
  writeFileSync(file, formatBenchResult(result));
  if (options.baseline === "keep") writeBaseline(ROOT, result);
}

try {
  const names = BENCHES.map((bench) => bench.name);
  await main(parseBenchOptions(process.argv.slice(2), names));
} catch (error) {
  if (error instanceof UsageError) {
    console[error.exitCode === 0 ? "log" : "error"](error.message);
    process.exitCode = error.exitCode;
  } else {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
