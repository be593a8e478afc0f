/**
 * The committed result: bench/baseline.json, and the figures in docs/performance.md that are copied from it.
 * It must not invent or round anything beyond what the table shows.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rowsOf } from "./report.ts";
import { type BenchResult, formatBenchResult, parseBenchResult } from "./result.ts";

const BASELINE = "bench/baseline.json";
const DOCUMENT = "docs/performance.md";
const BLOCK = /(<!-- figures: written by the bench, do not edit -->\n)[^]*?(<!-- end of figures -->)/;

/** Keeps `result` as the baseline and copies its figures into the document. */
export function writeBaseline(root: string, result: BenchResult): void {
  writeFileSync(join(root, BASELINE), formatBenchResult(result));
  writeFileSync(join(root, DOCUMENT), documentWithFigures(root));
}

/** Whether the document's figures are those of the baseline. */
export function isDocumentCurrent(root: string): boolean {
  return readFileSync(join(root, DOCUMENT), "utf8") === documentWithFigures(root);
}

function documentWithFigures(root: string): string {
  const result = parseBenchResult(readFileSync(join(root, BASELINE), "utf8"));
  const document = readFileSync(join(root, DOCUMENT), "utf8");
  if (!BLOCK.test(document)) throw new Error(`${DOCUMENT} has no place for the figures`);
  return document.replace(BLOCK, (_, start: string, end: string) => `${start}${figuresOf(result)}\n${end}`);
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
