/**
 * What a shard's keyspace lacks, found out by SELECTs alone, as steps to be carried out. It must not change anything;
 * schema-apply.ts does, exactly what is planned here.
 */
import type { CollectionName, ShardId } from "../../router/ids.ts";
import type { Placement } from "../../router/slot.ts";
import { keyspaceOf, tableOf } from "./names.ts";
import { type FoundSchema, readSchema } from "./schema-state.ts";
import { settingDifferences } from "./server-settings.ts";
import { CassandraError, type CassandraSession, type Statement } from "./session.ts";
import type { CassandraSettings } from "./settings.ts";
import {
  BOOKKEEPING_TABLE,
  checkedName,
  createDocumentTable,
  createKeyspace,
  createLeaseTable,
  LEASE_TABLE,
  literal,
  MIGRATIONS,
  type Migration,
  type MigrationTarget,
} from "./tables.ts";

/** What the schema must know of a collection. */
export interface SchemaCollection {
  readonly name: CollectionName;
  readonly placement: Placement;
}

/** Whose keyspace, and what is to be kept in it. */
export interface SchemaTarget {
  readonly session: CassandraSession;
  readonly settings: Pick<CassandraSettings, "keyspacePrefix" | "replication">;
  readonly shard: ShardId;
  readonly collections: readonly SchemaCollection[];
  /** In place of this program's own, for tests. */
  readonly migrations?: readonly Migration[];
}

/** A change of the schema, or a row that is written unless it is there. */
export type SchemaAction =
  | { readonly kind: "change"; readonly cql: string }
  | { readonly kind: "record"; readonly statement: Statement };

/** One step; it may be repeated. */
export interface SchemaStep {
  /** For people. */
  readonly title: string;
  readonly actions: readonly SchemaAction[];
}

/** What is to be done, in order. Empty `steps`: everything is as it should be. */
export interface SchemaPlan {
  readonly keyspace: string;
  /** Before the lease can be taken: these may run in several processes at once. */
  readonly preparation: readonly SchemaStep[];
  /** Under the lease. */
  readonly steps: readonly SchemaStep[];
  /** What differs and is left to people, a line each. */
  readonly differences: readonly string[];
}

/** Who writes and when, for the bookkeeping. */
export interface Bookkeeper {
  readonly by: string;
  readonly nowMs: number;
}

/**
 * Plans. Rejects with a `broken` CassandraError where nothing may be done: another shard's keyspace, a collection that
 * was created with another placement, a schema of a later version of this program, a keyspace with more replicas than there
 * are nodes, which could not even be used to make its own tables.
 */
export async function planSchema(target: SchemaTarget, bookkeeper: Bookkeeper): Promise<SchemaPlan> {
  const { session, settings, shard, collections, migrations = MIGRATIONS } = target;
  const keyspace = checkedName(keyspaceOf(settings.keyspacePrefix, shard));
  const found = await readSchema(session, keyspace);
  refuse(found, { keyspace, shard, collections, version: migrations.length });
  if (found.replication === null) refuseMissingNodes(keyspace, settings.replication, session.nodesByDatacenter());
  return {
    keyspace,
    preparation: preparationSteps(found, keyspace, settings.replication),
    steps: [
      ...migrationSteps(found, migrations, { ...bookkeeper, ...migrationTargetOf(found, keyspace) }),
      ...identitySteps(found, keyspace, shard),
      ...collectionSteps(found, keyspace, collections),
    ],
    differences: [
      ...(found.replication === null ? [] : replicationDifferences(keyspace, found.replication, settings.replication)),
      ...(await settingDifferences(session)),
    ],
  };
}

/** Everything that a plan does, in order. */
export function allSteps({ preparation, steps }: SchemaPlan): readonly SchemaStep[] {
  return [...preparation, ...steps];
}

/** Whether a plan has nothing to do. */
export function isUpToDate(plan: SchemaPlan): boolean {
  return allSteps(plan).length === 0;
}

/** An action as it could be typed into cqlsh, values included. */
export function cqlOf(action: SchemaAction): string {
  if (action.kind === "change") return action.cql;
  const values = action.statement.parameters.map((value) =>
    typeof value === "string" ? literal(value) : String(value),
  );
  const parts = action.statement.cql.split("?");
  return parts.map((part, index) => `${part}${values[index] ?? ""}`).join("");
}

interface Expected {
  readonly keyspace: string;
  readonly shard: ShardId;
  readonly collections: readonly SchemaCollection[];
  /** Of the schema, as this program knows it. */
  readonly version: number;
}

function refuse(found: FoundSchema, { keyspace, shard, collections, version: known }: Expected): void {
  const version = Math.max(0, ...found.versions);
  if (version > known) {
    throw new CassandraError(
      "broken",
      `keyspace ${keyspace}: schema version ${version}, this program knows up to ${known}`,
    );
  }
  if (found.shard !== null && found.shard !== shard) {
    const reason = `is the store of shard "${found.shard}", and shard "${shard}" must not serve it`;
    throw new CassandraError(
      "broken",
      `keyspace ${keyspace}: ${reason}; give each shard its own keyspace_prefix, and its own backup`,
    );
  }
  for (const collection of collections) refuseOtherPlacement(found, collection);
}

