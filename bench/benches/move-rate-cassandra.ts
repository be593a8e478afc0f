/**
 * Rows per second of a move against a plain copy of the same rows, both shards on one cluster of three Cassandra nodes. The bare side is
 * that of move-rate, but its pages and batches are a shard's own (bench/bare/plain-rows.ts says why). It must not mix the two kinds of
 * store.
 */
import type { Bench, BenchContext } from "../bench.ts";
import { type Measurement, ratio, sideOf } from "../measurement.ts";
import { duelOfRates } from "../rate-duel.ts";

const TARGET = { relation: "at least", bound: 0.7 } as const;
const SHAPE = { slots: 20, rowsPerSlot: 500 } as const;

/** A move, alone on the cluster. */
export const moveRateCassandra: Bench = {
  name: "move-rate-cassandra",
  about: "rows/s of a move between two shards on Cassandra ÷ a plain copy of the same rows",
  run: measureRate,
};

async function measureRate(context: BenchContext): Promise<readonly Measurement[]> {
  const cluster = await context.databases.cluster();
  const { zgate, bare } = await duelOfRates(context, { ...SHAPE, cluster });
  const subject = { name: `Cassandra, move, slots of ${SHAPE.rowsPerSlot} rows`, unit: "rows/s", target: TARGET };
  return [ratio(subject, sideOf("move", zgate), sideOf("plain copy", bare))];
}
