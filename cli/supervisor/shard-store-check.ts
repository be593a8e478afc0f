/**
 * Asks shards that have just started whether they still hold their data, so that `up` can say at once what is wrong
 * instead of waiting for a readiness that cannot come. It must not repair anything.
 */
import { join } from "node:path";
import { request } from "undici";
import { INTERNAL_PATH } from "../../router/contract.ts";
import { type DataDirectory, displayPath, parseFields } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { LOCAL_HOST } from "./ports.ts";
import type { ShardPlan } from "./shard-part.ts";

const ASK_TIMEOUT_MS = 5000;

/** Rejects with a `CliFailure` when the store of a running shard has been lost. */
export async function requireStores(directory: DataDirectory, plans: readonly ShardPlan[]): Promise<void> {
  await Promise.all(
    plans.map(async (plan) => {
      const lost = await lostCollections(plan.port);
      if (lost.length > 0) throw storeLost(directory, plan.id, lost);
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

function storeLost(directory: DataDirectory, shard: string, collections: readonly string[]): CliFailure {
  const store = displayPath(join(directory.root, shard, "store.db"));
  return new CliFailure(`${shard} has lost its store: it holds nothing of ${collections.join(", ")} any more`, {
    hint:
      `restore ${store} from its backup (docs/operations.md, "When a store is lost"), ` +
      `or give up the data: remove ${displayPath(directory.root)} and start anew`,
  });
}
