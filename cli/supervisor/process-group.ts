/**
 * Groups of processes: signal one, see whether it is empty.
 * It must not know what the processes do.
 */
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
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
