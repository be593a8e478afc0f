/**
 * Stands between `up` and wrangler so that wrangler and its workerd processes never outlive `up`: it leads their
 * process group, stops wrangler when asked or when the channel to `up` breaks, and then ends the whole group.
 * It must not do anything else: it has to survive until its group is gone.
 *
 * Called as `edge-guard.ts ENV_FILE COMMAND ARGS...`; the secrets in ENV_FILE are removed when it ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";

/** After SIGTERM wrangler needs about two seconds; SIGKILL would leave its workerd processes behind. */
const WRANGLER_STOP_MS = 6000;

/** What wrangler logs when workerd dies. It starts another one, which may hang; to us the edge is dead then. */
const RUNTIME_CRASHED = "The Workers runtime crashed";

const [envFile = "", command = "", ...args] = process.argv.slice(2);
let isStopping = false;

const wrangler = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
passOn(wrangler);
wrangler.once("error", (error) => die("EDGE_START_FAILED", error.message));
wrangler.once("exit", (code, signal) => {
  if (isStopping) endGroup();
  else die("EDGE_EXITED", `wrangler: ${signal === null ? `exit code ${code ?? 0}` : `killed by ${signal}`}`);
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stop);
process.on("disconnect", stop);
if (!process.connected) stop();

/** Copies wrangler's output to the log and watches it. The log may be gone or full; that must not end the guard. */
function passOn(child: ChildProcess): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      process.stderr.write(text);
      if (!isStopping && text.includes(RUNTIME_CRASHED)) die("EDGE_CRASHED", "workerd crashed");
    });
  }
}

function stop(): void {
  if (isStopping) return;
  isStopping = true;
  wrangler.kill("SIGTERM");
  setTimeout(endGroup, WRANGLER_STOP_MS);
}

function die(code: string, message: string): void {
  if (isStopping) return;
  const isGone = wrangler.exitCode !== null || wrangler.signalCode !== null || wrangler.pid === undefined;
  stop();
  tell({ type: "fatal", code, message }, () => {
    if (isGone) endGroup();
  });
}

function tell(message: object, done: () => void): void {
  if (process.connected) process.send?.(message, undefined, undefined, done);
  else done();
}

/** The last act: kills every process of the group, this one too. Nothing is left in it that would need more time. */
function endGroup(): void {
  rmSync(envFile, { force: true });
  process.kill(-process.pid, "SIGKILL");
}
