/**
 * The keyspaces of the shards that keep their data in Cassandra: what each lacks, and making it. It must not decide what
 * is printed.
 */
import type { GatewayConfig } from "../../config/config.ts";
import type { CassandraStoreConfig } from "../../config/storage.ts";
import type { ShardId } from "../../router/ids.ts";
import type { AppliedSchema } from "../../shards/cassandra/schema-apply.ts";
import type { SchemaPlan, SchemaStep, SchemaTarget } from "../../shards/cassandra/schema-plan.ts";
import type { CassandraSession } from "../../shards/cassandra/session.ts";
import { CliFailure, errorLine } from "../failure.ts";

/** One shard and the store it is in. */
export interface KeyspaceOwner {
  readonly shard: ShardId;
  readonly store: CassandraStoreConfig;
}

/** The keyspaces of one configuration, as a person with the right permissions may see and change them. */
export interface Keyspaces {
  plan(owner: KeyspaceOwner): Promise<SchemaPlan>;
  apply(owner: KeyspaceOwner, onStep: (step: SchemaStep) => void): Promise<AppliedSchema>;
}

/** Environment variables by name. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The shards whose data are in Cassandra, in the file's order; only `shard` when it is named. */
export function keyspaceOwners(config: GatewayConfig, shard: ShardId | null): readonly KeyspaceOwner[] {
  const shards = [...config.shards.values()].filter(({ id }) => shard === null || id === shard);
  if (shard !== null && shards.length === 0) {
    const known = [...config.shards.keys()].join(", ");
    throw new CliFailure(`there is no shard "${shard}"; the configuration has ${known}`, { exitCode: 2 });
  }
  return shards.flatMap(({ id, store }) => (store.kind === "cassandra" ? [{ shard: id, store }] : []));
}

/** Runs `work` with one connection to each cluster it needs, and closes them. Rejects with `CliFailure`. */
export async function withKeyspaces<Result>(
  { config, environment }: { readonly config: GatewayConfig; readonly environment: Environment },
  work: (keyspaces: Keyspaces) => Promise<Result>,
): Promise<Result> {
  // Only now: most commands need no driver, and it costs each a part of a second.
  const [{ applySchema }, { planSchema }] = await Promise.all([
    import("../../shards/cassandra/schema-apply.ts"),
    import("../../shards/cassandra/schema-plan.ts"),
  ]);
  const connections = new Map<string, Connection>();
  const target = async ({ shard, store }: KeyspaceOwner): Promise<SchemaTarget> => {
    const known = connections.get(store.name) ?? (await connect(store, environment));
    connections.set(store.name, known);
    return { ...known, shard, collections: [...config.collections.values()] };
  };
  const by = environment["USER"] ?? "zgate schema apply";
  try {
    return await work({
      plan: (owner) => told(owner, async () => planSchema(await target(owner), { by, nowMs: Date.now() })),
      apply: (owner, onStep) => told(owner, async () => applySchema({ ...(await target(owner)), by, onStep })),
    });
  } finally {
    for (const { session } of connections.values()) await session.close();
  }
}

type Connection = Pick<SchemaTarget, "session" | "settings"> & { readonly session: CassandraSession };

async function connect(store: CassandraStoreConfig, environment: Environment): Promise<Connection> {
  const [{ openSession }, { readCassandraSettings }] = await Promise.all([
    import("../../shards/cassandra/driver-session.ts"),
    import("../../shards/cassandra/settings.ts"),
  ]);
  const settings = readCassandraSettings(store, environment);
  return { settings, session: await openSession({ settings, keyspace: null }) };
}

async function told<Result>({ shard, store }: KeyspaceOwner, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new CliFailure(`shard ${shard} in store "${store.name}": ${errorLine(error)}`, { cause: error });
  }
}
