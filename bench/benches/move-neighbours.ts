/**
 * What a move costs those it does not concern: the latency of requests to slots that stay where they are, at either shard, while a range
 * goes from one to the other without a limit, against the same clients just before. It must not let a moving slot's requests in.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Bench, BenchContext } from "../bench.ts";
import { clientKeysOf, LOT_PREFIXES, type Lot, lotOf } from "../lots.ts";
import { type Measurement, ratio, type Sample, sideOf } from "../measurement.ts";
import { collectionNamed } from "../move-config.ts";
import { type MoveGround, onMoveGround } from "../move-ground.ts";
import { describeFailures, failuresOf, startClients } from "../move-load.ts";
import type { LoadWindow, MoveClient, WindowReport } from "../move-load-plan.ts";
import { fillLot, moveRange } from "../move-run.ts";
import { loadProducts } from "../products.ts";

const TARGET = { relation: "at most", bound: 1.2 } as const;
const COLLECTION = collectionNamed("moved");
const PLACEMENT = { kind: "range", stripes: 1 } as const;
const STAYING = "staying";

/** Clients at each shard, and their rest between two requests: a load that two cores bear easily. */
const CLIENTS = 8;
const THINK_MS = 10;

/** Slots of each round's range; it lasts some seconds. */
const SLOTS = 24;
const ROWS_PER_SLOT = 1000;
const SETTLE_MS = 500;
/** In each run: few of a round's requests lie beyond its p99, and what else the machine does meanwhile is among them. */
const ROUNDS_PER_RUN = 4;

/** A fresh range goes over in each round. */
export const moveNeighbours: Bench = {
  name: "move-neighbours",
  about: "p99 of requests to slots that do not move, during a move ÷ before it",
  run: measureNeighbours,
};

function measureNeighbours(context: BenchContext): Promise<readonly Measurement[]> {
  const collections = [{ name: COLLECTION, stripes: 1 }];
  const { workers } = context.settings;
  return onMoveGround(context, { collections, workers, cluster: null }, async (ground) => {
    const clients = await startClients(context, ground, await neighboursOf(ground));
    const windows = await moveInRounds(context, ground);
    const report = await clients.report(windows);
    context.report(`${report.requests} requests${describeFailures(report)}`);
    const [before, during] = [0, 1].map((offset) => report.windows.filter((_, index) => index % 2 === offset));
    const subject = { name: "slots that stay, p99 during a move", unit: "ms", target: TARGET };
    const [first, ...others] = (during ?? []).map(sampleOf);
    const counted = first === undefined ? [] : [{ ...first, failures: failuresOf([report]) }, ...others];
    return [ratio(subject, sideOf("during", counted), sideOf("before", (before ?? []).map(sampleOf)))];
  });
}

/** The first lots stay: one at the source, one at the destination. */
async function neighboursOf(ground: MoveGround): Promise<readonly MoveClient[]> {
  const lots = [0, 1].map((number) =>
    lotOf({
      collection: COLLECTION,
      placement: PLACEMENT,
      firstPrefix: number * CLIENTS,
      slots: CLIENTS,
      rowsPerSlot: 0,
    }),
  );
  const [, gone] = lots;
  if (gone === undefined) throw new Error("broken assumption: two lots");
  await moveRange(ground, { collection: COLLECTION, start: gone.start, end: gone.end, to: "shard-2" });
  return lots
    .flatMap((lot) => clientKeysOf(lot, 0))
    .map((key) => ({ group: STAYING, collection: COLLECTION, keys: [key], thinkMs: THINK_MS }));
}

/** Two windows for each round: before and during. */
async function moveInRounds(context: BenchContext, ground: MoveGround): Promise<readonly LoadWindow[]> {
  const { runs, seconds } = context.settings;
  const rounds = runs * ROUNDS_PER_RUN;
  const store = await ground.openStore("shard-1");
  const windows: LoadWindow[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const lot = lotAt(round, rounds);
    await fillLot(store, lot, loadProducts(context.productsFile));
    await delay(SETTLE_MS);
    const fromMs = Date.now();
    await delay(seconds * 1000);
    windows.push({ group: STAYING, fromMs, toMs: Date.now() });
    const { start, end } = lot;
    const { progress } = await moveRange(ground, { collection: COLLECTION, start, end, to: "shard-2" });
    windows.push({ group: STAYING, fromMs: progress.startedAtMs, toMs: progress.updatedAtMs });
    const tookMs = progress.updatedAtMs - progress.startedAtMs;
    context.report(`round ${round + 1} of ${rounds}: ${lot.rows} rows in ${tookMs} ms`);
  }
  await store.close();
  return windows;
}

function lotAt(round: number, rounds: number): Lot {
  const first = 2 * CLIENTS;
  const slots = Math.min(SLOTS, Math.floor((LOT_PREFIXES.length - first) / rounds));
  const place = { collection: COLLECTION, placement: PLACEMENT, firstPrefix: first + round * slots };
  return lotOf({ ...place, slots, rowsPerSlot: ROWS_PER_SLOT });
}

function sampleOf({ requests, latencyMedianMs, latencyP99Ms }: WindowReport): Sample {
  if (requests === 0) throw new Error("no request was answered in a round");
  return { value: latencyP99Ms, latencyMedianMs, latencyP99Ms, serverMicros: null, generatorBusy: null };
}
