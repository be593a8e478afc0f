/**
 * Loads the sample products at the first start, while the edge is still starting. It must not mark the sample as loaded
 * before the last row is in.
 */
import { join } from "node:path";
import type { CollectionConfig, GatewayConfig } from "../../config/config.ts";
import { parseSigningKeys } from "../../config/signing-keys.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import { type DataDirectory, isThere, PROJECT_ROOT, writeWhole } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { type ImportProgress, runImport } from "../import/importer.ts";
import { surveyFile } from "../import/survey.ts";
import { readSigningKeys } from "../keys.ts";
import { ShardSender } from "./shard-sender.ts";

/** Where the sample goes. */
export const SAMPLE_COLLECTION = "products";

/** cli/sample/README.md says where it comes from. */
const SAMPLE_FILE = join(PROJECT_ROOT, "cli", "sample", "products.tsv");

/** A product that the sample holds, for the first request of a newcomer. */
export const SAMPLE_KEY = "react";

const CONCURRENCY = 64;

/** What loading needs. */
export interface SampleOptions {
  readonly directory: DataDirectory;
  readonly config: GatewayConfig;
  readonly collection: CollectionConfig;
  /** The collection's current one. */
  readonly map: ShardMap;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ImportProgress) => void;
}

/** Whether the sample has been loaded completely before. */
export function hasSample(directory: DataDirectory): boolean {
  return isThere(directory.sampleDone);
}

/** Loads the sample, or what an interrupted start has left of it. Returns how many products there are. */
export async function loadSample(options: SampleOptions): Promise<number> {
  const { directory, config, collection, map } = options;
  const keys = parseSigningKeys(readSigningKeys(directory));
  const client = new ShardSender({ config, collection, map, keys, connections: CONCURRENCY });
  try {
    const survey = await surveyFile({ path: SAMPLE_FILE, format: "tsv", keyColumn: null });
    const result = await runImport({
      survey,
      collection: collection.name,
      client,
      concurrency: CONCURRENCY,
      checkpointPath: join(directory.imports, "sample.checkpoint.json"),
      refusedPath: join(directory.imports, "sample.refused.ndjson"),
      signal: options.signal,
      onProgress: options.onProgress,
    });
    if (result.tally.refused > 0) throw new CliFailure(`${result.tally.refused} sample products were refused`);
    if (result.isComplete) writeWhole(directory.sampleDone, `${JSON.stringify({ rows: result.rows })}\n`);
    return result.answered;
  } finally {
    await client.close();
  }
}
