// A catalog in a file of its own, for one test. Must not test anything.
import { join } from "node:path";
import type { ShardMap } from "../../../router/shard-map.ts";
import type { Catalog } from "../../../shards/catalog/port.ts";
import { createSqliteCatalog } from "../../../shards/catalog/sqlite-catalog.ts";
import { author } from "../../contract/catalog-fixture.ts";
import { makeDirectory, removeDirectory } from "../../contract/temporary-directory.ts";

/** The catalog, and what ends it. */
export interface TestCatalog {
  readonly directory: string;
  readonly catalog: Catalog;
  readonly dispose: () => Promise<void>;
}

/** Opens one with these first maps. */
export async function openTestCatalog(...maps: readonly ShardMap[]): Promise<TestCatalog> {
  const directory = makeDirectory();
  const catalog = await createSqliteCatalog({ file: join(directory, "catalog.db") });
  for (const map of maps) await catalog.create(map, author());
  const dispose = async (): Promise<void> => {
    await catalog.close();
    removeDirectory(directory);
  };
  return { directory, catalog, dispose };
}
