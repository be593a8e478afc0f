// What test instances keep their data in: embedded files, or, where the run has real engines, keyspaces and a table of
// their own in those. A file of tests runs unchanged on both.
// Must not start an engine: tests/engines/setup.ts does, once for the whole run.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { inject } from "vitest";
import type { CollectionConfig, GatewayConfig, ShardConfig } from "../../config/config.ts";
import { openSession } from "../../shards/cassandra/driver-session.ts";
import { applySchema } from "../../shards/cassandra/schema-apply.ts";
import { readCassandraSettings } from "../../shards/cassandra/settings.ts";
import { openClient } from "../../shards/catalog/dynamodb-client.ts";
import { applyCatalogSchema } from "../../shards/catalog/dynamodb-schema.ts";
import { dynamodbAddressOf, openCatalog } from "../../shards/catalog/open-catalog.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import { openStore } from "../../shards/open-store.ts";
import type { Store } from "../../shards/store/port.ts";
import type { EngineAddresses } from "../engines/engines.ts";

/** The engines of this run; null in the run on embedded files. */
export const ENGINES: EngineAddresses | null = inject("engines") ?? null;

/** More than all suites of a run have at a time. */
const KEYSPACES_MAX = 1000;

/** Says for `test.skipIf` that what is tested are SQLite's own files. */
export const IS_ON_ENGINES: boolean = ENGINES !== null;

/** Options with which `zgate up` keeps a new directory in what this run is on: on engines, in some of its own. */
export const UP_OPTIONS: readonly string[] = IS_ON_ENGINES ? ["--store", "cassandra", "--catalog", "dynamodb"] : [];

/** Longest start of such an instance, in milliseconds. */
export const UP_MS_MAX: number = IS_ON_ENGINES ? 240_000 : 90_000;

/** Where one instance's data lie. */
export interface TestStorage {
  /** The text of a zgate.toml, with the stores and the catalog that this storage is. */
  configure(configText: string): string;
  /** Keyspaces and tables; nothing for embedded files. */
  prepare(config: GatewayConfig): Promise<void>;
  openStore(config: GatewayConfig, shard: string): Promise<Store>;
  openCatalog(config: GatewayConfig): Promise<Catalog>;
  /** Drops what `prepare` has made, and the keyspaces of shards that were added since. */
  remove(): Promise<void>;
}

/** Addresses of engines; other ones than the run's own where something stands between. */
export interface StorageAddresses extends Pick<EngineAddresses, "single" | "dynamodb"> {
  /** Nodes that hold each row; one if not given. */
  readonly replicas?: number;
}

/** Storage for the instance in `directory`. */
export function createStorage(directory: string, addresses: StorageAddresses | null = ENGINES): TestStorage {
  const name = `t${randomBytes(4).toString("hex")}`;
  const prepared: GatewayConfig[] = [];
  return {
    configure: (text) => (addresses === null ? text : withEngines(text, { name, addresses })),
    async prepare(config) {
      if (addresses === null) return;
      prepared.push(config);
      await prepareEngines(config);
    },
    openStore: (config, shard) => openShardStore(config, join(directory, shard), shard),
    openCatalog: ({ catalog }) =>
      openCatalog(catalog, { file: join(directory, "catalog.db"), environment: process.env }),
    async remove() {
      for (const config of prepared.splice(0)) await dropAll(config);
    },
  };
}

interface Placement {
  readonly name: string;
  readonly addresses: StorageAddresses;
}

function withEngines(text: string, { name, addresses }: Placement): string {
  const { single, dynamodb, replicas = 1 } = addresses;
  const stores = {
    test: {
      ...{ kind: "cassandra", datacenter: single.datacenter, replication: { [single.datacenter]: replicas } },
      ...{ keyspace_prefix: `${name}_`, contact_points: [...single.contactPoints] },
    },
  };
  const catalog = { kind: "dynamodb", table: `${name}-catalog`, ...dynamodb };
  const shards = text.replaceAll(/^\[\[shards\]\]$/gm, '[[shards]]\nstore = "test"');
  return `${shards}\n${stringify({ stores, catalog })}`;
}

function openShardStore(config: GatewayConfig, dataDirectory: string, id: string): Promise<Store> {
  const shard = shardOf(config, id);
  return openStore({
    options: { shard: shard.id, dataDirectory },
    config: shard.store,
    collections: [...config.collections.values()],
    log: () => undefined,
  });
}

function shardOf(config: GatewayConfig, id: string): ShardConfig {
  const shard = config.shards.get(id);
  if (shard === undefined) throw new Error(`${id} is not configured`);
  return shard;
}

async function prepareEngines(config: GatewayConfig): Promise<void> {
  const collections: readonly CollectionConfig[] = [...config.collections.values()];
  if (config.catalog.kind === "dynamodb") await applyCatalogSchema(dynamodbAddressOf(config.catalog, process.env));
  await onCluster(config, async (cluster) => {
    for (const { id } of config.shards.values()) await applySchema({ ...cluster, shard: id, collections });
  });
}

async function dropAll(config: GatewayConfig): Promise<void> {
  await onCluster(config, async ({ session, settings }) => {
    const cql = "SELECT keyspace_name FROM system_schema.keyspaces";
    const { rows } = await session.readQuorum({ cql, parameters: [] }, { rowsMax: KEYSPACES_MAX, after: null });
    const own = rows
      .map((row) => String(row["keyspace_name"]))
      .filter((name) => name.startsWith(settings.keyspacePrefix));
    for (const keyspace of own) await session.changeSchema(`DROP KEYSPACE IF EXISTS ${keyspace}`);
  });
  if (config.catalog.kind !== "dynamodb") return;
  const client = await openClient(dynamodbAddressOf(config.catalog, process.env));
  await client.deleteTable({ TableName: config.catalog.table });
  client.destroy();
}

interface Cluster {
  readonly session: Awaited<ReturnType<typeof openSession>>;
  readonly settings: ReturnType<typeof readCassandraSettings>;
}

async function onCluster(config: GatewayConfig, work: (cluster: Cluster) => Promise<void>): Promise<void> {
  const [store] = [...config.shards.values()].map((shard) => shard.store);
  if (store?.kind !== "cassandra") return;
  const settings = readCassandraSettings(store, process.env);
  const session = await openSession({ settings, keyspace: null });
  try {
    await work({ session, settings });
  } finally {
    await session.close();
  }
}
