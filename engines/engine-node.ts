/**
 * One engine's process: start it and wait until it serves, end it in every way a fault test wants. It must not know
 * which engine it is; an EngineProgram says that.
 */
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EnginesError } from "./engines-error.ts";
import { type ExitReason, type GuardedProcess, startGuarded } from "./guarded-process.ts";
import { endLeftOver, recordProcess } from "./left-over.ts";
import { lastLines } from "./log-tail.ts";

const POLL_MS = 100;
const START_MS_MAX = 240_000;
const LOG_BYTES_MAX = 16 * 1024 * 1024;

/** What a node runs. */
export interface EngineProgram {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Everything of the node: data, configuration, temporary files. */
  readonly directory: string;
  readonly logFile: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Written before each start: path in the directory and text. */
  readonly files: Readonly<Record<string, string>>;
  /** Resolves to whether it serves now; never rejects. */
  readonly isServing: () => Promise<boolean>;
  /** How long an orderly stop may take before it is cut short. */
  readonly stopMsMax: number;
}

/** One process of an engine. */
export interface EngineNode {
  readonly name: string;
  readonly host: string;
  /** Where clients connect. */
  readonly port: number;
  readonly logFile: string;
  /** Null while it does not run. */
  pid(): number | null;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: the node hangs, its connections stay open. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Starts it again on the same data; resolves when it serves. Throws `EnginesError`. */
  start(): Promise<void>;
  /** In order: what it holds in memory is written; then it ends. */
  stop(): Promise<void>;
}

/** An engine that ended although nobody asked it to. */
export interface EngineDeath {
  readonly name: string;
  readonly reason: string;
}

interface Running {
  readonly process: GuardedProcess;
  readonly exited: Promise<ExitReason>;
  /** Set before the process is made to end, so that its end is no news. */
  isEnding: boolean;
  isServing: boolean;
}

/** The node of a program; it is not started yet. */
export class ProgramNode implements EngineNode {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly logFile: string;
  readonly #program: EngineProgram;
  readonly #onDeath: (death: EngineDeath) => void;
  #running: Running | null = null;
  #starting: Promise<void> | null = null;
  readonly #abandoned = new AbortController();

  constructor(program: EngineProgram, onDeath: (death: EngineDeath) => void) {
    this.name = program.name;
    this.host = program.host;
    this.port = program.port;
    this.logFile = program.logFile;
    this.#program = program;
    this.#onDeath = onDeath;
  }

  pid(): number | null {
    return this.#running?.process.identity.pid ?? null;
  }

  async start(signal?: AbortSignal): Promise<void> {
    if (this.#starting !== null || this.#running !== null) throw new EnginesError(`${this.name} runs already`);
    const { signal: abandoned } = this.#abandoned;
    this.#starting = this.#startOnce(signal === undefined ? abandoned : AbortSignal.any([abandoned, signal]));
    try {
      await this.#starting;
    } finally {
      this.#starting = null;
    }
  }

  /** Ends it at once, also while it is starting; it cannot be started any more. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    await this.#starting?.catch(() => undefined);
    await this.kill();
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  pause(): void {
    this.#running?.process.signal("SIGSTOP");
  }

  resume(): void {
    this.#running?.process.signal("SIGCONT");
  }

  async stop(): Promise<void> {
    this.resume();
    const cutShort = setTimeout(() => void this.#end("SIGKILL"), this.#program.stopMsMax);
    await this.#end("SIGTERM");
    clearTimeout(cutShort);
  }

  async #startOnce(signal: AbortSignal): Promise<void> {
    const program = this.#program;
    await prepare(program);
    signal.throwIfAborted();
    const logStart = statSync(program.logFile, { throwIfNoEntry: false })?.size ?? 0;
    const running = this.#watch(await startGuarded(program));
    recordProcess(program.directory, running.process.identity);
    const fault = await untilServing(program, running, signal);
    if (fault === null) {
      running.isServing = true;
      return;
    }
    await this.#end("SIGKILL");
    signal.throwIfAborted();
    throw new EnginesError(`${this.name} ${fault} (${program.logFile})`, {
      hint: lastLines(program.logFile, logStart) || "it wrote nothing",
    });
  }

  #watch(process: GuardedProcess): Running {
    const exited = process.exited.then((reason) => {
      if (this.#running === running) this.#running = null;
      if (running.isServing && !running.isEnding) this.#onDeath({ name: this.name, reason });
      return reason;
    });
    const running: Running = { process, exited, isEnding: false, isServing: false };
    this.#running = running;
    return running;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    running.isEnding = true;
    running.process.signal(signal);
    await running.exited;
  }
}

/** Null when it serves, else what went wrong. */
async function untilServing(program: EngineProgram, { exited }: Running, signal: AbortSignal): Promise<string | null> {
  const deadline = performance.now() + START_MS_MAX;
  let reason: ExitReason | null = null;
  void exited.then((ended) => {
    reason = ended;
  });
  while (!(await program.isServing())) {
    if (reason !== null) return `ended before it served: ${String(reason)}`;
    if (signal.aborted) return "was not waited for";
    if (performance.now() >= deadline) return `did not serve within ${START_MS_MAX / 1000} s`;
    await Promise.race([sleep(POLL_MS), exited]);
  }
  if (signal.aborted) return "was not waited for";
  // Somebody else may have answered at its address.
  return reason === null ? null : `ended before it served: ${String(reason)}`;
}

async function prepare(program: EngineProgram): Promise<void> {
  await endLeftOver(program.directory);
  // Native libraries are unpacked there, and a killed process leaves them.
  rmSync(join(program.directory, "tmp"), { recursive: true, force: true });
  for (const name of ["tmp", "data", "conf"]) mkdirSync(join(program.directory, name), { recursive: true });
  for (const [name, text] of Object.entries(program.files)) writeFileSync(join(program.directory, name), text);
  const logBytes = statSync(program.logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (logBytes > LOG_BYTES_MAX) renameSync(program.logFile, `${program.logFile}.1`);
}
