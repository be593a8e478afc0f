/**
 * What goes over all slots of a collection in Cassandra: a list from its beginning to its end, and a sweep that finds nothing.
 * It must not go through HTTP: the store alone is measured, as one worker has it.
 */

import { slotsOf } from "../../router/slot.ts";
import type { Bench, BenchContext } from "../bench.ts";
import type { CassandraGround } from "../cassandra-ground.ts";
import { absolute, type Measurement, type Sample, sideOf } from "../measurement.ts";
import { PLACEMENT } from "../spread.ts";
import { median } from "../statistics.ts";

const PAGE_ROWS = 100;
/** The shard's own bounds of a page and of a sweep's step. */
const PAGE_BYTES_MAX = 1024 * 1024;
const STEP_ROWS_MAX = 500;

/** Lists the filled collection page by page; then sweeps it. */
export const cassandraList: Bench = {
  name: "cassandra-list",
  about: "a list of everything in a store on Cassandra, and a sweep of it with nothing to do",
  run: measureList,
};

async function measureList(context: BenchContext): Promise<readonly Measurement[]> {
  const ground = await context.databases.cassandra();
  const size = `${count(ground.products.length)} rows in ${count(slotsOf(PLACEMENT).length)} slots`;
  const lists = await timePasses(context, () => listAll(ground));
  const sweeps = await timePasses(context, () => sweepAll(ground));
  const rowsPerSecond = lists.map((ms) => sampleOf((ground.products.length * 1000) / ms));
  const list = { name: `Cassandra, list of ${size}`, unit: "rows/s", target: null };
  const sweep = { name: "Cassandra, sweep of them", unit: "ms", target: null };
  return [absolute(list, sideOf("store", rowsPerSecond)), absolute(sweep, sideOf("store", sweeps.map(sampleOf)))];
}

function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** For each run the median time of its passes, in milliseconds. The first pass warms up and does not count. */
async function timePasses({ settings, report }: BenchContext, pass: () => Promise<void>): Promise<readonly number[]> {
  const runs: number[] = [];
  await pass();
  for (let run = 0; run < settings.runs; run += 1) {
    const times: number[] = [];
    const endsAtMs = performance.now() + settings.seconds * 1000;
    while (performance.now() < endsAtMs) {
      const startedAtMs = performance.now();
      await pass();
      times.push(performance.now() - startedAtMs);
    }
    runs.push(median(times));
    report(`run ${run + 1} of ${settings.runs}: ${times.length} passes, ${median(times).toFixed(0)} ms each`);
  }
  return runs;
}

async function listAll({ store, filled, products }: CassandraGround): Promise<void> {
  let rows = 0;
  for (let from: string | null = ""; from !== null; ) {
    const request = { collection: filled, from, after: null, to: null, limit: PAGE_ROWS, bytesMax: PAGE_BYTES_MAX };
    const page = await store.list(request);
    if (page.kind !== "page") throw new Error(`slot "${page.slot}" is not held`);
    rows += page.rows.length;
    from = page.coveredTo;
  }
  if (rows !== products.length) throw new Error(`the list has ${rows} rows, expected ${products.length}`);
}

/** All steps of a round, without the pauses that a shard makes between them. */
async function sweepAll({ store, filled }: CassandraGround): Promise<void> {
  const nowMs = Date.now();
  const request = { collection: filled, recordsBeforeMs: nowMs, tombstonesBeforeMs: nowMs, rowsMax: STEP_ROWS_MAX };
  for (let isOver = false; !isOver; ) {
    const { records, tombstones, more } = await store.sweep(request);
    if (records + tombstones > 0) throw new Error(`the sweep has removed ${records + tombstones} rows, expected none`);
    isOver = !more;
  }
}

function sampleOf(value: number): Sample {
  return { value, latencyMedianMs: null, latencyP99Ms: null, serverMicros: null, generatorBusy: null };
}
