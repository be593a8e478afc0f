/**
 * What a keyspace is made of, as its cluster and its own bookkeeping tell. It must read only.
 */
import type { CollectionName } from "../../router/ids.ts";
import type { CassandraSession, Columns, Statement } from "./session.ts";
import { BOOKKEEPING_TABLE } from "./tables.ts";

/** A keyspace as found. Nothing is in one that does not exist. */
export interface FoundSchema {
  /** As the cluster has it: class and replicas by datacenter. Null: there is no such keyspace. */
  readonly replication: ReadonlyMap<string, string> | null;
  readonly tables: ReadonlySet<string>;
  /** Migrations that were applied. */
  readonly versions: ReadonlySet<number>;
  /** Whose keyspace it is; null when nobody has said. */
  readonly shard: string | null;
  readonly collections: ReadonlyMap<CollectionName, RecordedCollection>;
}

/** How a collection was created. */
export interface RecordedCollection {
  readonly kind: string;
  readonly stripes: number;
}

/** Far more than any keyspace has tables. */
const ROWS_MAX = 1_000;

/** Reads it. `keyspace` is a checked name. Rejects with a CassandraError. */
export async function readSchema(session: CassandraSession, keyspace: string): Promise<FoundSchema> {
  const read = (cql: string, parameters: readonly unknown[] = []) => readAll(session, { cql, parameters });
  const [layout] = await read("SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?", [keyspace]);
  const tableRows = await read("SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?", [keyspace]);
  const tables = new Set(tableRows.map((row) => String(row["table_name"])));
  const readTable = (table: string, columns: string) =>
    tables.has(table) ? read(`SELECT ${columns} FROM ${keyspace}.${table}`) : Promise.resolve([]);
  const versions = await readTable(BOOKKEEPING_TABLE, "version");
  const [identity] = await readTable("identity", "shard");
  const collections = await readTable("collections", "name, kind, stripes");
  return {
    replication: layout === undefined ? null : textMap(layout["replication"]),
    tables,
    versions: new Set(versions.map((row) => Number(row["version"]))),
    shard: identity === undefined ? null : String(identity["shard"]),
    collections: new Map(collections.map(parseCollection)),
  };
}

async function readAll(session: CassandraSession, statement: Statement): Promise<readonly Columns[]> {
  const { rows } = await session.readQuorum(statement, { rowsMax: ROWS_MAX, after: null });
  return rows;
}

function parseCollection(row: Columns): readonly [CollectionName, RecordedCollection] {
  return [row["name"] as CollectionName, { kind: String(row["kind"]), stripes: Number(row["stripes"]) }];
}

/** A CQL map arrives as an object. */
function textMap(value: unknown): ReadonlyMap<string, string> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return new Map(entries.map(([name, text]) => [name, String(text)]));
}
