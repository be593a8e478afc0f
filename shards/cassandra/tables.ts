/**
 * The CQL of a shard's keyspace and tables. A released migration must never change; what is different tomorrow is
 * another migration.
 */
import { createHash } from "node:crypto";
import { CassandraError } from "./session.ts";

/** Names that need no quotes, as Cassandra limits them: whoever writes them into CQL has checked them here. */
const PLAIN_NAME = /^[a-z][a-z0-9_]{0,47}$/;

/** `name` if it can be written into CQL as it is. Throws a `broken` CassandraError. */
export function checkedName(name: string): string {
  if (PLAIN_NAME.test(name)) return name;
  throw new CassandraError(
    "broken",
    `"${name}" is no name for a keyspace or a table: expected [a-z][a-z0-9_], at most 48`,
  );
}

/** Creates a keyspace with replicas in each datacenter. */
export function createKeyspace(keyspace: string, replication: ReadonlyMap<string, number>): string {
  const replicas = [...replication].map(([name, count]) => `${literal(name)}: ${count}`).join(", ");
  const strategy = `{'class': 'NetworkTopologyStrategy', ${replicas}}`;
  return `CREATE KEYSPACE IF NOT EXISTS ${checkedName(keyspace)} WITH replication = ${strategy} AND durable_writes = true`;
}

/** A text as CQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * The table of the lease under which all others are made. It cannot be made under a lease itself, and a table that two
 * nodes create at once under different ids breaks the schema: so it has an id that follows from its name.
 */
export function createLeaseTable(keyspace: string): string {
  const table = `${checkedName(keyspace)}.${LEASE_TABLE}`;
  const digits = createHash("sha256").update(table).digest("hex");
  // Shaped as a UUID of version 8, whose content is the maker's own (RFC 9562, section 5.8).
  const id = digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-8$3-8$4-$5");
  return `CREATE TABLE IF NOT EXISTS ${table} (what text PRIMARY KEY, holder text) WITH id = ${literal(id)}`;
}

/** Name of the lease's table. */
export const LEASE_TABLE = "zgate_lease";

/** Name of the table that says which migrations were applied. */
export const BOOKKEEPING_TABLE = "zgate_schema";

/** What a migration changes. All names are checked. */
export interface MigrationTarget {
  readonly keyspace: string;
  /**
   * The document tables that are there, of collections that are not configured any more, too. A table that is made later is made by
   * `createDocumentTable` as it is then: a change of documents goes into both.
   */
  readonly documentTables: readonly string[];
}

/** One numbered change of what every keyspace has. Its number is its place, from 1. */
export interface Migration {
  readonly title: string;
  /** Repeatable (`IF NOT EXISTS`), also on a table that was made with the change in it. */
  readonly statements: (target: MigrationTarget) => readonly string[];
}

/** All changes so far, in order. The bookkeeping itself comes first, so that a later program can be told apart. */
export const MIGRATIONS: readonly Migration[] = [
  {
    title: "bookkeeping, identity, collections, claims",
    statements: ({ keyspace }) => [
      `CREATE TABLE IF NOT EXISTS ${keyspace}.${BOOKKEEPING_TABLE} (version int PRIMARY KEY, applied_at_ms bigint, applied_by text)`,
      `CREATE TABLE IF NOT EXISTS ${keyspace}.identity (what text PRIMARY KEY, shard text)`,
      `CREATE TABLE IF NOT EXISTS ${keyspace}.collections (name text PRIMARY KEY, kind text, stripes int)`,
      `CREATE TABLE IF NOT EXISTS ${keyspace}.claims (collection text PRIMARY KEY, state text, digest text, slots text)`,
    ],
  },
];

/**
 * Levelled compaction, because each conditional write reads its partition first, and then few files hold it. Ten days of
 * grace: a node that was away for longer must come back empty, or what was swept returns. No rows are cached: a
 * conditional write would throw a whole partition out. Nothing ever expires by itself.
 */
const DOCUMENT_OPTIONS = [
  "CLUSTERING ORDER BY (kind ASC, key ASC)",
  "compaction = {'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': '160'}",
  "compression = {'class': 'LZ4Compressor', 'chunk_length_in_kb': '16'}",
  "caching = {'keys': 'ALL', 'rows_per_partition': 'NONE'}",
  "gc_grace_seconds = 864000",
  "default_time_to_live = 0",
  "read_repair = 'BLOCKING'",
];

/**
 * The table of a collection's documents, as the newest migration leaves it: a partition is a slot, its static columns are the
 * slot's ownership. `kind` is 0 for documents and tombstones, 1 for the sentinel, 2 for idempotency records, 3 for what is to be swept, by age, 4 for
 * the traces of batches.
 */
export function createDocumentTable(keyspace: string, table: string): string {
  const columns = [
    "slot text",
    "own_state text static, own_epoch bigint static",
    "own_move text static, own_run text static, own_to text static, own_digest text static",
    "kind tinyint, key text",
    "op text, deleted boolean, at_ms bigint, json text, fingerprint text, verdict text",
    "PRIMARY KEY (slot, kind, key)",
  ].join(", ");
  const name = `${checkedName(keyspace)}.${checkedName(table)}`;
  return `CREATE TABLE IF NOT EXISTS ${name} (${columns}) WITH ${DOCUMENT_OPTIONS.join(" AND ")}`;
}
