/**
 * What a bench hands back: samples of one or two sides, their medians, and whether the target is reached.
 * It must not measure or print.
 */
import { median, percentile, rounded, type Spread, spreadOf } from "./statistics.ts";

/** One timed run of one side. Figures that a platform cannot give are null. */
export interface Sample {
  /** In the measurement's unit. */
  readonly value: number;
  readonly latencyMedianMs: number | null;
  readonly latencyP99Ms: number | null;
  /** Processor time that the measured servers spent, in microseconds per request. */
  readonly serverMicros: number | null;
  /** Part of one core that the load generator was busy: near 1 it is the bottleneck, not the servers. */
  readonly generatorBusy: number | null;
  /** Requests of the run that failed, where they are counted; elsewhere one failure ends the bench. */
  readonly failures?: number;
}

/** The runs of one side, summed up by medians. */
export interface Side {
  readonly label: string;
  readonly runs: readonly number[];
  readonly median: number;
  readonly latencyMedianMs: number | null;
  readonly latencyP99Ms: number | null;
  readonly serverMicros: number | null;
  readonly generatorBusy: number | null;
  /** Of all runs together, where they are counted. */
  readonly failures?: number;
}

/** What the design asks for. */
export interface Target {
  readonly relation: "at least" | "at most";
  readonly bound: number;
}

/**
 * One figure. With a `bare` side, `value` is the ratio of the two medians; without, the median itself.
 * `target` null: reported for what it says, nothing is demanded of it.
 */
export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly zgate: Side;
  readonly bare: Side | null;
  readonly value: number;
  /** Spread of the ratio run by run, or of the runs themselves. */
  readonly spread: Spread;
  readonly target: Target | null;
  readonly reached: boolean | null;
}

/** What is being measured, before it was. */
export interface Subject {
  readonly name: string;
  readonly unit: string;
  readonly target: Target | null;
}

/** Sums up the runs of one side. */
export function sideOf(label: string, samples: readonly Sample[]): Side {
  return {
    label,
    runs: samples.map((sample) => rounded(sample.value)),
    median: rounded(median(samples.map((sample) => sample.value))),
    latencyMedianMs: medianOrNull(samples.map((sample) => sample.latencyMedianMs)),
    latencyP99Ms: medianOrNull(samples.map((sample) => sample.latencyP99Ms)),
    serverMicros: medianOrNull(samples.map((sample) => sample.serverMicros)),
    generatorBusy: medianOrNull(samples.map((sample) => sample.generatorBusy)),
    ...failuresOf(samples),
  };
}

function failuresOf(samples: readonly Sample[]): Pick<Side, "failures"> {
  const counts = samples.map(({ failures }) => failures).filter((count) => count !== undefined);
  return counts.length === 0 ? {} : { failures: counts.reduce((sum, count) => sum + count, 0) };
}

function medianOrNull(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null);
  return present.length === 0 ? null : rounded(median(present));
}

/** A measurement of one side alone. */
export function absolute(subject: Subject, zgate: Side): Measurement {
  const value = zgate.median;
  return { ...subject, zgate, bare: null, value, spread: spreadOf(zgate.runs), reached: isReached(subject, value) };
}

/** A figure that counts over all runs, such as failures: one of them is not to hide behind the median. */
export function total(subject: Subject, zgate: Side): Measurement {
  const value = zgate.runs.reduce((sum, run) => sum + run, 0);
  return { ...subject, zgate, bare: null, value, spread: spreadOf(zgate.runs), reached: isReached(subject, value) };
}

/** Several samples in each run, of which a share (0 to 1) is not to exceed the figure. */
export interface PooledRuns {
  readonly label: string;
  readonly runs: readonly (readonly number[])[];
  readonly share: number;
  /** Of requests in all runs. */
  readonly failures: number;
}

/**
 * A percentile of the samples of all runs together: there may be too few of them in one run. The spread is that of the runs by
 * themselves.
 */
export function pooled(subject: Subject, { label, runs, share, failures }: PooledRuns): Measurement {
  const value = rounded(percentile(runs.flat(), share));
  const each = runs.filter((run) => run.length > 0).map((run) => rounded(percentile(run, share)));
  const nothing = { latencyMedianMs: null, latencyP99Ms: null, serverMicros: null, generatorBusy: null };
  const zgate = { label, runs: each, median: value, ...nothing, failures };
  return { ...subject, zgate, bare: null, value, spread: spreadOf(each), reached: isReached(subject, value) };
}

/** A measurement against a bare counterpart that ran in turns with it. */
export function ratio(subject: Subject, zgate: Side, bare: Side): Measurement {
  const value = rounded(zgate.median / bare.median);
  const pairs = zgate.runs.map((run, index) => rounded(run / (bare.runs[index] ?? Number.NaN)));
  return { ...subject, zgate, bare, value, spread: spreadOf(pairs), reached: isReached(subject, value) };
}

function isReached({ target }: Subject, value: number): boolean | null {
  if (target === null) return null;
  return target.relation === "at least" ? value >= target.bound : value <= target.bound;
}
