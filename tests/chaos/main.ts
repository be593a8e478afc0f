/**
 * `npm run chaos -- --minutes M --seed S`: the chaos run alone, as long as asked for.
 * It must not decide anything about the run but its sizes.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
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
  const tests = join(import.meta.dirname, "..", "run.ts");
  const child = spawn(process.execPath, [tests, "--project", "chaos"], {
    stdio: "inherit",
    env: { ...process.env, ...environmentOf(values) },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // A terminal sends it to the child as well, which then cleans up.
    process.on(signal, () => !process.stdin.isTTY && child.kill(signal));
  }
  child.once("exit", (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

try {
  run(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(USAGE);
  process.exitCode = 2;
}
