/**
 * The clients of a move bench: a process of its own, so that it shares an event loop with nothing that is measured.
 * It must not judge the figures; it sends one report and ends.
 */
import { parseConfig } from "../config/config.ts";
import { EdgeMaps } from "../tests/chaos/edge-maps.ts";
import { createEdgeWay } from "../tests/chaos/edge-way.ts";
import { ShardWire } from "../tests/faults/shard-wire.ts";
import { createRequestSigner } from "../tests/faults/signed-request.ts";
import { createRandom } from "../tests/history/random.ts";
import { WARM_UP_MS } from "./bench.ts";
import { cutoversOf } from "./cutovers.ts";
import { epochMs, type GoodRequest, runMoveClient } from "./move-client.ts";
import {
  type LoadWindow,
  type MoveLoadAnswer,
  type MoveLoadPlan,
  type MoveLoadReport,
  parseMoveLoadOrder,
  type WindowReport,
} from "./move-load-plan.ts";
import { percentile } from "./statistics.ts";
import { secondsOf } from "./timeline.ts";

const over = new AbortController();
const requests: GoodRequest[] = [];
const failures: Record<string, number> = {};
let clients: Promise<unknown> = Promise.resolve();

function start({ configText, signingKeys, origins, clients: wanted }: MoveLoadPlan): void {
  const config = parseConfig(configText, "the bench's configuration");
  const sign = createRequestSigner(signingKeys);
  const newWire = (): ShardWire => new ShardWire(sign, () => 0);
  const maps = new EdgeMaps({ config, origins, wire: newWire(), random: createRandom(1), isStale: false });
  const running = wanted.map((client) => {
    const collection = config.collections.get(client.collection);
    if (collection === undefined) throw new Error(`the configuration has no collection "${client.collection}"`);
    return runMoveClient({
      client,
      placement: collection.placement,
      createWay: (onTold) =>
        createEdgeWay({ origins, maps, wire: newWire(), onCutover: ({ told }) => onTold(told.epoch) }),
      onRequest: (request) => requests.push(request),
      onFailure: (reason) => void (failures[reason] = (failures[reason] ?? 0) + 1),
      signal: over.signal,
    });
  });
  clients = Promise.all(running);
  clients.catch(fail);
  setTimeout(() => answer({ type: "warm" }), WARM_UP_MS);
}

async function stop(windows: readonly LoadWindow[]): Promise<MoveLoadReport> {
  const toMs = epochMs();
  over.abort();
  await clients;
  const fromMs = requests[0]?.startedAtMs ?? toMs;
  return {
    windows: windows.map(reportOf),
    cutovers: cutoversOf(requests),
    seconds: secondsOf(requests, { fromMs, toMs }),
    fromMs,
    requests: requests.length,
    failures,
  };
}

function reportOf({ group, fromMs, toMs }: LoadWindow): WindowReport {
  const latenciesMs = requests
    .filter((request) => request.group === group && request.startedAtMs >= fromMs && request.endedAtMs <= toMs)
    .map(({ startedAtMs, endedAtMs }) => endedAtMs - startedAtMs);
  return {
    requests: latenciesMs.length,
    latencyMedianMs: percentile(latenciesMs, 0.5),
    latencyP99Ms: percentile(latenciesMs, 0.99),
  };
}

function answer(message: MoveLoadAnswer): void {
  process.send?.(message);
}

function fail(error: unknown): void {
  answer({ type: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

process.once("disconnect", () => process.exit(1));
process.once("SIGTERM", () => process.exit(0));
// The bench decides when a run ends; a Ctrl-C reaches the whole group.
process.once("SIGINT", () => process.exit(130));
process.on("message", (message) => {
  const order = parseMoveLoadOrder(message);
  if (order.type === "start") start(order.plan);
  else stop(order.windows).then((report) => process.send?.({ type: "report", report }, () => process.exit(0)), fail);
});
