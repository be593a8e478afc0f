/**
 * The load generator: a process of its own, so that it shares an event loop with nothing that is measured.
 * It must not judge the figures; it sends one report and ends.
 */
import autocannon from "autocannon";
import { type LoadPlan, type LoadReport, parseLoadPlan, type Traffic } from "./load-plan.ts";
import { spentMicros } from "./process-tree.ts";
import { signedClientWrites, signedWrites } from "./signed-request.ts";
import { dealt } from "./spread.ts";
import { percentile } from "./statistics.ts";

const SAMPLE_MS = 100;
const ANSWER_SECONDS_MAX = 10;

type RequestList = readonly autocannon.Request[];

/** Figures taken at one moment; the window is the difference of two. */
interface Moment {
  readonly atMs: number;
  readonly serverMicros: number | null;
  readonly generatorMicros: number;
}

function momentOf(plan: LoadPlan): Moment {
  const { user, system } = process.cpuUsage();
  return { atMs: performance.now(), serverMicros: spentMicros(plan.serverPids), generatorMicros: user + system };
}

/** One list for each connection. */
function listsOf(traffic: Traffic, connections: number): readonly RequestList[] {
  const numbers = Array.from({ length: connections }, (_, number) => number);
  if (traffic.kind === "cycle") {
    const list = traffic.requests.map(toRequest);
    return numbers.map((number) => rotated(list, Math.floor((list.length * number) / connections)));
  }
  if (traffic.kind === "dealt") return dealt(traffic.requests.map(toRequest), connections);
  if (traffic.kind === "client-writes") return signedClientWrites(traffic).map((list) => list.map(toRequest));
  const all = traffic.kind === "once" ? traffic.requests.map(toRequest) : signedWrites(traffic).map(toRequest);
  const length = Math.floor(all.length / connections);
  return numbers.map((number) => all.slice(number * length, (number + 1) * length));
}

function isRepeated({ kind }: Traffic): boolean {
  return kind === "cycle" || kind === "dealt";
}

function toRequest({
  body,
  ...request
}: { readonly body?: string } & Omit<autocannon.Request, "body">): autocannon.Request {
  return body === undefined ? request : { ...request, body: Buffer.from(body) };
}

function rotated(list: RequestList, by: number): RequestList {
  return [...list.slice(by), ...list.slice(0, by)];
}

function optionsOf(plan: LoadPlan): autocannon.Options {
  const lists = listsOf(plan.traffic, plan.connections);
  let next = 0;
  return {
    url: plan.origin,
    connections: plan.connections,
    duration: (plan.warmUpMs + plan.measureMs) / 1000 + 5,
    sampleInt: SAMPLE_MS,
    timeout: ANSWER_SECONDS_MAX,
    ...(isRepeated(plan.traffic) ? {} : { maxConnectionRequests: lists[0]?.length ?? 0 }),
    setupClient(client) {
      client.setRequests(lists[next++ % lists.length] ?? []);
    },
  };
}

async function run(plan: LoadPlan): Promise<LoadReport> {
  const latenciesMs: number[] = [];
  let opened: Moment | null = null;
  let closed: Moment | null = null;
  const instance = autocannon(optionsOf(plan));
  instance.on("response", (_client, status, _bytes, milliseconds) => {
    if (opened !== null && closed === null && isExpected(plan, status)) latenciesMs.push(milliseconds);
  });
  instance.once("reqError", (error) => console.error(`first request without an answer: ${error.message}`));
  const opening = setTimeout(() => {
    opened = momentOf(plan);
  }, plan.warmUpMs);
  const closing = setTimeout(() => {
    closed = momentOf(plan);
    instance.stop();
  }, plan.warmUpMs + plan.measureMs);
  const result = await instance;
  clearTimeout(opening);
  clearTimeout(closing);
  if (opened === null) throw new Error("the requests were used up before the warm-up was over");
  return reportOf(latenciesMs, { opened, closed: closed ?? momentOf(plan), failures: failuresOf(plan, result) });
}

function isExpected({ expectedStatus }: LoadPlan, status: number): boolean {
  return expectedStatus === undefined ? status >= 200 && status < 300 : status === expectedStatus;
}

interface Window {
  readonly opened: Moment;
  readonly closed: Moment;
  readonly failures: LoadReport["failures"];
}

function reportOf(latenciesMs: readonly number[], { opened, closed, failures }: Window): LoadReport {
  const requests = latenciesMs.length;
  const windowMs = closed.atMs - opened.atMs;
  const spent =
    closed.serverMicros === null || opened.serverMicros === null ? null : closed.serverMicros - opened.serverMicros;
  return {
    requests,
    windowMs,
    latencyMedianMs: percentile(latenciesMs, 0.5),
    latencyP99Ms: percentile(latenciesMs, 0.99),
    serverMicros: spent === null ? null : spent / requests,
    generatorBusy: (closed.generatorMicros - opened.generatorMicros) / 1000 / windowMs,
    failures,
  };
}

function failuresOf(plan: LoadPlan, result: autocannon.Result): LoadReport["failures"] {
  const statuses = Object.entries(result.statusCodeStats).filter(([status]) => !isExpected(plan, Number(status)));
  const failures = Object.fromEntries(statuses.map(([status, { count }]) => [status, count]));
  return result.errors > 0 ? { ...failures, error: result.errors } : failures;
}

process.once("disconnect", () => process.exit(1));
// The bench decides when a run ends; a Ctrl-C reaches the whole group.
process.once("SIGINT", () => process.exit(130));
process.once("message", (message) => {
  run(parseLoadPlan(message)).then(
    (report) => process.send?.(report, () => process.disconnect()),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
