/**
 * Rows per second of a move against a plain copy of the same rows, on SQLite: two shards, a catalog, nobody else at work, no limit.
 * The time of a move is what its runner says: from when a worker has taken it, to when the map was published. It must not count how long
 * a move lies in the catalog before a worker looks, up to a second.
 *
 * The bare side (bench/bare/plain-copy.ts) is what one would do without a protocol: one process reads the rows of a slot in order, in pages
 * as large as a move's, and sends them as lines of JSON to a second one, which writes them in transactions as large as a move's, with the
 * same settings of the same driver; as many slots at once, as many processes. Each row is read once and written once.
 */
import type { Bench, BenchContext } from "../bench.ts";
import { type Measurement, ratio, sideOf } from "../measurement.ts";
import { duelOfRates } from "../rate-duel.ts";

const TARGET = { relation: "at least", bound: 0.7 } as const;

/** As the 113,663 products lie on average, and fuller ones. */
const SHAPES = [
  { slots: 120, rowsPerSlot: 75, target: null },
  { slots: 20, rowsPerSlot: 1000, target: TARGET },
] as const;

/** A move, alone on the machine. */
export const moveRate: Bench = {
  name: "move-rate",
  about: "rows/s of a move between two shards on SQLite ÷ a plain copy of the same rows",
  run: measureRate,
};

async function measureRate(context: BenchContext): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const { slots, rowsPerSlot, target } of SHAPES) {
    context.report(`slots of ${rowsPerSlot} rows`);
    const { zgate, bare } = await duelOfRates(context, { slots, rowsPerSlot, cluster: null });
    const subject = { name: `move, slots of ${rowsPerSlot} rows`, unit: "rows/s", target };
    measurements.push(ratio(subject, sideOf("move", zgate), sideOf("plain copy", bare)));
  }
  return measurements;
}
