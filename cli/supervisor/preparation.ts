/**
 * Everything an instance needs before its first part: left-overs gone, ports free, layout and keys; then, once its engines
 * run, schemas, configuration and collections. It must not start anything.
 */
import { randomUUID } from "node:crypto";
import type { ShardMap } from "../../router/shard-map.ts";
import { describeCatalog, openCatalog } from "../../shards/catalog/open-catalog.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import type { Configuration } from "../configuration.ts";
import { type DataDirectory, displayPath, writeWhole } from "../data-directory.ts";
import { CliFailure, errorLine } from "../failure.ts";
import { ensureKeys } from "../keys.ts";
import type { Progress } from "../progress.ts";
import { needsEngines, type StorageChoice } from "../storage-choice.ts";
import { completeLayout, settleLayout } from "./layout.ts";
import { hasLeftOver, settleLeftOver } from "./left-over.ts";
import { applyLocalSchemas } from "./local-schemas.ts";
import { checkPorts } from "./ports.ts";
import { shardPlans, type UpOptions, wantedPorts } from "./up-options.ts";

/** What is prepared, with what. */
export interface Preparation {
  readonly directory: DataDirectory;
  readonly local: Configuration;
  readonly options: UpOptions;
  readonly storage: StorageChoice;
}

/**
 * Makes sure that the instance may start on this directory and these ports, before anything is started. Throws
 * `CliFailure`. However often it is broken off, the next call goes on.
 */
export async function prepareDirectory(preparation: Preparation, progress: Progress): Promise<void> {
  const { directory, local, options, storage } = preparation;
  if (hasLeftOver(directory)) progress.step("waiting for processes of a killed start to end…");
  await settleLeftOver(directory);
  const shards = shardPlans(options, local);
  await checkPorts(wantedPorts(options, shards));
  settleLayout(directory, { shards: shards.map(({ id }) => id), asked: options.shards, storage });
  await ensureKeys(directory);
}

/**
 * With the engines running: schemas, configuration, first maps. Resolves to what people should know, a line each. Throws
 * `CliFailure`. However often it is broken off, the next call goes on.
 */
export async function prepareStorage(preparation: Preparation, progress: Progress): Promise<readonly string[]> {
  const { directory, local, storage } = preparation;
  if (needsEngines(storage)) {
    progress.step("preparing keyspaces and tables…");
    await applyLocalSchemas(local.config, storage);
  }
  writeWhole(directory.config, local.text);
  const notes = await createCollections(directory, local);
  completeLayout(directory);
  return notes;
}

/** Publishes the first map of every collection that has none; one that has a map keeps it. Says which were kept. */
async function createCollections(directory: DataDirectory, local: Configuration): Promise<readonly string[]> {
  try {
    const catalog = await openCatalog(local.config.catalog, { file: directory.catalog, environment: process.env });
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
    const where = describeCatalog(local.config.catalog, displayPath(directory.catalog));
    throw new CliFailure(`cannot use the catalog, ${where}: ${errorLine(error)}`, { cause: error });
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
