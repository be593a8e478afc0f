/**
 * Medians, percentiles and ratios of samples. It must not know what was measured.
 */

/** The middle of the sorted samples; the mean of the two middle ones when their number is even. NaN for none. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((left, right) => left - right);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The smallest sample that at least `share` (0 to 1) of the samples do not exceed. NaN for none. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((left, right) => left - right);
  const rank = Math.max(1, Math.ceil(sorted.length * share));
  return sorted[rank - 1] ?? Number.NaN;
}

/** Lowest and highest of the samples. */
export interface Spread {
  readonly low: number;
  readonly high: number;
}

/** How far the samples lie apart. */
export function spreadOf(samples: readonly number[]): Spread {
  return { low: Math.min(...samples), high: Math.max(...samples) };
}

/** `value` with `digits` significant digits, so that a stored figure does not claim more than was measured. */
export function rounded(value: number, digits = 4): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
}
