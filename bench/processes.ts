/**
 * The processes of a bench run: started here, and none of them outlives it.
 * It must not know what they do; each has an IPC channel and ends by itself when that closes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";

const STOP_MS_MAX = 10_000;
/** Long, for a shard that starts beside a database of three nodes on two cores. */
const READY_MS_MAX = 120_000;

/** What to start. `module` is a file for Node; its standard error goes to `log`. */
export interface ProcessSpec {
  readonly module: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly log: string;
}

/** A process that said it was ready. */
export interface RunningProcess {
  readonly pid: number;
  /** Asks it to end and waits until it has. */
  stop(): Promise<void>;
}

/** All children of this run. */
export class Processes {
  readonly #children = new Set<ChildProcess>();

  /** Starts a process; whoever needs it ready waits for its messages. */
  start(spec: ProcessSpec): ChildProcess {
    const child = fork(spec.module, [...spec.arguments], {
      env: { ...process.env, ...spec.environment },
      execArgv: [],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const log = createWriteStream(spec.log, { flags: "a" });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    this.#children.add(child);
    child.once("exit", () => {
      this.#children.delete(child);
      log.end();
    });
    return child;
  }

  /** Starts a process and waits for its `{type: "ready"}`. */
  async startReady(spec: ProcessSpec): Promise<RunningProcess> {
    const child = this.start(spec);
    await readyMessage(child, spec);
    return { pid: child.pid ?? 0, stop: () => stop(child) };
  }

  /** Ends all of them. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#children].map(stop));
  }
}

async function readyMessage(child: ChildProcess, spec: ProcessSpec): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (reason: string): void => reject(new Error(`${spec.module} ${reason}; see ${spec.log}`));
  const timer = setTimeout(() => fail(`was not ready within ${READY_MS_MAX / 1000} s`), READY_MS_MAX);
  child.once("exit", (code, signal) => fail(`ended before it was ready (${signal ?? code})`));
  child.on("message", (message) => {
    if (hasType(message, "ready")) resolve();
    if (hasType(message, "fatal")) fail(`could not start: ${JSON.stringify(message)}`);
  });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}

function hasType(message: unknown, type: string): boolean {
  return typeof message === "object" && message !== null && "type" in message && message.type === type;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}
