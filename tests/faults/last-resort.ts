// What a fault test owes the machine when it does not get to its end: Ctrl-C, a crash of the runner, a kill of it.
// Must not replace the orderly end; what runs here cannot wait.

/** Runs `cleanUp` (synchronous) when this process ends, and ends it when whoever runs the tests is gone or asks for it. */
export function cleanUpAtLast(cleanUp: () => void): void {
  process.once("exit", cleanUp);
  // A runner that was killed cannot tell its test processes; left alone they would wait for their phases.
  process.once("disconnect", () => process.exit(1));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
}
