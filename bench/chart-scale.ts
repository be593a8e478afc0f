/**
 * Scales of a chart's axes: where a value lies, and which values are written at the axis. It must not draw.
 */

/** An axis from 0 (its beginning) to 1. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** About so many ticks on a linear axis. */
const TICKS = 5;
const ROUND_STEPS = [1, 2, 5, 10];

/** A linear scale from 0, or one of whole powers of ten, that holds all values. */
export function scaleOf(kind: "linear" | "log", values: readonly number[]): Scale {
  return kind === "linear" ? linearScale(values) : logScale(values);
}

function linearScale(values: readonly number[]): Scale {
  const highest = Math.max(...values, Number.MIN_VALUE);
  const power = 10 ** Math.floor(Math.log10(highest / TICKS));
  const step = power * (ROUND_STEPS.find((round) => round * power * TICKS >= highest) ?? 10);
  const steps = Math.ceil(highest / step);
  const ticks = Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
  return { at: (value) => value / (steps * step), ticks };
}

function logScale(values: readonly number[]): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => Number((10 ** (low + index)).toPrecision(12)));
  return { at: (value) => (Math.log10(value) - low) / (high - low), ticks };
}

/** A tick as it is written: thousands in groups. */
export function tickText(value: number): string {
  const [whole = "", part] = String(value).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part === undefined ? grouped : `${grouped}.${part}`;
}
