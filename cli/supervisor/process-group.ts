/**
 * Groups of processes: signal one, see whether it is empty, tell a process from a later one with the same id.
 * It must not know what the processes do.
 */
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { readIfThere } from "../data-directory.ts";
import { errorCode } from "../failure.ts";

const POLL_MS = 25;

/** Sends a signal to every process of the group; nothing happens when the group is empty. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

/** Waits until `condition` holds, at most `limitMs`. Resolves to whether it came to hold. */
export async function waitFor(condition: () => boolean, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() >= deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Asks the group to end, gives it `graceMs`, then kills what is left of it. */
export async function endGroup(group: number, graceMs: number): Promise<void> {
  signalGroup(group, "SIGTERM");
  if (await waitFor(() => !signalGroup(group, 0), graceMs)) return;
  signalGroup(group, "SIGKILL");
  await waitFor(() => !signalGroup(group, 0), graceMs);
}

/** The parent of a process; null when it cannot be told. */
export function parentOf(pid: number): number | null {
  const listed = spawnSync("ps", ["-o", "ppid=", "-p", String(pid)], { encoding: "utf8" });
  const parent = Number.parseInt(listed.stdout ?? "", 10);
  return Number.isNaN(parent) ? null : parent;
}

/** Whether there is a process with this id. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

/**
 * A text that is the same as long as `pid` is the same process: when it started. Null when there is none, or when
 * it is dead and only not yet collected by its parent.
 */
export function identityOf(pid: number): string | null {
  if (process.platform === "linux") {
    // proc_pid_stat(5): the name in parentheses may hold anything, so fields are counted after the last one.
    const fields = readIfThere(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /s, "")
      .split(" ");
    return fields === undefined || fields[0] === "Z" ? null : (fields[19] ?? null);
  }
  const listed = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
  return listed.status === 0 ? listed.stdout.trim() : null;
}
