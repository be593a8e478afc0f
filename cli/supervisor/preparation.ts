/**
 * Everything an instance needs before its first part: left-overs gone, ports free, layout and keys; then, once its engines
 * run, schemas, configuration and collections. It must not start anything.
 */
import { randomUUID } from "node:crypto";
import type { ShardMap } from "../../router/shard-map.ts";
import { describeCatalog, openCatalog } from "../../shards/catalog/open-catalog.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import type { LocalConfiguration } from "../configuration.ts";
import { type DataDirectory, displayPath, writeWhole } from "../data-directory.ts";
import { CliFailure, errorLine } from "../failure.ts";
import { ensureKeys } from "../keys.ts";
import type { Progress } from "../progress.ts";
import type { ShardClient } from "../shard-client.ts";
import { needsEngines, type StorageChoice } from "../storage-choice.ts";
import { completeLayout, settleLayout, type WantedLayout } from "./layout.ts";
import { hasLeftOver, settleLeftOver } from "./left-over.ts";
import { applyLocalSchemas } from "./local-schemas.ts";
import { checkPorts } from "./ports.ts";
import { checkShardChanges, describeShardChanges } from "./shard-changes.ts";
import { shardPlans, type UpOptions, wantedPorts } from "./up-options.ts";

/** What is prepared, with what. */
export interface Preparation {
  readonly directory: DataDirectory;
  readonly local: LocalConfiguration;
  readonly options: UpOptions;
  readonly storage: StorageChoice;
}

/** `leaving` answers for shards of the directory that are to be left out. */
export interface StoragePreparation extends Preparation {
  readonly leaving: Pick<ShardClient, "slots">;
}

/**
 * Makes sure that the instance may start on this directory and these ports, before anything is started. Throws
 * `CliFailure`. However often it is broken off, the next call goes on.
 */
export async function prepareDirectory(preparation: Preparation, progress: Progress): Promise<void> {
  const { directory, local, options } = preparation;
  if (hasLeftOver(directory)) progress.step("waiting for processes of a killed start to end…");
  await settleLeftOver(directory);
  await checkPorts(wantedPorts(options, shardPlans(options, local)));
  settleLayout(directory, layoutOf(preparation));
  await ensureKeys(directory);
}

function layoutOf({ local, options, storage }: Preparation): WantedLayout {
  return { shards: [...local.config.shards.keys()], asked: options.shards, storage };
}

/** What an instance is started with. `notes`: what people should know, a line each. `maps`: the current ones, by collection. */
export interface Prepared {
  readonly notes: readonly string[];
  readonly maps: ReadonlyMap<string, ShardMap>;
}

/**
 * With the engines running: schemas, shards that come or go, configuration, first maps. Throws `CliFailure`, before anything of
 * it is changed where a shard is left out that is still needed. However often it is broken off, the next call goes on.
 */
export async function prepareStorage(preparation: StoragePreparation, progress: Progress): Promise<Prepared> {
  const { directory, local, options, storage, leaving } = preparation;
  if (needsEngines(storage)) {
    progress.step("preparing keyspaces and tables…");
    await applyLocalSchemas(local.config, storage);
  }
  return withCatalog(preparation, async (catalog) => {
    const wanted = { directory, local, storage, leaving, asked: options.shards };
    const changes = await checkShardChanges(wanted, catalog);
    writeWhole(directory.config, local.text);
    const { notes, maps } = await createCollections(catalog, local);
    completeLayout(directory, layoutOf(preparation));
    return { notes: [...notes, ...describeShardChanges(changes, wanted, maps.values())], maps };
  });
}

async function withCatalog<Value>(
  { directory, local }: Preparation,
  work: (catalog: Catalog) => Promise<Value>,
): Promise<Value> {
  try {
    const catalog = await openCatalog(local.config.catalog, { file: directory.catalog, environment: process.env });
    try {
      return await work(catalog);
    } finally {
      await catalog.close();
    }
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    const where = describeCatalog(local.config.catalog, displayPath(directory.catalog));
    throw new CliFailure(`cannot use the catalog, ${where}: ${errorLine(error)}`, { cause: error });
  }
}

/** Publishes the first map of every collection that has none; one that has a map keeps it. Says which of the file's were not used. */
async function createCollections(catalog: Catalog, { config, hasOwnMaps }: LocalConfiguration): Promise<Prepared> {
  const notes: string[] = [];
  const maps = new Map<string, ShardMap>();
  for (const { name, initialMap } of config.collections.values()) {
    const current = await settleMap(catalog, initialMap);
    maps.set(name, current);
    const first = await catalog.version(name, initialMap.version);
    const isUsed = first === null || JSON.stringify(first.ranges) === JSON.stringify(initialMap.ranges);
    if (isUsed || !hasOwnMaps) continue;
    notes.push(`${name}: the catalog's map (version ${current.version}) is used, not zgate.toml's`);
  }
  return { notes, maps };
}

/** The collection's current map, the configured one if it had none. */
async function settleMap(catalog: Catalog, configured: ShardMap): Promise<ShardMap> {
  const current = await catalog.current(configured.collection);
  if (current !== null) return current;
  await catalog.create(configured, { actor: "zgate up", writer: randomUUID(), atMs: Date.now() });
  return configured;
}
