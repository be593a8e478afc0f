/**
 * Whether a slot's pause depends on how much moves, on SQLite: ranges of 10² to 10⁶ rows, 100 rows in each of their slots, as real data
 * has them; the number of slots grows. And how it does depend on what lies in one slot, which is compared as a whole after the fence: slots
 * of 10² to 10⁴ rows that move alone. The same eight clients follow each move. It must not compare ranges whose slots differ.
 *
 * The ranges lie in collections of eight stripes, or there would not be slots enough; the smallest one fills one stripe of its prefix.
 */
import type { Bench, BenchContext } from "../bench.ts";
import { formatChart } from "../chart.ts";
import { tickText } from "../chart-scale.ts";
import { type Lot, lotOf } from "../lots.ts";
import { type Measurement, pooled, ratio, type Sample, type Subject, sideOf } from "../measurement.ts";
import { collectionNamed } from "../move-config.ts";
import { type MoveGround, onMoveGround } from "../move-ground.ts";
import { failuresOf } from "../move-load.ts";
import { fillLot } from "../move-run.ts";
import { movePauses } from "../pause-rounds.ts";
import { loadProducts } from "../products.ts";
import { percentile } from "../statistics.ts";

const RANGE_ROWS = [100, 1000, 10_000, 100_000, 1_000_000] as const;
const ROWS_PER_SLOT = 100;
const SLOT_ROWS = [100, 1000, 10_000] as const;

const NO_FAILURE = { relation: "at most", bound: 0 } as const;

const STRIPES = 8;
/** The largest range takes nearly all prefixes of its collection. */
const LARGE_ROWS = 1_000_000;

/** A range of one slot has one cutover a move. */
const MOVES_MAX = 40;
const CUTOVERS_ENOUGH = 40;
const SLOT_MOVES = 12;

/** One size of either kind. */
interface Sized {
  readonly rows: number;
  readonly pausesMs: readonly (readonly number[])[];
  readonly failures: number;
}

/** Small ranges first. */
export const moveSize: Bench = {
  name: "move-size",
  about: "the pause of a slot in ranges of 10² to 10⁶ rows, and in slots of 10² to 10⁴ rows",
  run: measureSizes,
};

function measureSizes(context: BenchContext): Promise<readonly Measurement[]> {
  const { workers } = context.settings;
  const collections = [
    { name: "small", stripes: STRIPES },
    { name: "large", stripes: STRIPES },
    { name: "slots", stripes: 1 },
  ];
  return onMoveGround(context, { collections, workers, cluster: null }, async (ground) => {
    const ranges = await measureLots(context, ground, rangeLots(context.settings.rowsMax));
    const slots = await measureLots(context, ground, slotLots(context.settings.rowsMax));
    context.draw("move-size", draw(ranges, slots));
    return [
      ...ranges.map((sized) => figureOf("range", sized)),
      ...growthOf(ranges),
      ...slots.map((sized) => figureOf("slot", sized)),
      failuresIn([...ranges, ...slots]),
    ];
  });
}

interface SizedLot {
  readonly lot: Lot;
  readonly cutoversMin: number;
}

function rangeLots(rowsMax: number): readonly SizedLot[] {
  let firstPrefix = 0;
  return RANGE_ROWS.filter((rows) => rows <= rowsMax).map((rows) => {
    const isLarge = rows === LARGE_ROWS;
    const place = {
      collection: collectionNamed(isLarge ? "large" : "small"),
      firstPrefix: isLarge ? 0 : firstPrefix,
    };
    const placement = { kind: "range", stripes: STRIPES } as const;
    const lot = lotOf({ ...place, placement, slots: rows / ROWS_PER_SLOT, rowsPerSlot: ROWS_PER_SLOT });
    firstPrefix += lot.prefixes;
    return { lot, cutoversMin: CUTOVERS_ENOUGH };
  });
}

function slotLots(rowsMax: number): readonly SizedLot[] {
  return SLOT_ROWS.filter((rows) => rows <= rowsMax).map((rows, firstPrefix) => {
    const collection = collectionNamed("slots");
    const placement = { kind: "range", stripes: 1 } as const;
    return { lot: lotOf({ collection, placement, firstPrefix, slots: 1, rowsPerSlot: rows }), cutoversMin: SLOT_MOVES };
  });
}

async function measureLots(context: BenchContext, ground: MoveGround, lots: readonly SizedLot[]) {
  const products = loadProducts(context.productsFile);
  const measured: Sized[] = [];
  for (const { lot, cutoversMin } of lots) {
    context.report(`${lot.rows} rows in ${lot.slots} slots`);
    const store = await ground.openStore("shard-1");
    await fillLot(store, lot, products);
    await store.close();
    const least = Math.min(cutoversMin, context.settings.cutovers);
    const { pausesMs, report } = await movePauses(context, ground, { lot, cutoversMin: least, movesMax: MOVES_MAX });
    measured.push({ rows: lot.rows, pausesMs, failures: failuresOf([report]) });
  }
  return measured;
}

function figureOf(what: "range" | "slot", { rows, pausesMs: runs, failures }: Sized): Measurement {
  const name = `pause, p99, ${what} of ${tickText(rows)} rows, ${runs.flat().length} cutovers`;
  return pooled({ name, unit: "ms", target: null }, { label: "pause", runs, share: 0.99, failures });
}

function failuresIn(sizes: readonly Sized[]): Measurement {
  const failures = sizes.reduce((sum, sized) => sum + sized.failures, 0);
  const subject = { name: "failed requests in all sizes", unit: "requests", target: NO_FAILURE };
  return pooled(subject, { label: "failed", runs: [[failures]], share: 1, failures });
}

/** The largest range against the smallest one. */
function growthOf(ranges: readonly Sized[]): readonly Measurement[] {
  const [smallest, largest] = [ranges[0], ranges.at(-1)];
  if (smallest === undefined || largest === undefined || smallest === largest) return [];
  const shares = [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const;
  return shares.map(([text, share]) => {
    const subject: Subject = {
      name: `pause, ${text}, ${tickText(largest.rows)} rows ÷ ${tickText(smallest.rows)} rows`,
      unit: "ms",
      target: null,
    };
    return ratio(
      subject,
      sideOf("largest", [sampleOf(largest, share)]),
      sideOf("smallest", [sampleOf(smallest, share)]),
    );
  });
}

function sampleOf({ pausesMs }: Sized, share: number): Sample {
  const nothing = { latencyMedianMs: null, latencyP99Ms: null, serverMicros: null, generatorBusy: null };
  return { value: percentile(pausesMs.flat(), share), ...nothing };
}

function draw(ranges: readonly Sized[], slots: readonly Sized[]): string {
  const y = { label: "pause", unit: "ms", scale: "log" } as const;
  const panel = (title: string, label: string, sizes: readonly Sized[]) => ({
    title,
    x: { label, unit: "rows", scale: "log" } as const,
    y,
    series: [seriesOf("p50", sizes, 0.5), seriesOf("p99", sizes, 0.99)],
  });
  return formatChart({
    title: "Pause of a moving slot, by the size of what moves",
    description:
      "The pause as clients see it hardly depends on how many rows the range has, and grows with the rows in one slot.",
    panels: [
      panel(`By the rows of the range, ${ROWS_PER_SLOT} in each slot`, "rows in the range", ranges),
      panel("By the rows of one slot", "rows in the slot", slots),
    ],
  });
}

function seriesOf(label: string, sizes: readonly Sized[], share: number) {
  const points = sizes.map(({ rows, pausesMs }) => [rows, percentile(pausesMs.flat(), share)] as const);
  return { label, shape: "line", points } as const;
}
