// The pauses of cutovers, from both sides, in a few words. Must not judge them.
import type { Crossing } from "./crossings.ts";

/** Cutovers that clients met, by name with the longest request, and those that a runner has decided, with its own pause. */
export interface Pauses {
  readonly met: ReadonlyMap<string, number>;
  readonly decided: ReadonlyMap<string, number | null>;
}

/** Decided cutovers that clients met. */
export function metAndDecided({ met, decided }: Pauses): readonly number[] {
  return [...met].flatMap(([name, tookMs]) => (decided.has(name) ? [tookMs] : []));
}

/** Two lines. */
export function describePauses(pauses: Pauses): string {
  const own = [...pauses.decided.values()].filter((pauseMs) => pauseMs !== null);
  return [
    `  pause as clients met it: ${quantiles(metAndDecided(pauses))}`,
    `  pause from fence to decision: ${quantiles(own)}`,
  ].join("\n");
}

/** One line: cutovers that clients of real edges crossed, and the longest request in the pause of each that had one. */
export function describeCrossings(crossings: readonly Crossing[]): string {
  const pauses = crossings.flatMap(({ tookMs }) => (tookMs === null ? [] : [tookMs]));
  return `  over real edges: ${crossings.length} cutovers crossed; requests in a pause: ${quantiles(pauses)}`;
}

function quantiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${sorted.at(-1) ?? 0} ms (${sorted.length} cutovers)`;
}
