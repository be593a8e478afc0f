/**
 * `npm run faults -- --operations N --seed S --minutes M`: the fault suite alone, as long and as random as asked for.
 * It must not decide anything about the run but its sizes.
 */
import { parseArgs } from "node:util";
import { callProgram, startTests } from "../start-tests.ts";
import { RUN_ENV } from "./run-options.ts";

const USAGE = `Usage: npm run faults -- [--operations N] [--seed S] [--minutes M] [vitest's arguments]

  --operations N   answered operations at least (20000)
  --seed S         repeats the choices of an earlier run (printed by each)
  --minutes M      a run that takes longer has failed (30)`;

const WHOLE = /^\d{1,10}$/;

function readArguments(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      operations: { type: "string" },
      seed: { type: "string" },
      minutes: { type: "string" },
      help: { type: "boolean" },
    },
  });
}

function environmentOf(values: Readonly<Record<string, string | boolean | undefined>>): Record<string, string> {
  const chosen = Object.entries(RUN_ENV).flatMap(([name, variable]) => {
    const value = values[name];
    if (value === undefined) return [];
    if (typeof value === "string" && WHOLE.test(value)) return [[variable, value]];
    throw new Error(`--${name}: expected a whole number, got "${String(value)}"`);
  });
  return Object.fromEntries(chosen);
}

function run(args: readonly string[]): void {
  const { values, positionals } = readArguments(args);
  if (values.help === true) {
    console.log(USAGE);
    return;
  }
  const chosen = positionals.length > 0 ? positionals : ["--project", "faults"];
  startTests(chosen, environmentOf(values));
}

callProgram(run, USAGE);
