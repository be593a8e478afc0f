/**
 * The result of a whole run, as it is kept in bench/results/ and bench/baseline.json.
 * It must not hold anything that was not measured in that run, or that tells where it ran.
 */
import type { Settings } from "./bench.ts";
import type { Machine } from "./machine.ts";
import type { Measurement } from "./measurement.ts";

/** One run: when, where, how, what. */
export interface BenchResult {
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly machine: Machine;
  readonly settings: Settings;
  readonly measurements: readonly Measurement[];
}

/** A kept result. */
export function parseBenchResult(text: string): BenchResult {
  return JSON.parse(text) as BenchResult;
}

const NUMBERS = /\[\s+(-?\d[^[\]{}"]*?)\s+\]/g;

/** As it is kept: indented, the runs of a side in one line, as the project's formatter writes it. */
export function formatBenchResult(result: BenchResult): string {
  const text = JSON.stringify(result, null, 2);
  return `${text.replace(NUMBERS, (_, numbers: string) => `[${numbers.split(/,\s*/).join(", ")}]`)}\n`;
}
