/**
 * Asks shards that have just started whether they still hold their data, so that `up` can say at once what is wrong
 * instead of waiting for a readiness that cannot come. It must not repair anything.
 */
import { join } from "node:path";
import { request } from "undici";
import { INTERNAL_PATH } from "../../router/contract.ts";
import type { LocalConfiguration } from "../configuration.ts";
import { type DataDirectory, displayPath, parseFields } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { LOCAL_HOST } from "./ports.ts";
import type { ShardPlan } from "./shard-part.ts";

const ASK_TIMEOUT_MS = 5000;

/** Whose shards they are. */
export interface ShardsOwner {
  readonly directory: DataDirectory;
  readonly local: Pick<LocalConfiguration, "config">;
}

/** Rejects with a `CliFailure` when the store of a running shard has been lost. */
export async function requireStores(owner: ShardsOwner, plans: readonly ShardPlan[]): Promise<void> {
  await Promise.all(
    plans.map(async (plan) => {
      const lost = await lostCollections(plan.port);
      if (lost.length > 0) throw storeLost(owner, plan.id, lost);
    }),
  );
}

async function lostCollections(port: number): Promise<readonly string[]> {
  const limits = { headersTimeout: ASK_TIMEOUT_MS, bodyTimeout: ASK_TIMEOUT_MS };
  const { body } = await request(`http://${LOCAL_HOST}:${port}${INTERNAL_PATH.health}`, { ...limits, reset: true });
  const health = parseFields(await body.text());
  const collections = health?.["collections"];
  return health?.["reason"] === "store-lost" && Array.isArray(collections) ? collections.map(String) : [];
}

/** Its data are somewhere, or in a backup: nothing here may lead to losing the other shards' as well. */
function storeLost({ directory, local }: ShardsOwner, shard: string, collections: readonly string[]): CliFailure {
  const store = [...local.config.shards.values()].find(({ id }) => id === shard)?.store;
  const backup =
    store?.kind === "cassandra"
      ? `its keyspace from its backup (docs/stores.md, "Backup and restore")`
      : `${displayPath(join(directory.root, shard, "store.db"))} from its backup (docs/operations.md, "When a store is lost")`;
  return new CliFailure(`${shard} has lost its store: it holds nothing of ${collections.join(", ")} any more`, {
    hint: `restore ${backup}, or start without the shard if nothing depends on it`,
  });
}
