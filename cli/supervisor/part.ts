/**
 * One part of an instance: a child process that leads its own process group, its readiness, its end and its log.
 * It must not know what the part does; whoever starts it says how.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, renameSync } from "node:fs";
import { COMPILE_CACHE } from "../compile-cache.ts";
import { isThere } from "../data-directory.ts";
import { endGroup, signalGroup } from "./process-group.ts";

/** How to start a part. `stopMs` bounds its orderly stop. */
export interface PartSpec {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
  readonly stopMs: number;
}

/** What a part tells through its channel before it gives up. */
export interface FatalReport {
  readonly code: string;
  readonly message: string;
}

/** How long the rest of a group may take after its leader is gone. */
const STRAGGLER_MS = 2000;

/** A running part. It is its own group, so that a Ctrl-C at the terminal reaches only the supervisor. */
export class Part {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the part serves. Stays open when it never does. */
  readonly ready: Promise<void>;
  /** Resolves when the part is gone, to a line that says how. Never rejects. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #stopMs: number;

  constructor(spec: PartSpec) {
    this.name = spec.name;
    this.logFile = spec.logFile;
    this.#stopMs = spec.stopMs;
    this.#child = spawnPart(spec);
    this.pid = this.#child.pid ?? 0;
    const { ready, ended } = observe(this.#child);
    this.ready = ready;
    this.ended = ended;
  }

  /** Asks the part to stop, waits, and leaves nothing of it. */
  async stop(): Promise<void> {
    if (this.pid === 0) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => signalGroup(this.pid, "SIGKILL"), this.#stopMs);
    await this.ended;
    clearTimeout(timer);
    await endGroup(this.pid, STRAGGLER_MS);
  }

  /** Ends all of the part at once. */
  kill(): void {
    if (this.pid !== 0) signalGroup(this.pid, "SIGKILL");
  }
}

function spawnPart(spec: PartSpec): ChildProcess {
  const log = openLog(spec.logFile);
  try {
    return spawn(process.execPath, [spec.file, ...spec.args], {
      cwd: spec.cwd,
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...spec.env },
      detached: true,
      stdio: ["ignore", log, log, "ipc"],
    });
  } finally {
    closeSync(log);
  }
}

/** A fresh log; the one of the start before is kept beside it. */
function openLog(path: string): number {
  if (isThere(path)) renameSync(path, `${path}.1`);
  return openSync(path, "a", 0o644);
}

function observe(child: ChildProcess): { readonly ready: Promise<void>; readonly ended: Promise<string> } {
  let fatal: FatalReport | null = null;
  const ready = new Promise<void>((settle) => {
    child.on("message", (message: unknown) => {
      fatal ??= parseFatal(message);
      if (typeof message === "object" && message !== null && "type" in message && message.type === "ready") settle();
    });
  });
  const ended = new Promise<string>((settle) => {
    child.once("error", (error) => settle(error.message));
    child.once("exit", (code, signal) => {
      settle(fatal?.message ?? (signal === null ? `exit code ${code ?? 0}` : `killed by ${signal}`));
    });
  });
  return { ready, ended };
}

/** Untrusted message of a part to its report of what went wrong; null for any other message. */
function parseFatal(message: unknown): FatalReport | null {
  if (typeof message !== "object" || message === null) return null;
  const fields = message as Readonly<Record<string, unknown>>;
  if (fields["type"] !== "fatal") return null;
  return { code: String(fields["code"]), message: String(fields["message"]) };
}
