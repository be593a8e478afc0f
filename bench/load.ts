/**
 * Runs of load, one child process each, and sides measured in turns.
 * It must not know what the servers are.
 */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type LoadPlan, type LoadReport, type PlainRequest, parseLoadReport } from "./load-plan.ts";
import type { Sample } from "./measurement.ts";
import type { Processes } from "./processes.ts";

const GENERATOR = fileURLToPath(new URL("./load-process.ts", import.meta.url));

/** What a run may take beyond its warm-up and its window: starting, signing, ending. */
const OVERHEAD_MS_MAX = 60_000;

/** Requests in flight while something is stored or primed. */
const SENDERS = 32;

/** Where generators run and log. */
export interface LoadSite {
  readonly processes: Processes;
  readonly log: string;
}

/** One run. Throws when answers failed: such figures would mean nothing. */
export async function runLoad(site: LoadSite, plan: LoadPlan): Promise<LoadReport> {
  const report = await runCountedLoad(site, plan);
  assertAnswered(report, plan);
  return report;
}

/** One run whose failures are for the caller to judge: they are counted, and only what succeeded counts as a request. */
export async function runCountedLoad(site: LoadSite, plan: LoadPlan): Promise<LoadReport> {
  const child = site.processes.start({ module: GENERATOR, arguments: [], environment: {}, log: site.log });
  const timer = setTimeout(() => child.kill("SIGKILL"), plan.warmUpMs + plan.measureMs + OVERHEAD_MS_MAX);
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`the load generator ended without a report (${signal ?? code}); see ${site.log}`);
  });
  child.send(plan);
  try {
    const report = parseLoadReport((await Promise.race([once(child, "message"), ended]))[0]);
    await ended.catch(() => null);
    return report;
  } finally {
    clearTimeout(timer);
  }
}

function assertAnswered(report: LoadReport, plan: LoadPlan): void {
  const failed = Object.entries(report.failures).map(([status, count]) => `${count} × ${status}`);
  if (failed.length > 0) throw new Error(`answers of ${plan.origin} that were not as expected: ${failed.join(", ")}`);
  if (report.requests === 0) throw new Error(`${plan.origin} answered nothing in time`);
}

/** A report as a sample in requests per second. */
export function throughputOf(report: LoadReport): Sample {
  return {
    value: (report.requests * 1000) / report.windowMs,
    latencyMedianMs: report.latencyMedianMs,
    latencyP99Ms: report.latencyP99Ms,
    serverMicros: report.serverMicros,
    generatorBusy: report.generatorBusy,
  };
}

/** The same, with the failures that `runCountedLoad` has let pass. */
export function countedThroughputOf(report: LoadReport): Sample {
  return { ...throughputOf(report), failures: Object.values(report.failures).reduce((sum, count) => sum + count, 0) };
}

/** One side of a comparison. */
export interface Contender {
  readonly label: string;
  readonly run: () => Promise<Sample>;
}

/** The samples of both sides, taken in turns: what disturbs the machine for a while disturbs both. */
export interface Duel {
  readonly zgate: readonly Sample[];
  readonly bare: readonly Sample[];
}

/** A B A B … `rounds` times. */
export async function takeTurns(
  sides: { readonly zgate: Contender; readonly bare: Contender },
  rounds: number,
  report: (line: string) => void,
): Promise<Duel> {
  const zgate: Sample[] = [];
  const bare: Sample[] = [];
  for (let round = 0; round < rounds; round += 1) {
    zgate.push(await sides.zgate.run());
    bare.push(await sides.bare.run());
    const [ours, theirs] = [zgate[round]?.value ?? 0, bare[round]?.value ?? 0];
    const figures = `${sides.zgate.label} ${ours.toFixed(0)}/s, ${sides.bare.label} ${theirs.toFixed(0)}/s`;
    report(`round ${round + 1} of ${rounds}: ${figures}, ratio ${(ours / theirs).toFixed(2)}`);
  }
  return { zgate, bare };
}

/** Sends each request once, some at a time, outside of any measurement. Throws when one is not answered by 2xx. */
export async function sendOnce(origin: string, requests: readonly PlainRequest[]): Promise<void> {
  const waiting = requests.values();
  const send = async (): Promise<void> => {
    for (const { method, path, headers, body } of waiting) {
      const answer = await fetch(origin + path, { method, headers, ...(body === undefined ? {} : { body }) });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${method} ${origin}${path} was answered with ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
}
