// Waiting for the load to have met something. Must not wait for time as such where there is a condition.
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;

/** On a machine that is busy with other things as well. */
const WAIT_MS_MAX = 180_000;

/** Looks again and again until it is so; an error with `what` when `waitMsMax` is over. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  waitMsMax = WAIT_MS_MAX,
): Promise<void> {
  const deadlineMs = performance.now() + waitMsMax;
  while (!(await isTrue())) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${waitMsMax} ms in vain: ${what}`);
    await sleep(POLL_MS);
  }
}

/** Until a number has grown by `by`. */
export async function untilGrown(read: () => number, by: number, what: string): Promise<void> {
  const enough = read() + by;
  await until(() => read() >= enough, `${what} (${by} more)`);
}
