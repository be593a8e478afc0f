/**
 * The bare driver in as many processes as a shard has workers: started once, so that it is as warm as the shard that it is
 * compared with. It must not know what is read or written.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchContext } from "./bench.ts";
import {
  type DriverAnswer,
  type DriverOrder,
  type DriverPlace,
  type DriverPlan,
  type DriverReport,
  parseDriverAnswer,
} from "./driver-plan.ts";
import type { LoadReport } from "./load-plan.ts";
import { percentile } from "./statistics.ts";

const DRIVER = fileURLToPath(new URL("./bare/cassandra-driver.ts", import.meta.url));

/** What a process may take beyond the time of its run. The driver waits 12 s for an answer, and tries others. */
const OVERHEAD_MS_MAX = 60_000;

/** Processes that are connected. */
export interface DriverCrew {
  /** Shares the clients out evenly; the report is that of all processes together. */
  run(plan: DriverPlan): Promise<LoadReport>;
  stop(): Promise<void>;
}

/** Starts `workers` processes and connects them. */
export async function startDriverCrew(context: BenchContext, place: DriverPlace): Promise<DriverCrew> {
  const log = join(context.directory, "driver.log");
  const spec = { module: DRIVER, arguments: [], environment: {}, log };
  const children = Array.from({ length: context.settings.workers }, () => context.processes.start(spec));
  await Promise.all(children.map((child) => ask(child, { type: "connect", place }, OVERHEAD_MS_MAX)));
  return {
    run: async (plan) => {
      const timeoutMs = plan.warmUpMs + plan.measureMs + OVERHEAD_MS_MAX;
      const reports = children.map(async (child, number) => {
        const clients = plan.clients.filter((_, index) => index % children.length === number);
        return reportOf(await ask(child, { type: "run", plan: { ...plan, clients } }, timeoutMs));
      });
      return summedUp(await Promise.all(reports));
    },
    stop: async () => {
      await Promise.all(children.map(stop));
    },
  };
}

async function ask(child: ChildProcess, order: DriverOrder, timeoutMs: number): Promise<DriverAnswer> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(timeoutMs)]);
  const ended = once(child, "exit", { signal }).then(([code, cause]) => {
    throw new Error(`a bare driver ended (${cause ?? code})`);
  });
  try {
    const answered = once(child, "message", { signal });
    child.send(order);
    const answer = parseDriverAnswer((await Promise.race([answered, ended]))[0]);
    if (answer.type === "failed") throw new Error(`the bare driver: ${answer.message}`);
    return answer;
  } finally {
    over.abort();
    await ended.catch(() => null);
  }
}

function reportOf(answer: DriverAnswer): DriverReport {
  if (answer.type === "report") return answer.report;
  throw new Error("a bare driver gave no report");
}

function summedUp(reports: readonly DriverReport[]): LoadReport {
  const latenciesMs = reports.flatMap((report) => report.latenciesMs);
  const requests = latenciesMs.length;
  const failures: Record<string, number> = {};
  for (const [name, count] of reports.flatMap((report) => Object.entries(report.failures))) {
    failures[name] = (failures[name] ?? 0) + count;
  }
  const spentMicros = reports.reduce((sum, report) => sum + report.spentMicros, 0);
  const windowMs = Math.max(...reports.map((report) => report.windowMs));
  return {
    requests,
    windowMs,
    latencyMedianMs: percentile(latenciesMs, 0.5),
    latencyP99Ms: percentile(latenciesMs, 0.99),
    serverMicros: requests === 0 ? null : spentMicros / requests,
    // What makes the requests is what is measured.
    generatorBusy: spentMicros / 1000 / windowMs / reports.length,
    failures,
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}
