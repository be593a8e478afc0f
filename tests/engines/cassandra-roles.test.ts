// Passwords and permissions: the roles of docs/cassandra.md on a node that demands them, and what they cannot do.
// Must not use the shared engines: theirs let everybody in.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningEngines, startEngines } from "../../engines/engines.ts";
import type { CollectionName, ShardId } from "../../router/ids.ts";
import { openSession } from "../../shards/cassandra/driver-session.ts";
import { keyspaceOf } from "../../shards/cassandra/names.ts";
import { applySchema } from "../../shards/cassandra/schema-apply.ts";
import type { CassandraSession } from "../../shards/cassandra/session.ts";
import type { CassandraSettings } from "../../shards/cassandra/settings.ts";
import { createCassandraStore } from "../../shards/store/cassandra-store.ts";
import { addressOf, commitOne, PRODUCTS, put, SHARD } from "../contract/store-fixture.ts";
import { settingsFor } from "./cassandra-keyspaces.ts";
import { describeOnEngines } from "./engines.ts";

const START_MS_MAX = 600_000;
const OTHER_SHARD = "shard-2" as ShardId;
const PATIENT = { readMs: 30_000, writeMs: 15_000, schemaMs: 60_000 };

type Credentials = NonNullable<CassandraSettings["credentials"]>;
const SUPERUSER: Credentials = { user: "cassandra", password: "cassandra" };
const ADMINISTRATOR: Credentials = { user: "zgate_admin", password: "an administrator's" };
const SHARD_ROLE: Credentials = { user: "zgate_shard_1", password: "a shard's" };

describeOnEngines("a cluster that demands passwords", () => {
  const directory = mkdtempSync(join(tmpdir(), "zgate-roles-"));
  const keyspacePrefix = "zgate_";
  const [own, others] = [keyspaceOf(keyspacePrefix, SHARD), keyspaceOf(keyspacePrefix, OTHER_SHARD)];
  let engines: RunningEngines | null = null;

  const settingsOf = (credentials: Credentials | null): CassandraSettings => {
    const address = engines?.cassandra;
    if (address === undefined || address === null) throw new Error("the node does not run");
    return { ...settingsFor({ address, replicas: 1 }), keyspacePrefix, credentials };
  };
  const as = async <Value>(credentials: Credentials, work: (session: CassandraSession) => Promise<Value>) => {
    const session = await openSession({ settings: settingsOf(credentials), keyspace: null, limits: PATIENT });
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  };

  beforeAll(async () => {
    const cassandraSettings = { authenticator: "PasswordAuthenticator", authorizer: "CassandraAuthorizer" };
    engines = await startEngines({ directory, cassandraNodes: 1, dynamodb: false, cassandraSettings });
    await as(SUPERUSER, async (session) => {
      await session.changeSchema(roleOf(ADMINISTRATOR));
      await session.changeSchema(`GRANT CREATE ON ALL KEYSPACES TO ${ADMINISTRATOR.user}`);
      await session.changeSchema(roleOf(SHARD_ROLE));
    });
    for (const shard of [SHARD, OTHER_SHARD]) {
      const settings = settingsOf(ADMINISTRATOR);
      await as(ADMINISTRATOR, (session) => applySchema({ session, settings, shard, collections: [PRODUCTS] }));
    }
    await as(SUPERUSER, async (session) => {
      for (const permission of ["SELECT", "MODIFY"]) {
        await session.changeSchema(`GRANT ${permission} ON KEYSPACE ${own} TO ${SHARD_ROLE.user}`);
      }
    });
  }, START_MS_MAX);

  afterAll(async () => {
    await engines?.stop();
    rmSync(directory, { recursive: true, force: true });
  }, START_MS_MAX);

  it("lets a shard's role do all that a shard does", async () => {
    const session = await openSession({ settings: settingsOf(SHARD_ROLE), keyspace: own, limits: PATIENT });
    const log = () => undefined;
    const store = await createCassandraStore({ session, keyspace: own, shard: SHARD, collections: [PRODUCTS], log });
    const address = addressOf("lamp");
    expect(await store.claimFirst(PRODUCTS.name, [address.slot])).toEqual({ kind: "claimed", slots: 1 });
    expect(await commitOne(store, put("lamp", "1"))).toMatchObject({ verdict: { kind: "created" } });
    expect(await store.read(address)).toMatchObject({ row: { json: "1" } });
    await store.close();
  });

  it("lets it neither see nor change another shard's rows, nor any table", async () => {
    await as(SHARD_ROLE, async (session) => {
      const parameters: readonly unknown[] = [];
      const forbidden = { kind: "broken", message: expect.stringContaining("no ") };
      const read = { cql: `SELECT slot FROM ${others}.c_products`, parameters };
      const write = {
        cql: `DELETE FROM ${others}.c_products WHERE slot = 'aa' AND kind = 0 AND key = 'aa'`,
        parameters,
      };
      await expect(session.readQuorum(read, { rowsMax: 1, after: null })).rejects.toMatchObject(forbidden);
      await expect(session.write([write])).rejects.toMatchObject(forbidden);
      for (const change of [`DROP TABLE ${own}.c_products`, `ALTER TABLE ${own}.c_products ADD more text`]) {
        await expect(session.changeSchema(change)).rejects.toMatchObject(forbidden);
      }
    });
  });

  it.each([
    { name: "a wrong password", credentials: { ...SHARD_ROLE, password: "another" } },
    { name: "an unknown user", credentials: { ...SHARD_ROLE, user: "nobody" } },
    { name: "no password at all", credentials: null },
  ])("refuses $name, and the error says so without the password", async ({ credentials }) => {
    const opening = openSession({ settings: settingsOf(credentials), keyspace: null });
    const error: unknown = await opening.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      kind: "broken",
      message: expect.stringMatching(/authenticat|credentials|password/i),
    });
    expect(String(error)).not.toContain(credentials?.password ?? SHARD_ROLE.password);
  });

  it("has a schema plan that only the administrator can apply", async () => {
    const collections = [PRODUCTS, { ...PRODUCTS, name: "more" as CollectionName }];
    const settings = settingsOf(SHARD_ROLE);
    await as(SHARD_ROLE, async (session) => {
      const applying = applySchema({ session, settings, shard: SHARD, collections });
      await expect(applying).rejects.toMatchObject({ kind: "broken", message: expect.stringContaining("no CREATE") });
    });
  });
});

function roleOf({ user, password }: Credentials): string {
  return `CREATE ROLE ${user} WITH LOGIN = true AND PASSWORD = '${password.replaceAll("'", "''")}'`;
}
