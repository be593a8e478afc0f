/**
 * Everything an instance needs before its first process: left-overs gone, ports free, layout, keys, configuration,
 * collections. It must not start a part.
 */
import { randomUUID } from "node:crypto";
import { createSqliteCatalog } from "../../shards/catalog/sqlite-catalog.ts";
import type { Configuration } from "../configuration.ts";
import { type DataDirectory, displayPath, writeWhole } from "../data-directory.ts";
import { CliFailure, errorLine } from "../failure.ts";
import { ensureKeys } from "../keys.ts";
import type { Progress } from "../progress.ts";
import { hasLeftOver, settleLeftOver } from "./left-over.ts";
import { checkPorts } from "./ports.ts";
import { settleLayout, shardPlans, type UpOptions, wantedPorts } from "./up-options.ts";

/** What is prepared, with what. */
export interface Preparation {
  readonly directory: DataDirectory;
  readonly local: Configuration;
  readonly options: UpOptions;
}

/** Makes the data directory fit to start on. Throws `CliFailure`. */
export async function prepareInstance({ directory, local, options }: Preparation, progress: Progress): Promise<void> {
  if (hasLeftOver(directory)) progress.step("waiting for processes of a killed start to end…");
  await settleLeftOver(directory);
  const shards = shardPlans(options, local);
  await checkPorts(wantedPorts(options, shards));
  settleLayout(
    directory,
    shards.map(({ id }) => id),
  );
  await ensureKeys(directory);
  writeWhole(directory.config, local.text);
  await createCollections(directory, local);
}

/** Publishes the first map of every collection that has none; one that has a map keeps it. */
async function createCollections(directory: DataDirectory, local: Configuration): Promise<void> {
  try {
    const catalog = await createSqliteCatalog({ file: directory.catalog });
    try {
      for (const collection of local.config.collections.values()) {
        if ((await catalog.current(collection.name)) !== null) continue;
        await catalog.create(collection.initialMap, { actor: "zgate up", writer: randomUUID(), atMs: Date.now() });
      }
    } finally {
      await catalog.close();
    }
  } catch (error) {
    throw new CliFailure(`cannot use the catalog ${displayPath(directory.catalog)}: ${errorLine(error)}`, {
      cause: error,
    });
  }
}
