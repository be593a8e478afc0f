/**
 * Publishing versions of a shard map in DynamoDB Local, one after the other: how long a compare-and-set of the catalog takes.
 * It must not stand for DynamoDB in the cloud, which is another program on other machines.
 */
import { randomUUID } from "node:crypto";
import { parseShardMap, type ShardMap } from "../../router/shard-map.ts";
import { createDynamodbCatalog } from "../../shards/catalog/dynamodb-catalog.ts";
import { type DynamodbAddress, openClient } from "../../shards/catalog/dynamodb-client.ts";
import { applyCatalogSchema } from "../../shards/catalog/dynamodb-schema.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import { type Bench, type BenchContext, WARM_UP_MS } from "../bench.ts";
import { PLAIN_COLLECTION, SHARD_ID } from "../bench-config.ts";
import { absolute, type Measurement, type Sample, sideOf } from "../measurement.ts";
import { PLACEMENT } from "../spread.ts";
import { percentile } from "../statistics.ts";

/** Publishes for as long as a run lasts. */
export const catalogPublish: Bench = {
  name: "catalog-publish",
  about: "a compare-and-set of the catalog in DynamoDB Local",
  run: measurePublish,
};

async function measurePublish(context: BenchContext): Promise<readonly Measurement[]> {
  const { endpoint, region } = await context.databases.dynamodb();
  const credentials = { accessKeyId: "bench", secretAccessKey: "bench" };
  const address = { endpoint, region, credentials, table: `zgate-bench-${randomUUID()}` };
  await applyCatalogSchema(address);
  const catalog = await createDynamodbCatalog(address);
  try {
    const runs = await publishRuns(context, catalog);
    const subject = (share: string) => ({ name: `catalog publish, ${share}`, unit: "ms", target: null });
    return [
      absolute(
        subject("p50"),
        sideOf(
          "publish",
          runs.map((times) => sampleOf(percentile(times, 0.5))),
        ),
      ),
      absolute(
        subject("p99"),
        sideOf(
          "publish",
          runs.map((times) => sampleOf(percentile(times, 0.99))),
        ),
      ),
    ];
  } finally {
    await catalog.close();
    await dropTable(address);
  }
}

/** The times of each run's publications, in milliseconds. */
async function publishRuns({ settings, report }: BenchContext, catalog: Catalog) {
  let map = mapAfter(null);
  await publish(catalog, "create", map);
  const publishFor = async (durationMs: number): Promise<readonly number[]> => {
    const times: number[] = [];
    const endsAtMs = performance.now() + durationMs;
    while (performance.now() < endsAtMs || times.length === 0) {
      map = mapAfter(map);
      const startedAtMs = performance.now();
      await publish(catalog, "publish", map);
      times.push(performance.now() - startedAtMs);
    }
    return times;
  };
  await publishFor(WARM_UP_MS);
  const runs: (readonly number[])[] = [];
  for (let run = 0; run < settings.runs; run += 1) {
    const times = await publishFor(settings.seconds * 1000);
    runs.push(times);
    report(`run ${run + 1} of ${settings.runs}: ${times.length} versions, p50 ${percentile(times, 0.5).toFixed(1)} ms`);
  }
  return runs;
}

async function publish(catalog: Catalog, verb: "create" | "publish", map: ShardMap): Promise<void> {
  const outcome = await catalog[verb](map, { actor: "bench", writer: randomUUID(), atMs: Date.now() });
  if (outcome.kind !== "published") throw new Error(`version ${map.version} was not published`);
}

function mapAfter(before: { readonly version: number } | null): ShardMap {
  const parent = before?.version ?? 0;
  const ranges = [{ start: "", end: null, shard: SHARD_ID }];
  const input = { collection: PLAIN_COLLECTION, version: parent + 1, parent, ranges };
  const map = parseShardMap(input, { placement: PLACEMENT, shards: null });
  if (map.ok) return map.value;
  throw new Error(`the bench's own map is refused: ${map.detail}`);
}

async function dropTable(address: DynamodbAddress): Promise<void> {
  const client = await openClient(address);
  await client.deleteTable({ TableName: address.table });
  client.destroy();
}

function sampleOf(value: number): Sample {
  return { value, latencyMedianMs: null, latencyP99Ms: null, serverMicros: null, generatorBusy: null };
}
