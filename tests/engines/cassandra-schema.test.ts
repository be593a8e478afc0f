// Schemas on real servers: planned without changing anything, applied by one of many, refused where data would be at risk.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CollectionName, ShardId } from "../../router/ids.ts";
import { openSession } from "../../shards/cassandra/driver-session.ts";
import { keyspaceOf } from "../../shards/cassandra/names.ts";
import { type ApplyOptions, applySchema } from "../../shards/cassandra/schema-apply.ts";
import { isUpToDate, planSchema, type SchemaCollection } from "../../shards/cassandra/schema-plan.ts";
import { CassandraError, type CassandraSession } from "../../shards/cassandra/session.ts";
import type { CassandraSettings } from "../../shards/cassandra/settings.ts";
import { createLeaseTable, LEASE_TABLE } from "../../shards/cassandra/tables.ts";
import { settingsFor, withoutClosing } from "./cassandra-keyspaces.ts";
import { describeOnEngines } from "./engines.ts";

const SHARD = "shard-1" as ShardId;
const PRODUCTS: SchemaCollection = { name: "products" as CollectionName, placement: { kind: "range", stripes: 3 } };
const CARTS: SchemaCollection = { name: "shopping-carts" as CollectionName, placement: { kind: "hash", stripes: 1 } };
const BOOKKEEPER = { by: "a test", nowMs: 1_000 };

const TITLES = [
  "migrate to version 1: bookkeeping, identity, collections, claims",
  "mark the keyspace as shard shard-1's",
  "create table c_products for collection products",
  "create table c_shopping_carts for collection shopping-carts",
];

