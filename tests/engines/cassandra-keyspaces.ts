/**
 * Empty databases for suites on Cassandra: keyspaces that are made once, lent to one test at a time and emptied behind it.
 * It must not hold an expectation.
 *
 * A table costs 0.3 s on one node and 1.3 s on three, emptying one about a third of that, and mostly waiting: so that
 * happens while the next test runs in another keyspace.
 */
import { randomBytes } from "node:crypto";
import type { CollectionName, ShardId } from "../../router/ids.ts";
import { openSession } from "../../shards/cassandra/driver-session.ts";
import { keyspaceOf, tableOf } from "../../shards/cassandra/names.ts";
import { applySchema } from "../../shards/cassandra/schema-apply.ts";
import type { CassandraSession } from "../../shards/cassandra/session.ts";
import type { CassandraSettings } from "../../shards/cassandra/settings.ts";
import type { StoreCollection } from "../../shards/store/port.ts";
import type { CassandraAddress } from "./engines.ts";

/**
 * Keyspaces that are emptied and used by turns. One rests between its use and its emptying for as long as two tests take: a
 * write that is acknowledged by two nodes may reach the third one later, and there it would outlive an emptying.
 */
const KEYSPACES = 4;
const RESTING = 2;

/** A keyspace with a table for each collection, all of them empty. */
export interface LentKeyspace {
  readonly keyspace: string;
  readonly session: CassandraSession;
  /** Empties the tables of these collections, some time. */
  giveBack(used: readonly CollectionName[]): void;
}

/** The keyspaces of one suite on one cluster. */
export interface KeyspacePool {
  lend(): Promise<LentKeyspace>;
  /** Drops everything and closes the connection. */
  dispose(): Promise<void>;
}

/** What the keyspaces are for. */
export interface PoolOptions {
  readonly address: CassandraAddress;
  readonly replicas: number;
  readonly shard: ShardId;
  readonly collections: readonly StoreCollection[];
}

/** Settings of a connection to a cluster of the tests; every prefix is another database. */
export function settingsFor({ address, replicas }: Pick<PoolOptions, "address" | "replicas">): CassandraSettings {
  return {
    name: "test",
    contactPoints: address.contactPoints,
    datacenter: address.datacenter,
    replication: new Map([[address.datacenter, replicas]]),
    keyspacePrefix: `t${randomBytes(5).toString("hex")}_`,
    credentials: null,
    tls: null,
    traceFraction: 0,
  };
}

/** The same session for one who must not close it. */
export function withoutClosing(session: CassandraSession): CassandraSession {
  return {
    readSerial: (...request) => session.readSerial(...request),
    readQuorum: (statement, paging) => session.readQuorum(statement, paging),
    compareAndSet: (statements) => session.compareAndSet(statements),
    write: (statements) => session.write(statements),
    changeSchema: (cql) => session.changeSchema(cql),
    status: () => session.status(),
    nodesByDatacenter: () => session.nodesByDatacenter(),
    close: () => Promise.resolve(),
  };
}

/** Makes the pool; the keyspaces are made when they are first needed. */
export function createKeyspacePool(options: PoolOptions): KeyspacePool {
  let session: Promise<CassandraSession> | null = null;
  const made: string[] = [];
  const resting: (() => Promise<string>)[] = [];
  const ready: Promise<string>[] = [];
  const connect = () => {
    session ??= openSession({ settings: settingsFor(options), keyspace: null, limits: { writeMs: 10_000 } });
    return session;
  };
  const take = async () => {
    const next = made.length < KEYSPACES ? null : ready.shift();
    return (await next) ?? makeKeyspace(options, await connect(), made);
  };
  return {
    lend: async () => {
      const keyspace = await take();
      const connected = await connect();
      const giveBack = (used: readonly CollectionName[]) => {
        resting.push(() => empty(connected, keyspace, used));
        if (resting.length <= RESTING) return;
        const rested = resting.shift();
        if (rested !== undefined) ready.push(rested());
      };
      return { keyspace, session: withoutClosing(connected), giveBack };
    },
    dispose: async () => {
      if (session === null) return;
      const connected = await session;
      await Promise.allSettled(ready);
      await Promise.all(made.map((keyspace) => connected.changeSchema(`DROP KEYSPACE IF EXISTS ${keyspace}`)));
      await connected.close();
    },
  };
}

async function makeKeyspace(options: PoolOptions, session: CassandraSession, made: string[]): Promise<string> {
  const { shard, collections } = options;
  const settings = settingsFor(options);
  const keyspace = keyspaceOf(settings.keyspacePrefix, shard);
  made.push(keyspace);
  await applySchema({ session, settings, shard, collections });
  return keyspace;
}

/** A node may get the commit of the test's last conditional write after its table was emptied: then again. */
async function empty(session: CassandraSession, keyspace: string, used: readonly CollectionName[]): Promise<string> {
  for (const table of [...used.map(tableOf), "claims"]) {
    do await session.changeSchema(`TRUNCATE ${keyspace}.${table}`);
    while (!(await isEmpty(session, `${keyspace}.${table}`)));
  }
  return keyspace;
}

async function isEmpty(session: CassandraSession, table: string): Promise<boolean> {
  const cql = `SELECT * FROM ${table} LIMIT 1`;
  return (await session.readQuorum({ cql, parameters: [] }, { rowsMax: 1, after: null })).rows.length === 0;
}
