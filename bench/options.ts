/**
 * The command line of the bench. It must not start anything.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { Settings } from "./bench.ts";
import { parseSuiteName, SUITE_NAMES, type SuiteName } from "./suite.ts";

const HELP = `Usage: npm run bench [-- NAME... --seconds N --runs N --workers N --port N --json --baseline ...]

Measures zgate against bare counterparts on this machine, in turns, and prints the ratios of the medians.

  NAME         run only these benches, or all of a suite: "embedded" (default), which needs nothing; "cassandra", which
               starts three Cassandra nodes and DynamoDB Local (Java and Maven; some 3 GB of memory); or "moves", ranges
               that go from shard to shard, at last on three Cassandra nodes too
  --seconds N  length of one run (default: 2)
  --runs N     runs of each side (default: 7)
  --workers N  worker processes of a shard (default: the number of cores)
  --port N     first of ten ports that the servers take (default: 9060)
  --products FILE  move these products (tab-separated values, also with gzip) instead of the shipped sample's
  --cutovers N     least number of cutovers behind a figure about pauses (default: 200)
  --rows-max N     rows of the largest range that move-size moves (default: 1000000)
  --json       print JSON instead of the table
  --baseline   keep the result in docs/performance.md and as bench/baseline.json, or baseline-cassandra.json or
               baseline-moves.json beside it, and pictures in docs/
  --check      measure nothing; fail when docs/performance.md does not show the figures of those files
  --help       print this

Set ZGATE_CASSANDRA_3 (host:port of a cluster of three nodes) and ZGATE_DYNAMODB (an URL) to use servers that run already.
Every result is also written to bench/results/. A target that is not reached is marked, but is no failure:
the exit code is 0 when everything could be measured, 1 when not, 2 for a wrong option.

Examples:
  npm run bench
  npm run bench -- routing shard-get --seconds 5
  npm run bench -- cassandra --baseline
  npm run bench -- moves --products products.tsv.gz
  npm run bench -- move-pause move-size --runs 2 --cutovers 20 --rows-max 10000
`;

/** What was asked for. */
export interface BenchOptions {
  readonly settings: Settings;
  /** Of benches. */
  readonly names: readonly string[];
  /** Null for the sample. */
  readonly productsFile: string | null;
  readonly output: "table" | "json";
  /** What happens besides: keep the result as the suite's baseline, or only look whether the document agrees with them. */
  readonly baseline: { readonly kind: "leave" | "check" } | { readonly kind: "keep"; readonly suite: SuiteName };
}

/** The names of each suite's benches. */
export type KnownBenches = Readonly<Record<SuiteName, readonly string[]>>;

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
export function parseBenchOptions(args: readonly string[], known: KnownBenches): BenchOptions {
  const { values, positionals } = readArguments(args);
  if (values.help) throw new UsageError(HELP, 0);
  const settings = {
    seconds: parseNumber("--seconds", values.seconds, { low: 1, high: 60 }),
    runs: parseNumber("--runs", values.runs, { low: 1, high: 50 }),
    workers: parseNumber("--workers", values.workers, { low: 1, high: 256 }),
    firstPort: parseNumber("--port", values.port, { low: 1024, high: 65_525 }),
    cutovers: parseNumber("--cutovers", values.cutovers, { low: 1, high: 100_000 }),
    rowsMax: parseNumber("--rows-max", values["rows-max"], { low: 100, high: 1_000_000 }),
  };
  const names = positionals.length === 0 ? known.embedded : positionals.flatMap((name) => namesOf(name, known));
  const productsFile = values.products ?? null;
  const output = values.json ? "json" : "table";
  return { settings, names, productsFile, output, baseline: baselineOf(values, positionals) };
}

function namesOf(name: string, known: KnownBenches): readonly string[] {
  const suite = parseSuiteName(name);
  if (suite !== null) return known[suite];
  const all = Object.values(known).flat();
  if (all.includes(name)) return [name];
  throw new UsageError(`no bench "${name}"; there are ${all.join(", ")}, and the suites ${SUITE_NAMES.join(", ")}`, 2);
}

function baselineOf(
  values: { readonly baseline: boolean; readonly check: boolean },
  positionals: readonly string[],
): BenchOptions["baseline"] {
  if (values.check) return { kind: "check" };
  if (!values.baseline) return { kind: "leave" };
  const suite = parseSuiteName(positionals[0] ?? "embedded");
  if (suite === null || positionals.length > 1) {
    throw new UsageError(`--baseline takes all benches of one suite: name ${SUITE_NAMES.join(", ")}, or none`, 2);
  }
  return { kind: "keep", suite };
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
        products: { type: "string" },
        cutovers: { type: "string", default: "200" },
        "rows-max": { type: "string", default: "1000000" },
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
  const value = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= limits.low && value <= limits.high) return value;
  throw new UsageError(`${option}: expected a whole number from ${limits.low} to ${limits.high}, got "${text}"`, 2);
}
