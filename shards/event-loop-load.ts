/**
 * How late this process gets to its work: the delay of its event loop.
 * It must not decide what follows from that.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { LoadGauge } from "./mover/courtesy.ts";

/** How often the loop is probed, and for how long a reading is used, in milliseconds. */
const PROBE_MS = 10;
const READING_MS = 100;

const NANOSECONDS = 1e6;

/** Begins to measure, for as long as the process lives. */
export function measureEventLoop(): LoadGauge {
  const histogram = monitorEventLoopDelay({ resolution: PROBE_MS });
  histogram.enable();
  let delayMs = 0;
  let readAtMs = performance.now();
  return {
    delayMs() {
      if (performance.now() - readAtMs < READING_MS) return delayMs;
      readAtMs = performance.now();
      // What is recorded is the time between two probes. Without a single one, nobody knows.
      delayMs = histogram.count === 0 ? 0 : Math.max(0, histogram.percentile(90) / NANOSECONDS - PROBE_MS);
      histogram.reset();
      return delayMs;
    },
  };
}
