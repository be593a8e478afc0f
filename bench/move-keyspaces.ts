/**
 * The keyspaces of two shards on one cluster, made for one run. It must not fill them.
 */
import type { GatewayConfig } from "../config/config.ts";
import { openSession } from "../shards/cassandra/driver-session.ts";
import { keyspaceOf } from "../shards/cassandra/names.ts";
import { applySchema } from "../shards/cassandra/schema-apply.ts";
import { readCassandraSettings } from "../shards/cassandra/settings.ts";

/** A change of the schema is waited for by all nodes, which may just have started. */
const SCHEMA_MS_MAX = 60_000;

/** A keyspace for each shard of the configuration; `drop` removes them. */
export async function makeKeyspaces({ shards, collections }: GatewayConfig): Promise<{ drop(): Promise<void> }> {
  const drops: (() => Promise<void>)[] = [];
  const drop = async (): Promise<void> => {
    for (const each of drops) await each();
  };
  try {
    for (const { id: shard, store } of shards.values()) {
      if (store.kind !== "cassandra") throw new Error(`${shard} has no store on Cassandra`);
      const settings = readCassandraSettings(store, process.env);
      const session = await openSession({ settings, keyspace: null, limits: { schemaMs: SCHEMA_MS_MAX } });
      drops.push(async () => {
        await session.changeSchema(`DROP KEYSPACE IF EXISTS ${keyspaceOf(store.keyspacePrefix, shard)}`);
        await session.close();
      });
      await applySchema({ session, settings, shard, collections: [...collections.values()] });
    }
    return { drop };
  } catch (error) {
    await drop();
    throw error;
  }
}
