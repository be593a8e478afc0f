/**
 * Where `map` and `route` get a collection's map from: the catalog, or a gateway. It must not
 * change anything: a directory that is not there stays so.
 */

import type { CollectionConfig, GatewayConfig } from "../config/config.ts";
import type { CollectionName } from "../router/ids.ts";
import { OPERATE_PERMISSION } from "../router/permissions.ts";
import { parseShardMap, type ShardMap } from "../router/shard-map.ts";
import { describeCatalog, openCatalog } from "../shards/catalog/open-catalog.ts";
import { connect, noCatalog, notRunning, type TargetOptions } from "./command-context.ts";
import { dataDirectory, displayPath, isThere, parseFields } from "./data-directory.ts";
import { CliFailure, errorLine } from "./failure.ts";
import { operatorConfiguration } from "./operator.ts";
import { findInstance } from "./supervisor/instance-file.ts";
import { readLayout } from "./supervisor/layout.ts";

/** A collection and its current map. */
export interface MappedCollection {
  readonly config: CollectionConfig;
  readonly map: ShardMap;
}

/** `--config` beside what names a gateway: where the catalog is, and how each collection is cut into slots. */
export interface MapTarget extends TargetOptions {
  readonly config?: string;
}

/** Reads the map. Throws `CliFailure` when there is no such collection, or no instance. */
export async function readMap(collection: CollectionName, target: MapTarget): Promise<MappedCollection> {
  const config = operatorConfiguration(target);
  const found = config.collections.get(collection);
  if (found === undefined) {
    throw new CliFailure(`there is no collection "${collection}"`, {
      hint: `configured are: ${[...config.collections.keys()].join(", ")}`,
    });
  }
  const map = target.url === undefined ? await mapOfCatalog(found, target, config) : await mapOfGateway(found, target);
  return { config: found, map };
}

async function mapOfCatalog(collection: CollectionConfig, target: TargetOptions, local: GatewayConfig) {
  const directory = dataDirectory(target.data);
  if (local.catalog.kind === "sqlite" && !isThere(directory.catalog)) throw noCatalog(directory);
  try {
    const catalog = await openCatalog(local.catalog, { file: directory.catalog, environment: process.env });
    try {
      const map = await catalog.current(collection.name);
      if (map !== null) return map;
    } finally {
      await catalog.close();
    }
  } catch (error) {
    // Engines of this machine run only while the instance does.
    if (readLayout(directory)?.storage.catalog === "dynamodb" && findInstance(directory) === null) {
      throw notRunning(directory);
    }
    const where = describeCatalog(local.catalog, displayPath(directory.catalog));
    throw new CliFailure(`cannot read the catalog, ${where}: ${errorLine(error)}`, { cause: error });
  }
  throw new CliFailure(`the collection "${collection.name}" has no map yet`, {
    hint: "`npm start` publishes its first",
  });
}

async function mapOfGateway(collection: CollectionConfig, target: TargetOptions): Promise<ShardMap> {
  const client = connect(target, [OPERATE_PERMISSION]);
  try {
    const answer = await client.demand({ method: "GET", path: `/maps/${collection.name}` });
    const fields = { version: 1, parent: 0, collection: collection.name, ...parseFields(answer.body) };
    const parsed = parseShardMap(fields, { placement: collection.placement, shards: null });
    if (!parsed.ok) throw new CliFailure(`${client.url} sent a map that is not valid: ${parsed.detail}`);
    return parsed.value;
  } finally {
    await client.close();
  }
}
