/**
 * The committed results: one file for each suite, and the figures in docs/performance.md that are copied from them.
 * It must not invent or round anything beyond what the table shows.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rowsOf } from "./report.ts";
import { type BenchResult, formatBenchResult, parseBenchResult } from "./result.ts";
import { SUITE_NAMES, type SuiteName } from "./suite.ts";

const BASELINES: Readonly<Record<SuiteName, string>> = {
  embedded: "bench/baseline.json",
  cassandra: "bench/baseline-cassandra.json",
};
const DOCUMENT = "docs/performance.md";
const NOT_MEASURED = "Not measured yet.\n";

/** Keeps `result` as the baseline of its suite and copies its figures into the document. */
export function writeBaseline(root: string, suite: SuiteName, result: BenchResult): void {
  writeFileSync(join(root, BASELINES[suite]), formatBenchResult(result));
  writeFileSync(join(root, DOCUMENT), documentWithFigures(root));
}

/** Whether the document's figures are those of the baselines. */
export function isDocumentCurrent(root: string): boolean {
  return readFileSync(join(root, DOCUMENT), "utf8") === documentWithFigures(root);
}

function documentWithFigures(root: string): string {
  let document = readFileSync(join(root, DOCUMENT), "utf8");
  for (const suite of SUITE_NAMES) {
    const block = blockOf(suite);
    if (!block.test(document)) throw new Error(`${DOCUMENT} has no place for the figures of ${suite}`);
    const figures = figuresIn(join(root, BASELINES[suite]));
    document = document.replace(block, (_, start: string, end: string) => `${start}${figures}\n${end}`);
  }
  return document;
}

function blockOf(suite: SuiteName): RegExp {
  const name = `figures of ${suite}`;
  return new RegExp(`(<!-- ${name}: written by the bench, do not edit -->\\n)[^]*?(<!-- end of ${name} -->)`);
}

function figuresIn(file: string): string {
  return existsSync(file) ? figuresOf(parseBenchResult(readFileSync(file, "utf8"))) : NOT_MEASURED;
}

function figuresOf(result: BenchResult): string {
  const { machine, settings, measurements } = result;
  const [headings = [], ...rows] = rowsOf(measurements);
  const table = [headings, headings.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
  const size = `${machine.cores} cores (${machine.processor}), ${(machine.memoryMiB / 1024).toFixed(0)} GiB`;
  const when = `Measured on ${result.date.slice(0, 10)}, load ${machine.load} before`;
  const how = `${settings.runs} runs of ${settings.seconds} s for each side, in turns, ${settings.workers} workers`;
  return `${when}: ${size}, ${machine.platform}, Node ${machine.node}; ${how}.\n\n${table}\n`;
}
