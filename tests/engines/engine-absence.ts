// Whether this machine can run the engines of a suite, and what is left out where it cannot. Must not start them.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { EnginesError, requireRunnable } from "../../engines/engines.ts";
import { ARTIFACTS } from "../../engines/settings.ts";

/** Names the file in which the suites of a run note what they leave out; tests/run.ts reads it. */
export const SKIPPED_ENV = "ZGATE_TEST_SKIPPED";

/** Tests that do not run, and why, with what to install. */
export interface Skipped {
  readonly what: string;
  readonly why: string;
}

/** Why not, and what to install, in one line; null when it can. With ZGATE_REQUIRE_ENGINES=1 that is an error. */
export function explainAbsence(wanted: readonly (keyof typeof ARTIFACTS)[] = ["cassandra"]): string | null {
  try {
    requireRunnable(wanted.map((name) => ARTIFACTS[name]));
    return null;
  } catch (error) {
    if (!(error instanceof EnginesError)) throw error;
    if (process.env["ZGATE_REQUIRE_ENGINES"] !== "1") return error.message.replaceAll(/\n\s*/g, "; ");
    throw new EnginesError(`ZGATE_REQUIRE_ENGINES=1, but ${error.message}`, { cause: error });
  }
}

/** Has it said at the end of the run; at once where vitest runs without tests/run.ts. */
export function noteSkipped(skipped: Skipped): void {
  const file = process.env[SKIPPED_ENV];
  if (file === undefined) console.info(describeSkipped([skipped]).join("\n"));
  else appendFileSync(file, `${JSON.stringify(skipped)}\n`);
}

/** All that was noted in the file. */
export function readSkipped(file: string): readonly Skipped[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").trimEnd().split("\n").map(parseSkipped);
}

function parseSkipped(line: string): Skipped {
  return JSON.parse(line) as Skipped;
}

/** A line for each reason, and of those there is hardly ever more than one. */
export function describeSkipped(all: readonly Skipped[]): readonly string[] {
  const reasons = [...new Set(all.map(({ why }) => why))];
  return reasons.map((reason) => {
    const names = new Set(all.filter(({ why }) => why === reason).map(({ what }) => what));
    return `Skipped are ${[...names].join(", ")}: ${reason}`;
  });
}
