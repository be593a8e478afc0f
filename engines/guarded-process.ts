/**
 * Processes that end with their owner, however it ends: each runs under a guard (guard.ts). It must not know what runs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { EnginesError } from "./engines-error.ts";
import { identify, type ProcessIdentity, signalProcess, waitUntilGone } from "./process-identity.ts";

const GUARD = join(import.meta.dirname, "guard.ts");
const GONE_MS_MAX = 10_000;

/** What to run. */
export interface GuardedCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Working directory; what the program drops lands there. */
  readonly directory: string;
  /** Output is appended to it. */
  readonly logFile: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/** How a process ended, in words: "exit code 3", "killed by SIGKILL". */
export type ExitReason = string;

/** A running process and its end. */
export interface GuardedProcess {
  readonly identity: ProcessIdentity;
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<ExitReason>;
  signal(signal: NodeJS.Signals): void;
}

/** Starts a command under a guard. Throws `EnginesError` when it cannot be run. */
export async function startGuarded(command: GuardedCommand): Promise<GuardedProcess> {
  const log = openSync(command.logFile, "a");
  const guard = spawn(process.execPath, [GUARD, command.command, ...command.args], {
    cwd: command.directory,
    env: command.environment ?? process.env,
    // A group and a session of its own: Ctrl-C in the owner's terminal is for the owner to act on.
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  const { pid, exit } = await started(guard, command.command);
  const identity = identify(pid) ?? { pid, started: "" };
  return {
    identity,
    exited: exit.then((reason) => gone(identity, reason)),
    signal: (signal) => signalProcess(identity, signal),
  };
}

interface Started {
  readonly pid: number;
  readonly exit: Promise<ExitReason>;
}

function started(guard: ChildProcess, command: string): Promise<Started> {
  return new Promise((settle, fail) => {
    const exit = new Promise<ExitReason>((end) => {
      guard.on("message", (message) => {
        const event = parseEvent(message);
        if (event.type === "started") settle({ pid: event.pid, exit });
        if (event.type === "failed") fail(new EnginesError(`cannot run ${command}: ${event.message}`));
        if (event.type === "exited") end(event.reason);
      });
      guard.once("exit", () => {
        end("its guard was killed");
        fail(new EnginesError(`cannot run ${command}: the guard ended at once`));
      });
    });
    guard.once("error", (error) => fail(new EnginesError(`cannot run ${process.execPath}: ${error.message}`)));
  });
}

/** Without its guard nobody else ends the process. */
async function gone(identity: ProcessIdentity, reason: ExitReason): Promise<ExitReason> {
  signalProcess(identity, "SIGKILL");
  await waitUntilGone(identity, GONE_MS_MAX);
  return reason;
}

type GuardEvent =
  | { readonly type: "started"; readonly pid: number }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "exited"; readonly reason: ExitReason };

function parseEvent(message: unknown): GuardEvent {
  const { type, ...fields } = message as { readonly type: string; readonly [name: string]: unknown };
  if (type === "started") return { type, pid: Number(fields["pid"]) };
  if (type === "failed") return { type, message: String(fields["message"]) };
  const { code, signal } = fields;
  return { type: "exited", reason: typeof signal === "string" ? `killed by ${signal}` : `exit code ${String(code)}` };
}
