/**
 * Time as the shard's code sees it: what waits or dates something takes this instead of the globals.
 * It must not be used for durations that have to survive a change of the system's clock.
 */
import { setTimeout as delay } from "node:timers/promises";

/** Tells and spends time. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Resolves after so many milliseconds. */
  sleep(durationMs: number): Promise<void>;
}

/** The machine's own time. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (durationMs) => delay(durationMs),
};