describeOnEngines("the schema of a shard in Cassandra", ({ single, cluster }) => {
  let settings: CassandraSettings;
  let session: CassandraSession;
  let keyspace: string;
  let target: ApplyOptions;

  beforeEach(async () => {
    settings = settingsFor({ address: single, replicas: 1 });
    session = await openSession({ settings, keyspace: null });
    keyspace = keyspaceOf(settings.keyspacePrefix, SHARD);
    target = { session, settings, shard: SHARD, collections: [PRODUCTS, CARTS] };
  });
  afterEach(async () => {
    await session.changeSchema(`DROP KEYSPACE IF EXISTS ${keyspace}`);
    await session.close();
  });

  const rowsIn = async (table: string) => {
    const { rows } = await session.readQuorum(
      { cql: `SELECT * FROM ${keyspace}.${table}`, parameters: [] },
      { rowsMax: 99, after: null },
    );
    return rows;
  };

  describe("planning", () => {
    test("says what is missing and changes nothing", async () => {
      const plan = await planSchema(target, BOOKKEEPER);
      expect(plan.preparation.map(({ title }) => title)).toEqual([
        `create keyspace ${keyspace}`,
        "create the lease table",
      ]);
      expect(plan.steps.map(({ title }) => title)).toEqual(TITLES);
      expect(isUpToDate(plan)).toBe(false);
      expect(await planSchema(target, BOOKKEEPER)).toEqual(plan);
    });

    test("after applying finds nothing to do", async () => {
      const { steps } = await applySchema(target);
      expect(steps.map(({ title }) => title).slice(2)).toEqual(TITLES);
      expect(isUpToDate(await planSchema(target, BOOKKEEPER))).toBe(true);
    });
  });

  describe("applying", () => {
    test("records who did what, and whose keyspace it is", async () => {
      await applySchema({ ...target, by: "a test" });
      expect(await rowsIn("zgate_schema")).toMatchObject([{ version: 1, applied_by: "a test" }]);
      expect(await rowsIn("identity")).toMatchObject([{ shard: SHARD }]);
      expect(await rowsIn(LEASE_TABLE)).toEqual([]);
    });

    test("a second time does nothing, and a new collection adds its table alone", async () => {
      await applySchema({ ...target, collections: [PRODUCTS] });
      expect((await applySchema({ ...target, collections: [PRODUCTS] })).steps).toEqual([]);
      expect((await applySchema(target)).steps.map(({ title }) => title)).toEqual(TITLES.slice(3));
    });

    test("goes on where a crashed leader stopped, once its lease has run out", async () => {
      const { preparation, steps } = await planSchema(target, BOOKKEEPER);
      const firsts = [...preparation, ...steps.slice(0, 1)].flatMap(({ actions }) => actions);
      for (const action of firsts) if (action.kind === "change") await session.changeSchema(action.cql);
      const cql = `INSERT INTO ${keyspace}.${LEASE_TABLE} (what, holder) VALUES (?, ?) IF NOT EXISTS USING TTL 2`;
      await session.compareAndSet([{ cql, parameters: ["schema", "a leader that is gone"] }]);
      const applied = await applySchema(target);
      expect(applied.steps.map(({ title }) => title)).toEqual(TITLES);
    });

    test("a leader whose lease was taken stops, and finishes when it has a lease again", async () => {
      const done: string[] = [];
      const other = await openSession({ settings, keyspace: null });
      const takeLease = `UPDATE ${keyspace}.${LEASE_TABLE} USING TTL 2 SET holder = 'other' WHERE what = 'schema' IF EXISTS`;
      const thefts: Promise<unknown>[] = [];
      const slow: CassandraSession = {
        ...withoutClosing(session),
        changeSchema: async (cql) => {
          if (thefts.length === 0 && cql.includes("zgate_schema"))
            thefts.push(other.compareAndSet([{ cql: takeLease, parameters: [] }]));
          await Promise.all(thefts);
          await session.changeSchema(cql);
        },
      };
      await applySchema({ ...target, session: slow, leaseSeconds: 5, onStep: ({ title }) => done.push(title) });
      expect(await Promise.all(thefts)).toMatchObject([{ isApplied: true }]);
      expect(isUpToDate(await planSchema(target, BOOKKEEPER))).toBe(true);
      expect(done.slice(2)).toEqual(TITLES);
      await other.close();
    });

    test("a table whose creation has lost its reply is not created by another process as well", async () => {
      const creations: string[] = [];
      let deliver: (() => Promise<void>) | null = null;
      const losing: CassandraSession = {
        ...withoutClosing(session),
        changeSchema: async (cql) => {
          if (!cql.includes("c_products")) return session.changeSchema(cql);
          creations.push("first");
          deliver ??= () => session.changeSchema(cql);
          throw new CassandraError("unknown", "no answer in time");
        },
      };
      const first = applySchema({ ...target, session: losing });
      await vi.waitUntil(() => deliver !== null, { timeout: 30_000 });
      let leasesRefused = 0;
      const other: CassandraSession = {
        ...withoutClosing(session),
        changeSchema: (cql) => {
          if (cql.includes("c_products")) creations.push("second");
          return session.changeSchema(cql);
        },
        compareAndSet: async (statements) => {
          const outcome = await session.compareAndSet(statements);
          if (!outcome.isApplied && statements[0]?.cql.includes(LEASE_TABLE)) leasesRefused += 1;
          if (leasesRefused === 3) await deliver?.();
          return outcome;
        },
      };
      await Promise.all([first, applySchema({ ...target, session: other })]);
      expect(creations).toEqual(["first"]);
      expect(isUpToDate(await planSchema(target, BOOKKEEPER))).toBe(true);
    });

    // In the servers' own words: another process has made it, and this node does not know yet.
    test.each([
      { words: "Keyspace 'shop' doesn't exist", at: "CREATE TABLE" },
      { words: "keyspace shop does not exist", at: "CREATE TABLE" },
      { words: "table zgate_lease does not exist", at: "INSERT" },
      { words: "unconfigured table zgate_lease", at: "INSERT" },
    ])("a node that says once: $words, is asked again", async ({ words, at }) => {
      let left = 1;
      const refuseOnce = (cql: string): void => {
        if (!cql.startsWith(at) || left === 0) return;
        left -= 1;
        throw new CassandraError("broken", words);
      };
      const behind: CassandraSession = {
        ...withoutClosing(session),
        changeSchema: async (cql) => {
          refuseOnce(cql);
          await session.changeSchema(cql);
        },
        compareAndSet: async (statements) => {
          refuseOnce(statements[0]?.cql ?? "");
          return session.compareAndSet(statements);
        },
      };
      await applySchema({ ...target, session: behind });
      expect(left).toBe(0);
      expect(isUpToDate(await planSchema(target, BOOKKEEPER))).toBe(true);
    });

    test("the lease is renewed before each action", async () => {
      const sent: string[] = [];
      const watched: CassandraSession = {
        ...withoutClosing(session),
        changeSchema: async (cql) => {
          sent.push("action");
          await session.changeSchema(cql);
        },
        compareAndSet: (statements) => {
          const cql = statements[0]?.cql ?? "";
          sent.push(cql.startsWith("UPDATE") && cql.includes(LEASE_TABLE) ? "renewal" : "action");
          return session.compareAndSet(statements);
        },
      };
      await applySchema({ ...target, session: watched });
      const underLease = sent.slice(sent.indexOf("renewal"), -1);
      expect(underLease).toEqual(underLease.map((_, index) => (index % 2 === 0 ? "renewal" : "action")));
    });

    test("waits for another leader no longer than it may", async () => {
      await applySchema({ ...target, collections: [PRODUCTS] });
      const cql = `INSERT INTO ${keyspace}.${LEASE_TABLE} (what, holder) VALUES (?, ?) IF NOT EXISTS`;
      await session.compareAndSet([{ cql, parameters: ["schema", "somebody"] }]);
      await expect(applySchema({ ...target, waitMsMax: 500 })).rejects.toMatchObject({ kind: "unavailable" });
    });

    test.each([
      { name: "one node", isCluster: false, processes: 6 },
      { name: "three nodes", isCluster: true, processes: 6 },
    ])("by several at once on $name is done once, and all find it done", async ({ isCluster, processes }) => {
      const address = isCluster ? cluster : single;
      const replicas = isCluster ? 3 : 1;
      const shared = { ...settings, ...settingsFor({ address, replicas }), keyspacePrefix: settings.keyspacePrefix };
      const sessions = await Promise.all(
        Array.from({ length: processes }, (_, index) => {
          // Each comes in by another node.
          const contactPoints = [address.contactPoints[index % address.contactPoints.length] ?? ""];
          return openSession({ settings: { ...shared, contactPoints }, keyspace: null, limits: { writeMs: 10_000 } });
        }),
      );
      const all = sessions.map((own) => ({ ...target, settings: shared, session: own }));
      const applied = await Promise.all(all.map((each) => applySchema(each)));
      const titles = applied.flatMap(({ steps }) => steps.map(({ title }) => title));
      expect(titles.filter((title) => TITLES.includes(title)).sort()).toEqual([...TITLES].sort());
      const plans = await Promise.all(all.map((each) => planSchema(each, BOOKKEEPER)));
      expect(plans.map(isUpToDate)).toEqual(sessions.map(() => true));
      await sessions[0]?.changeSchema(`DROP KEYSPACE IF EXISTS ${keyspace}`);
      await Promise.all(sessions.map((own) => own.close()));
    });
  });

  describe("refuses", () => {
    beforeEach(() => applySchema(target));

    test("another shard's keyspace", async () => {
      await session.compareAndSet([
        { cql: `UPDATE ${keyspace}.identity SET shard = ? WHERE what = ? IF EXISTS`, parameters: ["shard-9", "store"] },
      ]);
      await expect(applySchema(target)).rejects.toMatchObject({
        kind: "broken",
        message: expect.stringContaining('is the store of shard "shard-9", and shard "shard-1" must not serve it'),
      });
    });

    test("another placement of a collection that is there", async () => {
      const collections = [{ ...PRODUCTS, placement: { kind: "hash", stripes: 1 } as const }];
      await expect(applySchema({ ...target, collections })).rejects.toMatchObject({
        kind: "broken",
        message: 'collection "products" was created as range with 3 stripes and cannot become hash with 1',
      });
    });

    test("a schema of a later version of the program", async () => {
      await session.compareAndSet([
        { cql: `INSERT INTO ${keyspace}.zgate_schema (version) VALUES (?) IF NOT EXISTS`, parameters: [9] },
      ]);
      await expect(applySchema(target)).rejects.toMatchObject({
        kind: "broken",
        message: expect.stringContaining("schema version 9, this program knows up to 1"),
      });
    });
  });

  test.each([
    { name: "more replicas than nodes", replication: { dc1: 3 }, says: "replication dc1 = 3, and dc1 has 1 node" },
    {
      name: "a datacenter that is not there",
      replication: { dc1: 1, dc9: 1 },
      says: "replication dc9 = 1, and the cluster has no such datacenter, but dc1",
    },
  ])("$name: it fails at once and creates nothing", async ({ replication, says }) => {
    const wanted = { ...settings, replication: new Map(Object.entries(replication)) };
    const sent: string[] = [];
    const watched: CassandraSession = {
      ...withoutClosing(session),
      changeSchema: async (cql) => {
        sent.push(cql);
      },
    };
    await expect(applySchema({ ...target, session: watched, settings: wanted })).rejects.toMatchObject({
      kind: "broken",
      message: `keyspace ${keyspace} was not created: ${says}`,
    });
    expect(sent).toEqual([]);
  });

  test("a prefix that is no name is refused", async () => {
    const odd = { ...settings, keyspacePrefix: 'x"; DROP KEYSPACE y; --' };
    await expect(planSchema({ ...target, settings: odd }, BOOKKEEPER)).rejects.toMatchObject({ kind: "broken" });
  });

  test("another replication than configured is told and left as it is", async () => {
    await session.changeSchema(
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    );
    await session.changeSchema(createLeaseTable(keyspace));
    const { differences } = await applySchema(target);
    expect(differences).toEqual([
      `keyspace ${keyspace} is replicated as class SimpleStrategy, replication_factor 1, configured is class NetworkTopologyStrategy, dc1 1; changing it moves data: ALTER KEYSPACE, then a full repair`,
    ]);
    expect((await planSchema(target, BOOKKEEPER)).differences).toEqual(differences);
  });
});
