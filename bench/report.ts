/**
 * Measurements as a table for people. It must not decide whether a target is reached.
 */
import type { Measurement, Side, Target } from "./measurement.ts";

const HEADINGS = ["measured", "zgate", "bare", "result", "spread", "target", "verdict"] as const;

/** One row per measurement, as cells: what the terminal and the document both show. */
export function rowsOf(measurements: readonly Measurement[]): readonly (readonly string[])[] {
  return [HEADINGS, ...measurements.map(rowOf)];
}

/** The rows in columns. */
export function formatTable(measurements: readonly Measurement[]): string {
  const rows = rowsOf(measurements);
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function rowOf(measurement: Measurement): readonly string[] {
  const { name, unit, zgate, bare, value, spread, target } = measurement;
  const result = bare === null ? `${figure(value)} ${unit}` : value.toFixed(2);
  const range =
    bare === null ? [figure(spread.low), figure(spread.high)] : [spread.low.toFixed(2), spread.high.toFixed(2)];
  const sides = bare === null ? ["", ""] : [sideText(zgate, unit), sideText(bare, unit)];
  return [name, ...sides, result, range.join("–"), targetText(target), verdictText(measurement)];
}

function sideText(side: Side, unit: string): string {
  const cost = side.serverMicros === null ? "" : `, ${side.serverMicros.toFixed(0)} µs`;
  const failed = side.failures === undefined ? "" : `, ${side.failures} failed`;
  return `${figure(side.median)} ${unit}${cost}${failed}`;
}

function targetText(target: Target | null): string {
  if (target === null) return "–";
  return `${target.relation === "at least" ? "≥" : "≤"} ${target.bound}`;
}

function verdictText({ reached }: Measurement): string {
  if (reached === null) return "for information";
  return reached ? "reached" : "NOT REACHED";
}

/** A figure as people read it: thousands in groups, small ones with two decimals. */
function figure(value: number): string {
  if (value < 100) return value.toFixed(2);
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}
