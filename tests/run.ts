// Runs the tests, repeats at the end what was left out for want of engines and what failed, and closes with the line `N passed, N failed, N skipped`, whatever happens.
// Arguments go to vitest; without any, everything runs in stages, and the coverage thresholds hold.
// It must not decide what a test is: vitest.config.ts does.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { describeSkipped, readSkipped, SKIPPED_ENV, type Skipped } from "./engines/engine-absence.ts";
import type { Counts, Summary } from "./summary-reporter.ts";

const NO_TESTS: Counts = { passed: 0, failed: 0, skipped: 0 };
const NOTHING_RAN: Summary = { counts: NO_TESTS, failures: [] };
const root = join(import.meta.dirname, "..");

/**
 * Everything, one vitest after the other: the database servers of one stage would take memory and time from the next.
 * What router/ is covered by lies in the first; the second would take twice as long if it were counted too.
 * The fault suite and the chaos run come last, because they take a machine for themselves.
 */
const STAGES: readonly (readonly string[])[] = [
  ["--coverage", ...projects("unit", "contract", "worker")],
  projects("model", "sim", "e2e"),
  projects("engines", "e2e-engines"),
  projects("crash", "faults"),
  projects("chaos", "chaos-cassandra"),
];

process.exitCode = await runTests(process.argv.slice(2));

function projects(...names: readonly string[]): readonly string[] {
  return names.flatMap((name) => ["--project", name]);
}

interface StageResult extends Summary {
  readonly exitCode: number;
  readonly skipped: readonly Skipped[];
}

async function runTests(args: readonly string[]): Promise<number> {
  let counts = NO_TESTS;
  const failures: string[] = [];
  const skipped: Skipped[] = [];
  let exitCode = 0;
  for (const stage of args.length === 0 ? STAGES : [args]) {
    const result = await runStage(stage);
    counts = sumOf(counts, result.counts);
    failures.push(...result.failures);
    skipped.push(...result.skipped);
    exitCode = exitCode === 0 ? result.exitCode : exitCode;
    // Killed from outside: what follows is not wanted either.
    if (result.exitCode > 128) break;
  }
  for (const line of describeSkipped(skipped)) console.log(`\n${line}`);
  if (failures.length > 0) console.log(`\nWhat failed:\n${failures.map((failure) => `- ${failure}`).join("\n")}\n`);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return exitCode === 0 && counts.failed > 0 ? 1 : exitCode;
}

async function runStage(args: readonly string[]): Promise<StageResult> {
  const directory = mkdtempSync(join(tmpdir(), "zgate-tests-"));
  const files = { summary: join(directory, "summary.json"), skipped: join(directory, "skipped.ndjson") };
  try {
    const exitCode = await runVitest(args, files);
    const skipped = readSkipped(files.skipped);
    return { ...judge(readSummary(files.summary), exitCode, args), exitCode, skipped };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function sumOf(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

/** A run in which no test ran, or which failed beside its tests (coverage, a crash), has one more failure. */
function judge({ counts, failures }: Summary, exitCode: number, args: readonly string[]): Summary {
  const ranNothing = counts.passed + counts.failed + counts.skipped === 0;
  const failedBesideTests = exitCode !== 0 && counts.failed === 0;
  if (!ranNothing && !failedBesideTests) return { counts, failures };
  const what = ranNothing ? "no test ran" : "something beside the tests failed";
  return {
    counts: { ...counts, failed: counts.failed + 1 },
    failures: [...failures, `vitest ${args.join(" ")}\n    ${what} (exit code ${exitCode})`],
  };
}

function readSummary(file: string): Summary {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Summary;
  } catch {
    return NOTHING_RAN;
  }
}

/** What a stage leaves behind. */
interface StageFiles {
  readonly summary: string;
  readonly skipped: string;
}

/** Resolves to the exit code once vitest and its output have ended. */
function runVitest(args: readonly string[], files: StageFiles): Promise<number> {
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", ...args], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      ZGATE_TEST_SUMMARY: files.summary,
      [SKIPPED_ENV]: files.skipped,
      // The local Workers runtime asks nobody anything.
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_SEND_ERROR_REPORTS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
    },
  });
  const stopForwarding = forwardSignals((signal) => child.kill(signal));
  return new Promise((settle, fail) => {
    child.once("error", fail);
    child.once("close", (code, signal) => {
      stopForwarding();
      settle(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

function forwardSignals(pass: (signal: NodeJS.Signals) => void): () => void {
  // A terminal sends Ctrl-C to the child as well; vitest takes a second one for "at once".
  const onInterrupt = (): void => {
    if (!process.stdin.isTTY) pass("SIGINT");
  };
  process.on("SIGINT", onInterrupt).on("SIGTERM", pass).on("SIGHUP", pass);
  return () => process.off("SIGINT", onInterrupt).off("SIGTERM", pass).off("SIGHUP", pass);
}
