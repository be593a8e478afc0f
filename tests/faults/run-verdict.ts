/**
 * The end of a run: the whole history checked, and everything counted, for people and for the test.
 * It must not call a run good that did not do what it was for.
 */
import { checkHistory } from "../history/check-history.ts";
import { readHistory } from "../history/history-file.ts";
import type { Operation } from "../history/operation.ts";
import { describeViolation } from "../history/violation-text.ts";
import type { Load } from "./load.ts";

const SHOWN_MAX = 5;

/** What came of a run. `failures` empty: the history is right. */
export interface RunVerdict {
  readonly operations: number;
  readonly failures: readonly string[];
  readonly summary: string;
}

/** Judges a load that has ended. */
export async function judgeRun(load: Load, seed: number): Promise<RunVerdict> {
  const operations = readHistory(load.files);
  const startedMs = performance.now();
  const verdict = await checkHistory(operations);
  const tookMs = Math.round(performance.now() - startedMs);
  const failures = [
    ...verdict.violations.slice(0, SHOWN_MAX).map(describeViolation),
    ...verdict.tooComplex.map((key) => `${key}: too complex to be judged`),
    ...verdict.mixedUp.slice(0, SHOWN_MAX).map(({ id, key }) => `${key}: ${id} found the content of another write`),
    ...[...new Set(load.oddities())],
    ...load.deaths,
  ];
  const largest = Math.max(0, ...verdict.keys.map((key) => key.operations));
  const summary = [
    `seed ${seed}: ${operations.length} looks and writes on ${verdict.keys.length} keys (at most ${largest} on one) checked in ${tookMs} ms`,
    `  violations: ${verdict.violations.length}, too complex: ${verdict.tooComplex.length}`,
    ...[...load.counts()].map(([label, count]) => `  ${label}: ${count}`).sort((a, b) => (a < b ? -1 : 1)),
  ].join("\n");
  return { operations: countRequests(operations), failures, summary };
}

/** A list is one request, whatever it shows. */
function countRequests(operations: readonly Operation[]): number {
  return new Set(operations.map(({ id }) => id.split(" ")[0])).size;
}
