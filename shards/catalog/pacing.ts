/**
 * Time and chance for what has to wait and try again, so that tests can replace them.
 * It must not decide how long to wait.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

/** Time in milliseconds from any fixed point, and chance. `sleep` of 0 only lets the event loop turn. */
export interface Pacing {
  now(): number;
  random(): number;
  sleep(ms: number): Promise<void>;
}

/** The real ones. */
export const SYSTEM_PACING: Pacing = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms) => (ms === 0 ? nextTurn() : sleep(ms)),
};
