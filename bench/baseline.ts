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
  moves: "bench/baseline-moves.json",
};
/** Drawn by benches of a suite, and shown below its table; each has a text for readers who cannot see it. */
const PICTURES: Readonly<Record<SuiteName, Readonly<Record<string, string>>>> = {
  embedded: {},
  cassandra: {},
  moves: {
    "move-half.svg": "Timeline of a move of half of the products under load",
    "move-size.svg": "Pause of a moving slot by the size of the range and of the slot",
  },
};
const DOCUMENTS = "docs";
const DOCUMENT = "docs/performance.md";
const NOT_MEASURED = "Not measured yet.\n";

/** SVG texts by the names of their files. */
export type Pictures = ReadonlyMap<string, string>;

/** What a run of one suite came to. */
export interface SuiteRun {
  readonly suite: SuiteName;
  readonly result: BenchResult;
  readonly pictures: Pictures;
}

/** Keeps a run as the baseline of its suite, its pictures beside the document, and copies its figures into the document. */
export function writeBaseline(root: string, { suite, result, pictures }: SuiteRun): void {
  writeFileSync(join(root, BASELINES[suite]), formatBenchResult(result));
  for (const [name, svg] of pictures) writeFileSync(join(root, DOCUMENTS, name), svg);
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
    const figures = `${figuresIn(join(root, BASELINES[suite]), suite)}${picturesIn(root, suite)}`;
    document = document.replace(block, (_, start: string, end: string) => `${start}${figures}\n${end}`);
  }
  return document;
}

function blockOf(suite: SuiteName): RegExp {
  const name = `figures of ${suite}`;
  return new RegExp(`(<!-- ${name}: written by the bench, do not edit -->\\n)[^]*?(<!-- end of ${name} -->)`);
}

function figuresIn(file: string, suite: SuiteName): string {
  return existsSync(file) ? figuresOf(parseBenchResult(readFileSync(file, "utf8")), suite) : NOT_MEASURED;
}

function picturesIn(root: string, suite: SuiteName): string {
  const there = Object.entries(PICTURES[suite]).filter(([name]) => existsSync(join(root, DOCUMENTS, name)));
  return there.map(([name, text]) => `\n![${text}](${name})\n`).join("");
}

function figuresOf(result: BenchResult, suite: SuiteName): string {
  const { machine, measurements } = result;
  const [headings = [], ...rows] = rowsOf(measurements);
  const table = [headings, headings.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
  const size = `${machine.cores} cores (${machine.processor}), ${(machine.memoryMiB / 1024).toFixed(0)} GiB`;
  const when = `Measured on ${result.date.slice(0, 10)}, load ${machine.load} before`;
  return `${when}: ${size}, ${machine.platform}, Node ${machine.node}; ${howOf(result, suite)}.\n\n${table}\n`;
}

function howOf({ settings }: BenchResult, suite: SuiteName): string {
  const workers = `${settings.workers} workers`;
  if (suite !== "moves") return `${settings.runs} runs of ${settings.seconds} s for each side, in turns, ${workers}`;
  return `${settings.runs} rounds for each side of a comparison, in turns, pauses of ${settings.cutovers} cutovers at least, ${workers}`;
}