function refuseOtherPlacement(found: FoundSchema, { name, placement }: SchemaCollection): void {
  const there = found.collections.get(name);
  const stripes = placement.stripes;
  if (there === undefined || (there.kind === placement.kind && there.stripes === stripes)) return;
  throw new CassandraError(
    "broken",
    `collection "${name}" was created as ${there.kind} with ${there.stripes} stripes and cannot become ${placement.kind} with ${stripes}`,
  );
}

function refuseMissingNodes(
  keyspace: string,
  replication: ReadonlyMap<string, number>,
  nodes: ReadonlyMap<string, number>,
): void {
  const faults = [...replication].flatMap(([datacenter, replicas]) => {
    const count = nodes.get(datacenter);
    if (count !== undefined && replicas <= count) return [];
    const there =
      count === undefined
        ? `the cluster has no such datacenter, but ${[...nodes.keys()].sort().join(", ")}`
        : `${datacenter} has ${count} ${count === 1 ? "node" : "nodes"}`;
    return [`replication ${datacenter} = ${replicas}, and ${there}`];
  });
  if (faults.length === 0) return;
  throw new CassandraError("broken", `keyspace ${keyspace} was not created: ${faults.join("; ")}`);
}

function preparationSteps(
  found: FoundSchema,
  keyspace: string,
  replication: ReadonlyMap<string, number>,
): readonly SchemaStep[] {
  const steps: SchemaStep[] = [];
  if (found.replication === null)
    steps.push(change(`create keyspace ${keyspace}`, [createKeyspace(keyspace, replication)]));
  if (!found.tables.has(LEASE_TABLE)) steps.push(change("create the lease table", [createLeaseTable(keyspace)]));
  return steps;
}

/** Tables that a stopped `apply` has recorded but not made are left to collectionSteps. */
function migrationTargetOf(found: FoundSchema, keyspace: string): MigrationTarget {
  const recorded = [...found.collections.keys()].map(tableOf).map(checkedName);
  return { keyspace, documentTables: recorded.filter((table) => found.tables.has(table)).sort() };
}

function migrationSteps(
  found: FoundSchema,
  migrations: readonly Migration[],
  { by, nowMs, ...target }: Bookkeeper & MigrationTarget,
): readonly SchemaStep[] {
  const { keyspace } = target;
  const insert = `INSERT INTO ${keyspace}.${BOOKKEEPING_TABLE} (version, applied_at_ms, applied_by) VALUES (?, ?, ?) IF NOT EXISTS`;
  return migrations.flatMap(({ title, statements }, index) => {
    const version = index + 1;
    if (found.versions.has(version)) return [];
    const { actions } = change(title, statements(target));
    const record: SchemaAction = {
      kind: "record",
      statement: { cql: insert, parameters: [version, BigInt(nowMs), by] },
    };
    return [{ title: `migrate to version ${version}: ${title}`, actions: [...actions, record] }];
  });
}

function identitySteps(found: FoundSchema, keyspace: string, shard: ShardId): readonly SchemaStep[] {
  if (found.shard !== null) return [];
  const cql = `INSERT INTO ${keyspace}.identity (what, shard) VALUES (?, ?) IF NOT EXISTS`;
  const record: SchemaAction = { kind: "record", statement: { cql, parameters: ["store", shard] } };
  return [{ title: `mark the keyspace as shard ${shard}'s`, actions: [record] }];
}

function collectionSteps(
  found: FoundSchema,
  keyspace: string,
  collections: readonly SchemaCollection[],
): readonly SchemaStep[] {
  const cql = `INSERT INTO ${keyspace}.collections (name, kind, stripes) VALUES (?, ?, ?) IF NOT EXISTS`;
  return collections.flatMap(({ name, placement }) => {
    const table = tableOf(name);
    if (found.collections.has(name) && found.tables.has(table)) return [];
    const parameters = [name, placement.kind, placement.stripes];
    const actions: SchemaAction[] = [
      { kind: "record", statement: { cql, parameters } },
      { kind: "change", cql: createDocumentTable(keyspace, table) },
    ];
    return [{ title: `create table ${table} for collection ${name}`, actions }];
  });
}

function replicationDifferences(
  keyspace: string,
  there: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, number>,
): readonly string[] {
  const found = describeReplication(there);
  const expected = describeReplication(
    new Map([
      ["class", "NetworkTopologyStrategy"],
      ...[...wanted].map(([name, count]) => [name, String(count)] as const),
    ]),
  );
  if (found === expected) return [];
  const advice = "changing it moves data: ALTER KEYSPACE, then a full repair";
  return [`keyspace ${keyspace} is replicated as ${found}, configured is ${expected}; ${advice}`];
}

function describeReplication(replication: ReadonlyMap<string, string>): string {
  const entries = [...replication].map(([name, value]) => [
    name,
    value.replace(/^org\.apache\.cassandra\.locator\./, ""),
  ]);
  return entries
    .map(([name, value]) => `${name} ${value}`)
    .sort()
    .join(", ");
}

function change(title: string, statements: readonly string[]): SchemaStep {
  return { title, actions: statements.map((cql) => ({ kind: "change", cql })) };
}
