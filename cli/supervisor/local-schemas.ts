/**
 * Keyspaces and tables in the engines that an instance runs by itself. It must not touch what the configuration names:
 * there a person decides when, with `zgate schema apply`.
 */
import type { GatewayConfig, ShardConfig } from "../../config/config.ts";
import type { CassandraStoreConfig } from "../../config/storage.ts";
import { dynamodbAddressOf } from "../../shards/catalog/open-catalog.ts";
import { CliFailure, errorLine } from "../failure.ts";
import { placeOf, type StorageChoice } from "../storage-choice.ts";

/** Applies all of them; what is there already stays. Throws `CliFailure`. */
export async function applyLocalSchemas(config: GatewayConfig, storage: StorageChoice): Promise<void> {
  try {
    if (storage.nodes > 0) await applyKeyspaces(config, storage);
    if (storage.catalog === "dynamodb") await applyTable(config);
  } catch (error) {
    throw new CliFailure(`cannot prepare the engines: ${errorLine(error)}`, { cause: error });
  }
}

/** One after the other: a change of the schema is a change of the whole cluster. */
async function applyKeyspaces(config: GatewayConfig, storage: StorageChoice): Promise<void> {
  const [{ openSession }, { readCassandraSettings }, { applySchema }] = await Promise.all([
    import("../../shards/cassandra/driver-session.ts"),
    import("../../shards/cassandra/settings.ts"),
    import("../../shards/cassandra/schema-apply.ts"),
  ]);
  const here = [...config.shards.values()].filter(({ id }) => placeOf(storage, id) === "cassandra");
  const stores = here.flatMap((shard) => storesIn(shard));
  const [first] = stores;
  if (first === undefined) return;
  const settings = readCassandraSettings(first.store, process.env);
  const session = await openSession({ settings, keyspace: null });
  try {
    for (const { shard } of stores) {
      await applySchema({ session, settings, shard: shard.id, collections: [...config.collections.values()] });
    }
  } finally {
    await session.close();
  }
}

function storesIn(
  shard: ShardConfig,
): readonly { readonly shard: ShardConfig; readonly store: CassandraStoreConfig }[] {
  return shard.store.kind === "cassandra" ? [{ shard, store: shard.store }] : [];
}

async function applyTable({ catalog }: GatewayConfig): Promise<void> {
  if (catalog.kind !== "dynamodb") return;
  const { applyCatalogSchema } = await import("../../shards/catalog/dynamodb-schema.ts");
  await applyCatalogSchema(dynamodbAddressOf(catalog, process.env));
}
