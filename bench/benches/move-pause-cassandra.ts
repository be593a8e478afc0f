/**
 * How long a slot that moves keeps its clients waiting on Cassandra, as a multiple of one conditional write: a cutover is a row of them, one
 * after the other. The write is one row of a slot that does not move, by the store alone, while the same clients are at work and nothing
 * moves, before and after: servers that have just started are slower. It must not compare with an idle cluster's write.
 */
import type { Store } from "../../shards/store/port.ts";
import type { Bench, BenchContext } from "../bench.ts";
import { lotOf, rowsOf } from "../lots.ts";
import { type Measurement, pooled, ratio, type Sample, sideOf } from "../measurement.ts";
import { collectionNamed } from "../move-config.ts";
import { onMoveGround } from "../move-ground.ts";
import { failuresOf, startClients } from "../move-load.ts";
import { fillLot, storeRows } from "../move-run.ts";
import { followersOf, movePauses, WARM_MOVES } from "../pause-rounds.ts";
import { loadProducts } from "../products.ts";
import { percentile } from "../statistics.ts";

const TARGET = { relation: "at most", bound: 8 } as const;
const NO_FAILURE = { relation: "at most", bound: 0 } as const;
const COLLECTION = collectionNamed("moved");
const PLACEMENT = { kind: "range", stripes: 1 } as const;
const SLOTS = 40;
const ROWS_PER_SLOT = 75;
/** Conditional writes that are timed before the moves, and after; some that are not come first. */
const WRITES = 100;
const WARM_WRITES = 50;

/** Moves to and fro until there are enough cutovers. */
export const movePauseCassandra: Bench = {
  name: "move-pause-cassandra",
  about: "the pause of a moving slot as its clients see it ÷ one conditional write, on Cassandra",
  run: measurePause,
};

async function measurePause(context: BenchContext): Promise<readonly Measurement[]> {
  const { workers, cutovers: cutoversMin } = context.settings;
  const cluster = await context.databases.cluster();
  const collections = [{ name: COLLECTION, stripes: 1 }];
  return onMoveGround(context, { collections, workers, cluster }, async (ground) => {
    const lot = lotOf({
      collection: COLLECTION,
      placement: PLACEMENT,
      firstPrefix: 0,
      slots: SLOTS,
      rowsPerSlot: ROWS_PER_SLOT,
    });
    const store = await ground.openStore("shard-1");
    await fillLot(store, lot, loadProducts(context.productsFile));
    const timeAmongClients = async (firstPrefix: number) => {
      const clients = await startClients(context, ground, followersOf(lot));
      const writesMs = await timeWrites(store, firstPrefix);
      context.report(`one conditional write: p50 ${percentile(writesMs, 0.5).toFixed(1)} ms`);
      return { writesMs, report: await clients.report([]) };
    };
    try {
      const before = await timeAmongClients(SLOTS);
      const spec = { lot, cutoversMin, movesMax: Number.POSITIVE_INFINITY, warmMoves: WARM_MOVES };
      const { pausesMs, report } = await movePauses(context, ground, spec);
      const after = await timeAmongClients(SLOTS + 1);
      const writesMs = [...before.writesMs, ...after.writesMs];
      return figuresOf({ pausesMs, writesMs, failures: failuresOf([before.report, report, after.report]) });
    } finally {
      await store.close();
    }
  });
}

/** One after the other, each a new row of the slot, which stays. */
async function timeWrites(store: Store, firstPrefix: number): Promise<readonly number[]> {
  const spec = { collection: COLLECTION, placement: PLACEMENT, firstPrefix, slots: 1 };
  const [rows = []] = rowsOf(lotOf({ ...spec, rowsPerSlot: WARM_WRITES + WRITES }), []);
  const times: number[] = [];
  for (const row of rows) {
    const startedAtMs = performance.now();
    await storeRows(store, [[row]].values());
    times.push(performance.now() - startedAtMs);
  }
  return times.slice(WARM_WRITES);
}

interface Seen {
  readonly pausesMs: readonly (readonly number[])[];
  readonly writesMs: readonly number[];
  readonly failures: number;
}

function figuresOf({ pausesMs, writesMs, failures }: Seen): readonly Measurement[] {
  const all = pausesMs.flat();
  const side = { label: "pause", runs: pausesMs, failures };
  const against = (text: string, share: number, target: typeof TARGET | null) => {
    const subject = {
      name: `Cassandra, pause ÷ one conditional write, ${text} of ${all.length} cutovers`,
      unit: "ms",
      target,
    };
    const pause = { ...sampleOf(percentile(all, share)), failures };
    return ratio(
      subject,
      sideOf("pause", [pause]),
      sideOf("one conditional write", [sampleOf(percentile(writesMs, share))]),
    );
  };
  return [
    against("p50", 0.5, TARGET),
    against("p99", 0.99, null),
    pooled({ name: "Cassandra, longest pause", unit: "ms", target: null }, { ...side, share: 1 }),
    pooled(
      { name: "Cassandra, failed requests meanwhile", unit: "requests", target: NO_FAILURE },
      { label: "failed", runs: [[failures]], share: 1, failures },
    ),
  ];
}

function sampleOf(value: number): Sample {
  return { value, latencyMedianMs: null, latencyP99Ms: null, serverMicros: null, generatorBusy: null };
}
