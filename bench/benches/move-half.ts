/**
 * A whole move of half of the products, as they are, under clients' load, on SQLite: what an operator would do, with its timeline as a picture.
 * Real keys crowd: the fullest slot holds a tenth of them, and its pause is the longest. It must not smooth anything: a second is a
 * second.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type MoveProgress, parseProgress } from "../../router/move-progress.ts";
import type { Bench, BenchContext } from "../bench.ts";
import { tickText } from "../chart-scale.ts";
import { clientKeysIn, countOf, type Half, halfOf, rowsOfSlots } from "../half-ground.ts";
import { drawHalf } from "../half-picture.ts";
import { absolute, type Measurement, pooled, ratio, type Sample, sideOf } from "../measurement.ts";
import { collectionNamed } from "../move-config.ts";
import { type MoveGround, onMoveGround } from "../move-ground.ts";
import { describeFailures, failuresOf, startClients } from "../move-load.ts";
import type { LoadWindow, MoveClient, MoveLoadReport } from "../move-load-plan.ts";
import { type FinishedMove, moveRange, storeRows } from "../move-run.ts";
import { loadProducts } from "../products.ts";

const COLLECTION = collectionNamed("products");
const GOING = "going";
const STAYING = "staying";
/** Of each kind: those that go ahead of the move from slot to slot, and those that stay where they are. */
const CLIENTS = 8;
/** Rest of a client after each request: a load that leaves the machine something for the move. */
const THINK_MS = 10;
/** Shown before and behind the move. */
const MARGIN_MS = 3000;

const NO_FAILURE = { relation: "at most", bound: 0 } as const;

/** One move. */
export const moveHalf: Bench = {
  name: "move-half",
  about: "a move of half of the products under load, second by second",
  run: measureHalf,
};

function measureHalf(context: BenchContext): Promise<readonly Measurement[]> {
  const { workers } = context.settings;
  const collections = [{ name: COLLECTION, stripes: 1 }];
  return onMoveGround(context, { collections, workers, cluster: null }, async (ground) => {
    const half = halfOf(loadProducts(context.productsFile));
    await fill(ground, half);
    const clients = await startClients(context, ground, [
      ...clientsOf(half.going, GOING),
      ...clientsOf(half.staying, STAYING),
    ]);
    const startedAtMs = Date.now();
    await delay(MARGIN_MS);
    const steps: MoveProgress[] = [];
    const { start, end } = half;
    const move = await moveRange(ground, { collection: COLLECTION, start, end, to: "shard-2" }, ({ progress }) => {
      const parsed = parseProgress(progress);
      if (parsed.ok && parsed.value !== null) steps.push(parsed.value);
    });
    await delay(MARGIN_MS);
    const { startedAtMs: takenAtMs, updatedAtMs: endedAtMs } = move.progress;
    const window = (fromMs: number, toMs: number): LoadWindow => ({ group: STAYING, fromMs, toMs });
    const report = await clients.report([window(startedAtMs, move.fromMs), window(takenAtMs, endedAtMs)]);
    context.report(`${move.progress.rows} rows in ${move.durationMs} ms${describeFailures(report)}`);
    context.draw("move-half", drawHalf({ half, move, steps: [...steps, move.progress], report }));
    return figuresOf(half, move, report);
  });
}

async function fill(ground: MoveGround, { staying, going }: Half): Promise<void> {
  const store = await ground.openStore("shard-1");
  await storeRows(store, rowsOfSlots(COLLECTION, [...staying, ...going]));
  await store.close();
}

/** Each has some of the slots, and goes ahead of the move from one to the next. */
function clientsOf(slots: Half["going"], group: string): readonly MoveClient[] {
  return Array.from({ length: CLIENTS }, (_, number) => {
    const all = clientKeysIn(slots, number);
    const own = all.filter((_key, index) => index % CLIENTS === number);
    return { group, collection: COLLECTION, keys: own.length === 0 ? all : own, thinkMs: THINK_MS };
  });
}

function figuresOf(half: Half, move: FinishedMove, report: MoveLoadReport): readonly Measurement[] {
  const failures = failuresOf([report]);
  const going = countOf(half.going);
  const all = going + countOf(half.staying);
  const pauses = report.cutovers.map(({ pauseMs }) => pauseMs);
  const of = `half of ${tickText(all)} products`;
  const pause = { label: "pause", runs: [pauses], failures };
  const [before, during] = report.windows.map(({ latencyP99Ms }) => latencyP99Ms);
  const information = (name: string, unit: string) => ({ name: `${of}: ${name}`, unit, target: null });
  return [
    absolute(
      information(`move of ${tickText(going)}`, "rows/s"),
      sideOf("move", [sampleOf((going * 1000) / move.durationMs)]),
    ),
    pooled(information(`pause, p99 of ${pauses.length} cutovers met`, "ms"), { ...pause, share: 0.99 }),
    pooled(information("longest pause", "ms"), { ...pause, share: 1 }),
    ratio(
      information("slots that stay, p99", "ms"),
      sideOf("during", [sampleOf(during ?? Number.NaN)]),
      sideOf("before", [sampleOf(before ?? Number.NaN)]),
    ),
    pooled(
      { ...information("failed requests", "requests"), target: NO_FAILURE },
      { label: "failed", runs: [[failures]], share: 1, failures },
    ),
  ];
}

function sampleOf(value: number): Sample {
  return { value, latencyMedianMs: null, latencyP99Ms: null, serverMicros: null, generatorBusy: null };
}
