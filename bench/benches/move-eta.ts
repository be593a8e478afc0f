/**
 * Whether the time that `zgate watch` says is left is right, on SQLite, nobody else at work: half of the products, as they crowd into
 * slots, several of each, at a rate that makes the move last; and a range without a limit, where it lasts long enough. It must not smooth
 * anything: the worst of all looks, one a second, is the figure.
 */
import type { Bench, BenchContext } from "../bench.ts";
import { tickText } from "../chart-scale.ts";
import { EtaRecord, etaErrors } from "../eta-record.ts";
import { countOf, type Half, halfOf, rowsOfSlots } from "../half-ground.ts";
import { LOT_PREFIXES, lotOf } from "../lots.ts";
import { absolute, type Measurement, type Sample, sideOf } from "../measurement.ts";
import { collectionNamed } from "../move-config.ts";
import { type MoveGround, onMoveGround } from "../move-ground.ts";
import { fillLot, moveRange, storeRows, type WantedMove } from "../move-run.ts";
import { loadProducts } from "../products.ts";
import { slotOfProduct } from "../spread.ts";

const TARGET = { relation: "at most", bound: 10 } as const;

const REAL = collectionNamed("products");
const LARGE = collectionNamed("large");
const PLACEMENT = { kind: "range", stripes: 1 } as const;

/** Rows that are to move with the limit, at least: pages of 256 would be large parts of a small range. */
const LIMITED_ROWS = 50_000;
/** What the limit alone makes the slower move last, in seconds. */
const LIMITED_SECONDS = 60;
/** Rows of the range that moves without a limit, unless fewer are asked for. */
const ROWS_MAX = 200_000;
/** A shorter move is over before anybody asks how long it takes. */
const WORTH_MS_MIN = 5000;

/** Two moves. */
export const moveEta: Bench = {
  name: "move-eta",
  about: "the time left as watch tells it, worst error once a tenth is done",
  run: measureEta,
};

function measureEta(context: BenchContext): Promise<readonly Measurement[]> {
  const { workers } = context.settings;
  const collections = [REAL, LARGE].map((name) => ({ name, stripes: PLACEMENT.stripes }));
  return onMoveGround(context, { collections, workers, cluster: null }, async (ground) => [
    ...(await limitedMove(context, ground)),
    ...(await fastMove(context, ground)),
  ]);
}

async function limitedMove(context: BenchContext, ground: MoveGround): Promise<readonly Measurement[]> {
  const half = halfOf(loadProducts(context.productsFile));
  const going = multiplied(half.going);
  const rows = countOf(going);
  const store = await ground.openStore("shard-1");
  await storeRows(store, rowsOfSlots(REAL, going));
  await store.close();
  const rowsPerSecond = Math.max(1, Math.round(rows / LIMITED_SECONDS));
  const { start, end } = half;
  const watched = await watchMove(context, ground, { collection: REAL, start, end, to: "shard-2", rowsPerSecond });
  return figuresOf(`${tickText(rows)} rows at ${tickText(rowsPerSecond)} rows/s`, watched, TARGET);
}

/** As many of each product as it takes, in its own slot. */
function multiplied(slots: Half["going"]): Half["going"] {
  const copies = Math.ceil(LIMITED_ROWS / countOf(slots));
  const numbers = Array.from({ length: copies }, (_, number) => number);
  return slots.map(({ slot, products }) => {
    const all = products.flatMap(({ key, json }) => numbers.map((number) => ({ key: `${key}.${number}`, json })));
    // Behind a key of one symbol there would be another slot.
    return { slot, products: all.filter((product) => slotOfProduct(product) === slot) };
  });
}

async function fastMove(context: BenchContext, ground: MoveGround): Promise<readonly Measurement[]> {
  const slots = LOT_PREFIXES.length - 1;
  const rowsPerSlot = Math.max(1, Math.floor(Math.min(ROWS_MAX, context.settings.rowsMax) / slots));
  const lot = lotOf({ collection: LARGE, placement: PLACEMENT, firstPrefix: 0, slots, rowsPerSlot });
  const store = await ground.openStore("shard-1");
  await fillLot(store, lot, loadProducts(context.productsFile));
  await store.close();
  const { start, end } = lot;
  const watched = await watchMove(context, ground, { collection: LARGE, start, end, to: "shard-2" });
  return watched.durationMs < WORTH_MS_MIN
    ? []
    : figuresOf(`${tickText(lot.rows)} rows without a limit`, watched, null);
}

interface WatchedMove {
  readonly durationMs: number;
  readonly errors: ReturnType<typeof etaErrors>;
}

async function watchMove(context: BenchContext, ground: MoveGround, wanted: WantedMove): Promise<WatchedMove> {
  const record = new EtaRecord();
  const move = await moveRange(ground, wanted, (seen) => record.look(seen, Date.now()));
  const { durationMs, progress, toMs } = move;
  const errors = etaErrors(record.notes, { fromMs: toMs - durationMs, toMs });
  context.report(`${progress.rows} rows in ${durationMs} ms, ${errors.ofWhole.length} looks after a tenth`);
  return { durationMs, errors };
}

function figuresOf(of: string, { errors }: WatchedMove, target: Measurement["target"]): readonly Measurement[] {
  const figure = (name: string, all: readonly number[]): readonly Measurement[] =>
    all.length === 0 ? [] : [absolute({ name, unit: "%", target }, sideOf("watch", [sampleOf(Math.max(...all))]))];
  return [
    ...figure(`${of}: ETA, worst error after a tenth, of the whole time`, errors.ofWhole),
    ...figure(`${of}: ETA, worst error after a tenth, of the time left (10 s and more)`, errors.ofRest),
  ];
}

function sampleOf(value: number): Sample {
  return { value, latencyMedianMs: null, latencyP99Ms: null, serverMicros: null, generatorBusy: null };
}
