// Backup and restore of a shard's keyspace, as docs/stores.md describes them, on a node of its own.
// Must not use the shared engines: it kills its node.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningEngines, startEngines } from "../../engines/engines.ts";
import { slotsOf } from "../../router/slot.ts";
import { openSession } from "../../shards/cassandra/driver-session.ts";
import { keyspaceOf } from "../../shards/cassandra/names.ts";
import { applySchema } from "../../shards/cassandra/schema-apply.ts";
import type { CassandraSession, Columns } from "../../shards/cassandra/session.ts";
import type { CassandraSettings } from "../../shards/cassandra/settings.ts";
import { createCassandraStore } from "../../shards/store/cassandra-store.ts";
import type { Store } from "../../shards/store/port.ts";
import {
  addressOf,
  claim,
  commitOne,
  force,
  missingIn,
  PRODUCTS,
  put,
  remove,
  SHARD,
} from "../contract/store-fixture.ts";
import { settingsFor } from "./cassandra-keyspaces.ts";
import { describeOnEngines } from "./engines.ts";
import { copySnapshot, importFrom, nodetool } from "./node-tool.ts";

/** On an idle machine all of it takes less than a minute. */
const START_MS_MAX = 600_000;
const TAG = "before";
/** Tables whose rows change while shards run; the others are written by `zgate schema apply`. */
const TABLES = ["c_products", "claims"];
/** One slot gets all of them, so that they share a partition with what is written later. */
const KEYS = Array.from({ length: 40 }, (_, index) => `aa-${index}`);
const LATER = KEYS.slice(20);

/** A busy machine answers late; what is tested here does not depend on it. */
const PATIENT = { readMs: 30_000, writeMs: 15_000, schemaMs: 60_000 };

describeOnEngines("a keyspace that is backed up and restored", () => {
  const root = mkdtempSync(join(tmpdir(), "zgate-backup-"));
  const directory = join(root, "engines");
  let engines: RunningEngines | null = null;
  let settings: CassandraSettings | null = null;
  let bed: Bed | null = null;
  let before: readonly string[] = [];

  const opened = (): Bed => {
    if (bed === null) throw new Error("the node does not run");
    return bed;
  };

  const importTable = (table: string, names?: string) =>
    importFrom(join(root, table), { directory, keyspace: opened().keyspace, table }, names);

  beforeAll(async () => {
    engines = await startEngines({ directory, cassandraNodes: 1, dynamodb: false });
    if (engines.cassandra === null) throw new Error("started no Cassandra");
    settings = settingsFor({ address: engines.cassandra, replicas: 1 });
    bed = await openBed(settings);
    await bed.store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
    await writeEarlier(bed.store);
    before = await contentOf(bed);
    await nodetool(directory, ["snapshot", "-t", TAG, bed.keyspace]);
    for (const table of TABLES) copySnapshot(directory, { keyspace: bed.keyspace, table, tag: TAG }, join(root, table));
    await writeLater(bed.store);
  }, START_MS_MAX);

  afterAll(async () => {
    await bed?.store.close();
    await engines?.stop();
    rmSync(root, { recursive: true, force: true });
  }, START_MS_MAX);

  it("takes nothing from a folder whose parent has a dash in its name", { timeout: START_MS_MAX }, async () => {
    expect(await importTable("c_products", "from-backup/c_products")).toBe(false);
  });

  it("keeps all that was written later when the snapshot is imported over it", { timeout: START_MS_MAX }, async () => {
    const later = await contentOf(opened());
    expect(await importTable("c_products")).toBe(true);
    expect(await contentOf(opened())).toEqual(later);
    expect(later).not.toEqual(before);
  });

  it("is what it was at the snapshot, row by row, once emptied and imported", { timeout: START_MS_MAX }, async () => {
    const { keyspace, session } = opened();
    for (const table of TABLES) await session.changeSchema(`TRUNCATE ${keyspace}.${table}`);
    for (const table of TABLES) expect(await importTable(table)).toBe(true);
    expect(await contentOf(opened())).toEqual(before);
  });

  it("stays so when SERIAL reads look at what Paxos remembers", async () => {
    const { store } = opened();
    expect(await missingIn(store, [...KEYS, "aa-new"])).toEqual([...KEYS.slice(0, 10), "aa-new"]);
    expect(await contentOf(opened())).toEqual(before);
  });

  it("stays so when the node is killed and replays its commit log", { timeout: START_MS_MAX }, async () => {
    const [node] = engines?.cassandra?.nodes ?? [];
    if (node === undefined || settings === null) throw new Error("no node");
    await opened().store.close();
    await node.kill();
    await node.start();
    bed = await openBed(settings);
    expect(await contentOf(bed)).toEqual(before);
  });

  it("knows the claims from before the snapshot, and none of those after it", async () => {
    const { store } = opened();
    const known = await commitOne(store, put("aa-15", `"again"`, { claim: claim("early") }));
    const forgotten = await commitOne(store, put("aa-35", `"again"`, { claim: claim("late") }));
    expect(known).toMatchObject({ replayed: true, verdict: { kind: "created" } });
    expect(forgotten).toMatchObject({ replayed: false, verdict: { kind: "replaced" } });
  });

  it("has the owners that it had, and claims nothing again", async () => {
    const { store } = opened();
    const fenced = await commitOne(store, put("zz-1", "1"));
    expect(fenced).toMatchObject({ kind: "not-owned", ownership: { state: "FENCED" } });
    expect(await store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement))).toEqual({ kind: "claimed", slots: 0 });
  });
});

interface Bed {
  readonly keyspace: string;
  readonly session: CassandraSession;
  readonly store: Store;
}

async function openBed(settings: CassandraSettings): Promise<Bed> {
  const session = await openSession({ settings, keyspace: null, limits: PATIENT });
  await applySchema({ session, settings, shard: SHARD, collections: [PRODUCTS] });
  const keyspace = keyspaceOf(settings.keyspacePrefix, SHARD);
  const log = () => undefined;
  return {
    keyspace,
    session,
    store: await createCassandraStore({ session, keyspace, shard: SHARD, collections: [PRODUCTS], log }),
  };
}

/** Documents, tombstones, a record, and a slot that is not the owner any more. */
async function writeEarlier(store: Store): Promise<void> {
  for (const key of KEYS)
    await commitOne(store, put(key, `"${key}"`, key === "aa-15" ? { claim: claim("early") } : {}));
  for (const key of KEYS.slice(0, 10)) await commitOne(store, remove(key));
  await force(store, addressOf("zz-1"), "FENCED");
}

/** Changes, deletions, a creation and a record, none of which may be left after the restore. */
async function writeLater(store: Store): Promise<void> {
  for (const key of LATER.slice(0, 10)) await commitOne(store, put(key, `"later"`));
  for (const key of LATER.slice(10, 15)) await commitOne(store, remove(key));
  await commitOne(store, put("aa-35", `"later"`, { claim: claim("late") }));
  await commitOne(store, put("aa-new", `"later"`));
}

/** Every column of every row of the tables, as texts in order. */
async function contentOf({ session, keyspace }: Bed): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const table of TABLES) {
    const statement = { cql: `SELECT * FROM ${keyspace}.${table}`, parameters: [] };
    let after: string | null = null;
    do {
      const page = await session.readQuorum(statement, { rowsMax: 1000, after });
      rows.push(...page.rows.map((row) => textOf(table, row)));
      after = page.next;
    } while (after !== null);
  }
  return rows.sort();
}

function textOf(table: string, row: Columns): string {
  return JSON.stringify([table, row], (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}
