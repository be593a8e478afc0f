/**
 * The edge's log: one JSON line per event on the console, which Cloudflare collects.
 * It must not decide what is worth a line.
 */
import type { Clock, Logger } from "./ports.ts";

/** A logger that writes `time, level, event` and the fields given. */
export function createConsoleLogger(clock: Clock): Logger {
  return {
    write(level, event, fields) {
      console[level](JSON.stringify({ time: new Date(clock.nowMs()).toISOString(), level, event, ...fields }));
    },
  };
}
