/**
 * Starts some of the tests as a program of its own, as the suites do that can also be run alone and longer.
 * It must not know their options.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";

const TESTS = join(import.meta.dirname, "run.ts");

/** Runs the program with the command line's arguments; what it throws is explained, with how to call it. */
export function callProgram(run: (args: readonly string[]) => void, usage: string): void {
  try {
    run(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(usage);
    process.exitCode = 2;
  }
}

/** Runs the tests that `args` choose; the process ends as they do, and Ctrl-C reaches them. */
export function startTests(args: readonly string[], environment: Readonly<Record<string, string>>): void {
  const child = spawn(process.execPath, [TESTS, ...args], {
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // A terminal sends it to the child as well, which then cleans up.
    process.on(signal, () => !process.stdin.isTTY && child.kill(signal));
  }
  child.once("exit", (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}
