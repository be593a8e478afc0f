/**
 * Stands between an owner and one process of its, so that the process never outlives the owner: it leads their process
 * group and kills the whole group when the channel to the owner breaks. It must not do anything else.
 *
 * Called as `guard.ts COMMAND ARGS...` with an IPC channel. Tells its owner `{type: "started", pid}`, then
 * `{type: "exited", code, signal}` or `{type: "failed", message}`.
 */
import { spawn } from "node:child_process";

const [command = "", ...args] = process.argv.slice(2);

// Asked by the owner alone: a signal to the group must not end the guard before its process.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", endGroup);

const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
child.once("spawn", () => tell({ type: "started", pid: child.pid }));
child.once("error", (error) => tell({ type: "failed", message: error.message }, endGroup));
child.once("exit", (code, signal) => tell({ type: "exited", code, signal }, endGroup));
if (!process.connected) endGroup();

function tell(message: object, done: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, undefined, done);
  else done();
}

/** The last act: kills every process of the group, this one too. SIGKILL also ends a process that is stopped. */
function endGroup(): void {
  process.kill(-process.pid, "SIGKILL");
}
