/**
 * What an import tells people and programs. It must not touch files or the network.
 */
import { clockText, groupDigits, progressBar } from "../progress.ts";
import type { ImportProgress, ImportResult } from "./importer.ts";

const BAR_WIDTH = 24;

/** `[####----] 45 %  51,234 of 113,663 rows  812/s  1:17 left`. The rate counts this run's rows only. */
export function progressText({ rows, answered, startedAt, elapsedMs }: ImportProgress): string {
  const fraction = rows === 0 ? 1 : answered / rows;
  const rate = (answered - startedAt) / Math.max(elapsedMs / 1000, 0.001);
  const left = rate > 0 ? `${clockText((rows - answered) / rate)} left` : "";
  const counts = `${groupDigits(answered)} of ${groupDigits(rows)} rows`;
  return `${progressBar(fraction, BAR_WIDTH)} ${Math.floor(fraction * 100)} %  ${counts}  ${groupDigits(rate)}/s  ${left}`;
}

/** The summary as `--json` prints it. `seconds` and `rowsPerSecond` are of this run. */
export function summaryOf(result: ImportResult, refusedPath: string | null): Readonly<Record<string, unknown>> {
  const seconds = result.elapsedMs / 1000;
  const sent = result.answered - result.startedAt;
  return {
    complete: result.isComplete,
    rows: result.rows,
    answered: result.answered,
    ...result.tally,
    duplicates: result.duplicates,
    resumedAfter: result.startedAt,
    seconds: Math.round(seconds * 1000) / 1000,
    rowsPerSecond: Math.round(sent / Math.max(seconds, 0.001)),
    refusedFile: refusedPath,
  };
}

/** The summary for people. */
export function summaryLines(result: ImportResult, refusedPath: string | null): readonly string[] {
  const { tally, rows, startedAt, answered, duplicates } = result;
  const seconds = result.elapsedMs / 1000;
  const rate = groupDigits((answered - startedAt) / Math.max(seconds, 0.001));
  const counts = `${groupDigits(tally.created)} created, ${groupDigits(tally.replaced)} replaced`;
  const lines = [
    `${groupDigits(answered)} of ${groupDigits(rows)} rows: ${counts}, ${groupDigits(tally.refused)} refused`,
    `${clockText(seconds)}, ${rate} rows/s${startedAt > 0 ? ` (went on after row ${groupDigits(startedAt)})` : ""}`,
  ];
  if (refusedPath !== null) {
    const twice = duplicates > 0 ? ` (${groupDigits(duplicates)} because their key came before)` : "";
    lines.push(`refused rows with reasons${twice}: ${refusedPath}`);
  }
  return lines;
}
