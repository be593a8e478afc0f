/**
 * Chooses the store that the configuration gives the shard. What is not chosen is not loaded: neither SQLite nor a
 * driver.
 * It must not prepare a database that is not embedded: the command line applies schemas.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { StoreConfig } from "../config/storage.ts";
import { FatalError, toFatal } from "./fatal-error.ts";
import type { Logger } from "./log.ts";
import type { ShardOptions } from "./options.ts";
import type { Store, StoreCollection } from "./store/port.ts";

/** What must be told to open a shard's store. */
export interface StoreRequest {
  readonly options: Pick<ShardOptions, "shard" | "dataDirectory">;
  readonly config: StoreConfig;
  readonly collections: readonly StoreCollection[];
  readonly log: Logger;
}

/**
 * Opens the store. Throws `FatalError`: STORE_UNREACHABLE may pass by itself; SCHEMA_MISSING and STORE_UNUSABLE have to
 * be mended.
 */
export async function openStore(request: StoreRequest): Promise<Store> {
  const { options, config, collections, log } = request;
  if (config.kind === "sqlite") return openSqlite(options, collections);
  const { openCassandra } = await import("./open-cassandra.ts");
  return openCassandra({ shard: options.shard, config, collections, log });
}

async function openSqlite({ shard, dataDirectory }: StoreRequest["options"], collections: readonly StoreCollection[]) {
  if (dataDirectory === null) {
    throw new FatalError("OPTIONS_INVALID", `--data is missing: ${shard} keeps its data in SQLite; see --help`);
  }
  const { createSqliteStore } = await import("./store/sqlite-store.ts");
  const file = join(dataDirectory, "store.db");
  try {
    mkdirSync(dataDirectory, { recursive: true });
    return await createSqliteStore({ file, shard, collections });
  } catch (error) {
    throw new FatalError("STORE_UNUSABLE", `cannot use ${file}: ${toFatal(error).message}`, { cause: error });
  }
}
