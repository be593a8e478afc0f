// Shards on a cluster of the run's own: their configuration, the keyspaces, the processes.
// Must not know what will be broken.
import { type CollectionConfig, parseConfig, type ShardConfig } from "../../config/config.ts";
import { openSession } from "../../shards/cassandra/driver-session.ts";
import { applySchema } from "../../shards/cassandra/schema-apply.ts";
import { readCassandraSettings } from "../../shards/cassandra/settings.ts";
import { findFreePorts } from "../e2e/free-ports.ts";
import { createShardFiles, type ShardFiles, twoShardConfig } from "../e2e/shard-process.ts";
import type { FaultyCluster } from "./faulty-cluster.ts";
import { ShardCrew } from "./shard-crew.ts";

/** The shards and what they lie in. */
export interface CassandraShards {
  readonly configText: string;
  readonly files: ShardFiles;
  readonly crew: ShardCrew;
}

/** Prepares the keyspaces, RF 3, and starts two shards of two workers whose clocks lie 30 s apart. */
export async function startCassandraShards(cluster: FaultyCluster, directory: string): Promise<CassandraShards> {
  const port = await findFreePorts(2);
  const ports = [port, port + 1] as const;
  const configText = `${onCluster(twoShardConfig(ports), cluster)}`;
  await prepareKeyspaces(configText);
  const files = await createShardFiles({ configText, directory });
  const crew = await ShardCrew.start({ files, ports, workers: 2, clockSkewMs: 15_000 });
  return { configText, files, crew };
}

function onCluster(configText: string, { contactPoints, datacenter }: FaultyCluster): string {
  const shards = configText.replaceAll(/^\[\[shards\]\]$/gm, '[[shards]]\nstore = "cluster"');
  return `${shards}
[stores.cluster]
kind = "cassandra"
contact_points = ${JSON.stringify(contactPoints)}
datacenter = "${datacenter}"
replication = { ${datacenter} = 3 }
`;
}

async function prepareKeyspaces(configText: string): Promise<void> {
  const config = parseConfig(configText, "the shards' configuration");
  const collections = [...config.collections.values()];
  // Each change of a schema is mostly a wait until the nodes agree, so both wait at once.
  await Promise.all([...config.shards.values()].map((shard) => prepareKeyspace(shard, collections)));
}

async function prepareKeyspace({ id, store }: ShardConfig, collections: readonly CollectionConfig[]): Promise<void> {
  if (store.kind !== "cassandra") throw new Error("broken assumption: all shards are on the cluster");
  const settings = readCassandraSettings(store, process.env);
  const session = await openSession({ settings, keyspace: null });
  try {
    await applySchema({ session, settings, shard: id, collections });
  } finally {
    await session.close();
  }
}
