/**
 * Start of the `zgate` command: the one place where it meets the process. It must not hold logic; the commands do.
 */
import { useCompileCache } from "./compile-cache.ts";

useCompileCache();
// Loaded only now, so that they come out of the cache.
const [{ runProgram }, { createTerminal }] = await Promise.all([import("./program.ts"), import("./terminal.ts")]);

const terminal = createTerminal({ stdout: process.stdout, stderr: process.stderr, env: process.env });
const exitCode = await runProgram(process.argv.slice(2), { terminal, env: process.env });
// Not left to the empty event loop: a connection that closes slowly must not hold a command that is done.
process.stdout.write("", () => process.exit(exitCode));
