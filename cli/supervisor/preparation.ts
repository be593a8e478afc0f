/**
 * Everything an instance needs before its first process: left-overs gone, ports free, layout, keys, configuration,
 * collections. It must not start a part.
 */
import { randomUUID } from "node:crypto";
import type { ShardMap } from "../../router/shard-map.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import { createSqliteCatalog } from "../../shards/catalog/sqlite-catalog.ts";
import type { Configuration } from "../configuration.ts";
import { type DataDirectory, displayPath, writeWhole } from "../data-directory.ts";
import { CliFailure, errorLine } from "../failure.ts";
import { ensureKeys } from "../keys.ts";
import type { Progress } from "../progress.ts";
import { completeLayout, settleLayout } from "./layout.ts";
import { hasLeftOver, settleLeftOver } from "./left-over.ts";
import { checkPorts } from "./ports.ts";
import { shardPlans, type UpOptions, wantedPorts } from "./up-options.ts";

/** What is prepared, with what. */
export interface Preparation {
  readonly directory: DataDirectory;
  readonly local: Configuration;
  readonly options: UpOptions;
}

/**
 * Makes the data directory fit to start on. Resolves to what people should know about it, a line each. Throws
 * `CliFailure`. However often it is broken off, the next call goes on.
 */
export async function prepareInstance(preparation: Preparation, progress: Progress): Promise<readonly string[]> {
  const { directory, local, options } = preparation;
  if (hasLeftOver(directory)) progress.step("waiting for processes of a killed start to end…");
  await settleLeftOver(directory);
  const shards = shardPlans(options, local);
  await checkPorts(wantedPorts(options, shards));
  settleLayout(directory, { shards: shards.map(({ id }) => id), asked: options.shards });
  await ensureKeys(directory);
  writeWhole(directory.config, local.text);
  const notes = await createCollections(directory, local);
  completeLayout(directory);
  return notes;
}

/** Publishes the first map of every collection that has none; one that has a map keeps it. Says which were kept. */
async function createCollections(directory: DataDirectory, local: Configuration): Promise<readonly string[]> {
  try {
    const catalog = await createSqliteCatalog({ file: directory.catalog });
    try {
      const notes: string[] = [];
      for (const collection of local.config.collections.values()) {
        notes.push(...(await settleMap(catalog, collection.initialMap)));
      }
      return notes;
    } finally {
      await catalog.close();
    }
  } catch (error) {
    throw new CliFailure(`cannot use the catalog ${displayPath(directory.catalog)}: ${errorLine(error)}`, {
      cause: error,
    });
  }
}

async function settleMap(catalog: Catalog, configured: ShardMap): Promise<readonly string[]> {
  const { collection, version, ranges } = configured;
  const current = await catalog.current(collection);
  if (current === null) {
    await catalog.create(configured, { actor: "zgate up", writer: randomUUID(), atMs: Date.now() });
    return [];
  }
  const first = await catalog.version(collection, version);
  if (first === null || JSON.stringify(first.ranges) === JSON.stringify(ranges)) return [];
  return [`${collection}: the catalog's map (version ${current.version}) is used, not zgate.toml's`];
}
