// A plan as people read it, and what a later version of the schema plans. What is planned today for which keyspace is tested on
// real servers: tests/engines/cassandra-schema.test.ts.
import { describe, expect, test } from "vitest";
import type { ShardId } from "../../../router/ids.ts";
import { allSteps, cqlOf, isUpToDate, planSchema, type SchemaPlan } from "../../../shards/cassandra/schema-plan.ts";
import type { Columns } from "../../../shards/cassandra/session.ts";
import { MIGRATIONS, type Migration } from "../../../shards/cassandra/tables.ts";
import { CARTS, collection, PRODUCTS } from "../../contract/store-fixture.ts";
import { createFakeSession } from "./fake-session.ts";

const STEP = { title: "a step", actions: [] };
const EMPTY: SchemaPlan = { keyspace: "k", preparation: [], steps: [], differences: [] };

test("a change is shown as it is", () => {
  expect(cqlOf({ kind: "change", cql: "DROP TABLE k.t" })).toBe("DROP TABLE k.t");
});

test("a record is shown with its values, which stay values", () => {
  const statement = { cql: "INSERT INTO k.t (a, b, c) VALUES (?, ?, ?) IF NOT EXISTS", parameters: [1, 2n, "it's ?"] };
  expect(cqlOf({ kind: "record", statement })).toBe("INSERT INTO k.t (a, b, c) VALUES (1, 2, 'it''s ?') IF NOT EXISTS");
});

test.each([
  { name: "nothing to do", plan: EMPTY, isDone: true },
  { name: "a preparation to do", plan: { ...EMPTY, preparation: [STEP] }, isDone: false },
  { name: "a step to do", plan: { ...EMPTY, steps: [STEP] }, isDone: false },
  { name: "only a difference to tell", plan: { ...EMPTY, differences: ["replication"] }, isDone: true },
])("with $name a plan is up to date: $isDone", ({ plan, isDone }) => {
  expect(isUpToDate(plan)).toBe(isDone);
  expect(allSteps(plan)).toHaveLength(isDone ? 0 : 1);
});

describe("a migration of documents, in a keyspace of the version before", () => {
  const SECOND: Migration = {
    title: "colours",
    statements: ({ keyspace, documentTables }) =>
      documentTables.map((table) => `ALTER TABLE ${keyspace}.${table} ADD IF NOT EXISTS colour text`),
  };
  const LATEST = MIGRATIONS.length + 1;

  /** What a keyspace with two collections answers; the table of the third has not been made yet. */
  const rowsOf = (versions: readonly number[]): Readonly<Record<string, readonly Columns[]>> => ({
    "system_schema.keyspaces": [{ replication: { class: "NetworkTopologyStrategy", dc1: "1" } }],
    "system_schema.tables": [
      "zgate_lease",
      "zgate_schema",
      "identity",
      "collections",
      "claims",
      "c_products",
      "c_old",
    ].map((name) => ({ table_name: name })),
    "t_shard_1.zgate_schema": versions.map((version) => ({ version })),
    "t_shard_1.identity": [{ shard: "shard-1" }],
    "t_shard_1.collections": ["products", "old", "unmade"].map((name) => ({ name, kind: "range", stripes: 1 })),
    "system_views.settings": [],
  });

  const planAt = (versions: readonly number[]): Promise<SchemaPlan> => {
    const rows = rowsOf(versions);
    const session = createFakeSession({
      readQuorum: ({ cql }) => Promise.resolve({ rows: rows[/FROM (\S+)/.exec(cql)?.[1] ?? ""] ?? [], next: null }),
    });
    const settings = { keyspacePrefix: "t_", replication: new Map([["dc1", 1]]) };
    const collections = [PRODUCTS, CARTS, collection("unmade", PRODUCTS.placement)];
    const target = { session, settings, shard: "shard-1" as ShardId, collections, migrations: [...MIGRATIONS, SECOND] };
    return planSchema(target, { by: "test", nowMs: 1 });
  };

  const cqlOfAll = (plan: SchemaPlan) => allSteps(plan).flatMap(({ actions }) => actions.map(cqlOf));

  test("reaches the tables of all collections that are recorded, configured or not, before its version is recorded", async () => {
    const cql = cqlOfAll(await planAt([1]));
    expect(cql.slice(0, 3)).toEqual([
      "ALTER TABLE t_shard_1.c_old ADD IF NOT EXISTS colour text",
      "ALTER TABLE t_shard_1.c_products ADD IF NOT EXISTS colour text",
      expect.stringContaining(
        `INSERT INTO t_shard_1.zgate_schema (version, applied_at_ms, applied_by) VALUES (${LATEST},`,
      ),
    ]);
  });

  test("leaves tables that are made in the same go, or are still to be made, to their definition", async () => {
    const made = cqlOfAll(await planAt([1])).filter((cql) => cql.startsWith("CREATE TABLE"));
    expect(made).toEqual([
      expect.stringContaining("CREATE TABLE IF NOT EXISTS t_shard_1.c_carts "),
      expect.stringContaining("CREATE TABLE IF NOT EXISTS t_shard_1.c_unmade "),
    ]);
  });

  test("is not planned again once it is recorded", async () => {
    expect(cqlOfAll(await planAt([1, LATEST])).filter((cql) => cql.startsWith("ALTER"))).toEqual([]);
  });
});

describe("a keyspace that is not there yet", () => {
  const NODES = new Map([
    ["dc1", 3],
    ["dc2", 1],
  ]);

  const planWith = (replication: Readonly<Record<string, number>>): Promise<SchemaPlan> => {
    const session = createFakeSession({
      readQuorum: () => Promise.resolve({ rows: [], next: null }),
      nodesByDatacenter: () => NODES,
    });
    const settings = { keyspacePrefix: "t_", replication: new Map(Object.entries(replication)) };
    const target = { session, settings, shard: "shard-1" as ShardId, collections: [PRODUCTS] };
    return planSchema(target, { by: "test", nowMs: 1 });
  };

  test.each([
    { name: "as many replicas as nodes", replication: { dc1: 3 } },
    { name: "fewer", replication: { dc1: 1, dc2: 1 } },
  ])("with $name is planned", async ({ replication }) => {
    expect((await planWith(replication)).preparation[0]?.title).toBe("create keyspace t_shard_1");
  });

  test.each([
    { name: "more replicas than nodes", replication: { dc1: 5 }, says: "replication dc1 = 5, and dc1 has 3 nodes" },
    {
      name: "more replicas in one datacenter",
      replication: { dc1: 3, dc2: 3 },
      says: "replication dc2 = 3, and dc2 has 1 node",
    },
    {
      name: "a datacenter that is not there",
      replication: { dc1: 3, dc9: 3 },
      says: "replication dc9 = 3, and the cluster has no such datacenter, but dc1, dc2",
    },
  ])("with $name is refused", async ({ replication, says }) => {
    const message = `keyspace t_shard_1 was not created: ${says}`;
    await expect(planWith(replication)).rejects.toMatchObject({ kind: "broken", message });
  });
});
