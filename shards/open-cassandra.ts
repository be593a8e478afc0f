/**
 * Opens a shard's store in Cassandra: lets itself in, looks whether the keyspace is what this program needs, and says
 * clearly why not.
 * It must not be loaded by shards that keep their data elsewhere, nor change a schema.
 */
import type { CassandraStoreConfig } from "../config/storage.ts";
import type { ShardId } from "../router/ids.ts";
import { type CassandraLog, openSession } from "./cassandra/driver-session.ts";
import { isUpToDate, planSchema, type SchemaPlan } from "./cassandra/schema-plan.ts";
import { CassandraError, type CassandraSession } from "./cassandra/session.ts";
import { type CassandraSettings, readCassandraSettings } from "./cassandra/settings.ts";
import { type Clock, systemClock } from "./clock.ts";
import { FatalError } from "./fatal-error.ts";
import type { Logger } from "./log.ts";
import { LogBound } from "./log-bound.ts";
import { createCassandraStore, ForeignKeyspaceError } from "./store/cassandra-store.ts";
import { type Store, type StoreCollection, StoreError } from "./store/port.ts";

/** Whose keyspace of which cluster. */
export interface CassandraRequest {
  readonly shard: ShardId;
  readonly config: CassandraStoreConfig;
  readonly collections: readonly StoreCollection[];
  readonly log: Logger;
}

/** Opens the store. Throws `FatalError` STORE_UNREACHABLE, SCHEMA_MISSING, STORE_UNUSABLE. */
export async function openCassandra(request: CassandraRequest): Promise<Store> {
  try {
    return await connect(request);
  } catch (error) {
    throw fatalOf(error, request.config);
  }
}

async function connect(request: CassandraRequest): Promise<Store> {
  const { shard, config, collections, log } = request;
  const settings = readCassandraSettings(config, process.env);
  const session = await openSession({ settings, keyspace: null, log: boundWarnings(log, systemClock) });
  try {
    const keyspace = await requireSchema(request, session, settings);
    return await createCassandraStore({ session, keyspace, shard, collections, log });
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Servers warn in each answer alike: of each kind of request one line a second is enough. */
export function boundWarnings(log: Logger, clock: Pick<Clock, "nowMs">): CassandraLog {
  const bound = new LogBound(clock);
  return (level, event, fields) => {
    if (event !== "cassandra-warning") return log(level, event, fields);
    return bound.write(String(fields["request"]), (leftOut) => log(level, event, { ...fields, ...leftOut }));
  };
}

async function requireSchema(
  { shard, collections, log }: CassandraRequest,
  session: CassandraSession,
  settings: CassandraSettings,
): Promise<string> {
  const plan = await planSchema({ session, settings, shard, collections }, { by: shard, nowMs: Date.now() });
  for (const difference of plan.differences) log("warn", "schema-differs", { difference });
  if (isUpToDate(plan)) return plan.keyspace;
  throw new FatalError("SCHEMA_MISSING", `keyspace ${plan.keyspace} is not ready (${missing(plan)})`);
}

function missing({ preparation, steps }: SchemaPlan): string {
  const [first, ...others] = [...preparation, ...steps].map(({ title }) => title);
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `to do: ${first ?? "nothing"}${more}; run \`zgate schema apply\``;
}

/** What may pass by itself is STORE_UNREACHABLE, whoever says so: a node can die between two requests. */
export function fatalOf(error: unknown, { name, contactPoints }: CassandraStoreConfig): unknown {
  if (!(error instanceof CassandraError || error instanceof StoreError)) return error;
  const where = `the store "${name}" at ${contactPoints.join(", ")}`;
  if (error instanceof ForeignKeyspaceError || isFinal(error.kind)) {
    return new FatalError("STORE_UNUSABLE", `cannot use ${where}: ${error.message}`, { cause: error });
  }
  return new FatalError("STORE_UNREACHABLE", `cannot reach ${where}: ${error.message}`, { cause: error });
}

function isFinal(kind: CassandraError["kind"] | StoreError["kind"]): boolean {
  return kind === "broken" || kind === "full";
}
