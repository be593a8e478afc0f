/**
 * Tells a process from a later one with the same id, and ends one that is known by both. It must not know what runs.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 25;

/** A process that stays the same for ever, unlike its id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as the system writes it. */
  readonly started: string;
}

/** The process with this id; null when there is none, or it is dead and only not yet collected by its parent. */
export function identify(pid: number): ProcessIdentity | null {
  const started = startOf(pid);
  return started === null ? null : { pid, started };
}

/** Whether exactly this process lives. */
export function isAlive({ pid, started }: ProcessIdentity): boolean {
  return startOf(pid) === started;
}

/** Sends a signal to exactly this process. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // It ended in between.
  }
}

/** Resolves to whether the process was gone within `limitMs`. */
export async function waitUntilGone(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (isAlive(identity)) {
    if (performance.now() >= deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Untrusted value to an identity; null when it is not one. */
export function parseIdentity(value: unknown): ProcessIdentity | null {
  if (typeof value !== "object" || value === null) return null;
  const { pid, started } = value as { readonly [name: string]: unknown };
  return typeof pid === "number" && typeof started === "string" ? { pid, started } : null;
}

function startOf(pid: number): string | null {
  if (process.platform === "linux") return startOnLinux(pid);
  const listed = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
  return listed.status === 0 ? listed.stdout.trim() : null;
}

function startOnLinux(pid: number): string | null {
  try {
    // proc_pid_stat(5): the name in parentheses may hold anything, so fields are counted after the last one.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
