/**
 * `npm run chaos -- --minutes M --seed S`: the chaos run alone, as long as asked for.
 * It must not decide anything about the run but its sizes.
 */
import { parseArgs } from "node:util";
import { startTests } from "../start-tests.ts";
import { CHAOS_ENV } from "./run-options.ts";

const USAGE = `Usage: npm run chaos -- [--minutes M] [--seed S]

  --minutes M   moves and faults for so long (1.5)
  --seed S      repeats the choices of an earlier run (printed by each)`;

const NUMBER = /^\d{1,10}(\.\d{1,3})?$/;

function environmentOf(values: Readonly<Record<string, string | boolean | undefined>>): Record<string, string> {
  const chosen = Object.entries(CHAOS_ENV).flatMap(([name, variable]) => {
    const value = values[name];
    if (value === undefined) return [];
    if (typeof value === "string" && NUMBER.test(value)) return [[variable, value]];
    throw new Error(`--${name}: expected a number, got "${String(value)}"`);
  });
  return Object.fromEntries(chosen);
}

function run(args: readonly string[]): void {
  const options = { minutes: { type: "string" }, seed: { type: "string" }, help: { type: "boolean" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  if (values.help === true) {
    console.log(USAGE);
    return;
  }
  startTests(["--project", "chaos"], environmentOf(values));
}

try {
  run(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(USAGE);
  process.exitCode = 2;
}
