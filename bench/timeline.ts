/**
 * Requests second by second, for a picture of a run. It must not know what happened in it.
 */
import { percentile } from "./statistics.ts";

/** A request that has ended. Milliseconds from any point. */
export interface TimedRequest {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** One second of a run: what ended in it. `second` counts from the beginning; the latency is null when nothing ended. */
export interface Second {
  readonly second: number;
  readonly requests: number;
  readonly latencyP99Ms: number | null;
}

/** The whole seconds from `fromMs` to `toMs`. */
export function secondsOf(
  requests: readonly TimedRequest[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): readonly Second[] {
  const latencies = Array.from({ length: Math.max(0, Math.floor((toMs - fromMs) / 1000)) }, (): number[] => []);
  for (const { startedAtMs, endedAtMs } of requests) {
    latencies[Math.floor((endedAtMs - fromMs) / 1000)]?.push(endedAtMs - startedAtMs);
  }
  return latencies.map((ofSecond, second) => ({
    second,
    requests: ofSecond.length,
    latencyP99Ms: ofSecond.length === 0 ? null : percentile(ofSecond, 0.99),
  }));
}
