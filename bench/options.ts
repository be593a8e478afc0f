/**
 * The command line of the bench. It must not start anything.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { Settings } from "./bench.ts";

const HELP = `Usage: npm run bench [-- NAME... --seconds N --runs N --workers N --port N --json --baseline]

Measures zgate against bare counterparts on this machine, in turns, and prints the ratios of the medians.

  NAME         run only these benches (default: all)
  --seconds N  length of one run (default: 2)
  --runs N     runs of each side (default: 7)
  --workers N  worker processes of a shard (default: the number of cores)
  --port N     first of ten ports that the servers take (default: 9060)
  --json       print JSON instead of the table
  --baseline   keep the result as bench/baseline.json and in docs/performance.md
  --check      measure nothing; fail when docs/performance.md does not show the figures of bench/baseline.json
  --help       print this

Every result is also written to bench/results/. A target that is not reached is marked, but is no failure:
the exit code is 0 when everything could be measured, 1 when not, 2 for a wrong option.

Examples:
  npm run bench
  npm run bench -- routing shard-get --seconds 5
`;

/** What was asked for. `names` empty means every bench. */
export interface BenchOptions {
  readonly settings: Settings;
  readonly names: readonly string[];
  readonly output: "table" | "json";
  /** What happens besides: keep the result as the baseline, or only look whether the document agrees with it. */
  readonly baseline: "leave" | "keep" | "check";
}

/** A command line that cannot be followed, or one that asks for help; the message is what to print. */
export class UsageError extends Error {
  readonly exitCode: 0 | 2;

  constructor(message: string, exitCode: 0 | 2) {
    super(message);
    this.name = "UsageError";
    this.exitCode = exitCode;
  }
}

/** Arguments after the script's name. Throws `UsageError`. */
export function parseBenchOptions(args: readonly string[], known: readonly string[]): BenchOptions {
  const { values, positionals } = readArguments(args);
  if (values.help) throw new UsageError(HELP, 0);
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new UsageError(`no bench "${unknown.join('", "')}"; there are ${known.join(", ")}`, 2);
  const settings = {
    seconds: parseNumber("--seconds", values.seconds, { low: 1, high: 60 }),
    runs: parseNumber("--runs", values.runs, { low: 1, high: 50 }),
    workers: parseNumber("--workers", values.workers, { low: 1, high: 256 }),
    firstPort: parseNumber("--port", values.port, { low: 1024, high: 65_525 }),
  };
  if (values.baseline && positionals.length > 0) throw new UsageError("--baseline takes all benches, so name none", 2);
  const baseline = values.check ? "check" : values.baseline ? "keep" : "leave";
  return { settings, names: positionals, output: values.json ? "json" : "table", baseline };
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: { type: "string", default: "2" },
        runs: { type: "string", default: "7" },
        workers: { type: "string", default: String(availableParallelism()) },
        port: { type: "string", default: "9060" },
        json: { type: "boolean", default: false },
        baseline: { type: "boolean", default: false },
        check: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`, 2);
  }
}

function parseNumber(option: string, text: string, limits: { readonly low: number; readonly high: number }): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= limits.low && value <= limits.high) return value;
  throw new UsageError(`${option}: expected a whole number from ${limits.low} to ${limits.high}, got "${text}"`, 2);
}
