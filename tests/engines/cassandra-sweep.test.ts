// Sweeps on Cassandra beyond the contract: what happens between a look and a removal, late and repeated batches, and bounds.
// Must not repeat the contract.
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { slotsOf } from "../../router/slot.ts";
import { CassandraError, type CassandraSession } from "../../shards/cassandra/session.ts";
import { TableStatements } from "../../shards/store/cassandra-statements.ts";
import { createCassandraStore } from "../../shards/store/cassandra-store.ts";
import { type SweepSource, sweepOnce } from "../../shards/store/cassandra-sweep.ts";
import type { Store, SweepOutcome, SweepRequest } from "../../shards/store/port.ts";
import {
  addressOf,
  claim,
  collection,
  commitOne,
  force,
  PRODUCTS,
  put,
  remove,
  rowOf,
  SHARD,
} from "../contract/store-fixture.ts";
import { createKeyspacePool, type LentKeyspace } from "./cassandra-keyspaces.ts";
import { interrupted } from "./cassandra-slots.ts";
import { describeOnEngines } from "./engines.ts";

const MANY = collection("many", { kind: "range", stripes: 4 });
const HOUR_MS = 3_600_000;
const NOW_MS = 100 * HOUR_MS;

/** Everything older than now. */
const ALL: SweepRequest = {
  collection: PRODUCTS.name,
  recordsBeforeMs: NOW_MS,
  tombstonesBeforeMs: NOW_MS,
  rowsMax: 500,
};
const NOTHING: SweepOutcome = { records: 0, tombstones: 0, more: false };

describeOnEngines("a sweep on Cassandra", ({ single }) => {
  const pool = createKeyspacePool({ address: single, replicas: 1, shard: SHARD, collections: [PRODUCTS, MANY] });
  let lent: LentKeyspace;
  let store: Store;

  beforeEach(async () => {
    lent = await pool.lend();
    const collections = [PRODUCTS, MANY];
    const { session, keyspace } = lent;
    store = await createCassandraStore({ session, keyspace, shard: SHARD, collections, log: () => undefined });
    for (const name of ["lamp", "zoo"]) await force(store, addressOf(name), "OWNER");
    return () => lent.giveBack([PRODUCTS.name, MANY.name]);
  });
  afterAll(() => pool.dispose());

  const sourceOf = (session: CassandraSession, { name, placement } = PRODUCTS): SweepSource => ({
    session,
    table: new TableStatements(lent.keyspace, name).table,
    inTurn: (_slot, work) => work(),
    placement,
  });

  /** A step with something happening before its first removal. */
  const sweepWith = (happens: () => Promise<unknown>): Promise<SweepOutcome> => {
    const beforeWrite = async (write: number): Promise<void> => void (write === 1 && (await happens()));
    return sweepOnce(sourceOf(interrupted(lent.session, { beforeWrite }).session), ALL, new Map());
  };

  const sweep = () => sweepOnce(sourceOf(lent.session), ALL, new Map());

  describe("between its look and its removal", () => {
    beforeEach(async () => {
      await store.commit([put("lamp", "1", { atMs: 1, claim: claim("one") })]);
      await store.commit([remove("lamp", { atMs: 2, claim: claim("two") })]);
    });

    it("loses the slot: nothing is removed there, until it comes back", async () => {
      expect(await sweepWith(() => force(store, addressOf("lamp"), "FENCED"))).toEqual(NOTHING);
      expect(await sweep()).toEqual(NOTHING);
      await force(store, addressOf("lamp"), "OWNER");
      expect(await sweep()).toMatchObject({ records: 2, tombstones: 1 });
    });

    it("loses the slot and owns it again at another epoch: nothing is removed there in this round", async () => {
      const outcome = await sweepWith(async () => {
        await force(store, addressOf("lamp"), "GONE");
        await force(store, addressOf("lamp"), "OWNER");
      });
      expect(outcome).toMatchObject({ records: 0 });
      expect(await sweep()).toMatchObject({ records: 2 });
    });

    it("has the key written again: the document stays, and the tombstone's entry goes", async () => {
      await sweepOnce(sourceOf(lent.session), { ...ALL, tombstonesBeforeMs: 0 }, new Map());
      const outcome = await sweepWith(() => store.commit([put("lamp", "2", { atMs: NOW_MS })]));
      expect(outcome).toEqual(NOTHING);
      expect(await rowOf(store, "lamp")).toMatchObject({ json: "2" });
      expect(await entriesOf("lamp")).toEqual([]);
    });

    it("has the key written and deleted again: the new tombstone stays with its own entry", async () => {
      await sweepOnce(sourceOf(lent.session), { ...ALL, tombstonesBeforeMs: 0 }, new Map());
      const outcome = await sweepWith(async () => {
        await store.commit([put("lamp", "2", { atMs: NOW_MS })]);
        await store.commit([remove("lamp", { op: "second", atMs: NOW_MS + 1 })]);
      });
      expect(outcome).toEqual(NOTHING);
      expect(await store.latestOp(addressOf("lamp"))).toEqual({ kind: "op", op: "second" });
      expect(await entriesOf("lamp")).toHaveLength(1);
    });

    it("has another sweep remove all: a claim used again meanwhile keeps its record, however late the removal", async () => {
      const again = put("lamp", "3", { atMs: NOW_MS, claim: claim("one") });
      await sweepWith(async () => {
        await sweep();
        await commitOne(store, again);
      });
      expect(await commitOne(store, again)).toMatchObject({ replayed: true });
    });
  });

  const entriesOf = async (key: string): Promise<readonly unknown[]> => {
    const { table } = new TableStatements(lent.keyspace, PRODUCTS.name);
    const cql = `SELECT key FROM ${table} WHERE slot = ? AND kind = 3`;
    return lent.session.readSerial({ cql, parameters: [addressOf(key).slot] });
  };

  describe("with a reply lost", () => {
    it("has removed what it could not know of, and the next step goes on", async () => {
      await store.commit([put("lamp", "1", { atMs: 1, claim: claim("one") })]);
      await store.commit([put("zoo", "1", { atMs: 1, claim: claim("two") })]);
      const afterWrite = (): Promise<void> => Promise.reject(new CassandraError("unknown", "reply lost"));
      const { session } = interrupted(lent.session, { afterWrite });
      await expect(sweepOnce(sourceOf(session), ALL, new Map())).rejects.toThrow("reply lost");
      const positions = new Map();
      while ((await sweepOnce(sourceOf(lent.session), ALL, positions)).more) expect(positions.size).toBe(1);
      expect([...(await entriesOf("lamp")), ...(await entriesOf("zoo"))]).toEqual([]);
      expect(await rowOf(store, "lamp")).toMatchObject({ json: "1" });
    });

    it("goes on behind slots at which it fails every time", async () => {
      await store.commit([put("lamp", "1", { atMs: 1, claim: claim("one") })]);
      await store.commit([put("zoo", "1", { atMs: 1, claim: claim("two") })]);
      const positions = new Map();
      const beforeWrite = (write: number): Promise<void> =>
        write === 1 ? Promise.reject(new CassandraError("unavailable", "slot in trouble")) : Promise.resolve();
      const source = sourceOf(interrupted(lent.session, { beforeWrite }).session);
      await expect(sweepOnce(source, ALL, positions)).rejects.toThrow("slot in trouble");
      expect(await sweepOnce(source, ALL, positions)).toEqual({ records: 1, tombstones: 0, more: false });
      expect(await entriesOf("lamp")).toHaveLength(1);
    });
  });

  describe("is exact", () => {
    it("leaves ownership and sentinel as they were", async () => {
      const before = await store.ownership(addressOf("lamp"));
      await store.commit([put("lamp", "1", { atMs: 1, claim: claim("one") })]);
      await store.commit([remove("lamp", { atMs: 2 })]);
      expect(await sweep()).toMatchObject({ records: 1, tombstones: 1 });
      expect(await store.ownership(addressOf("lamp"))).toEqual(before);
      expect(await rowOf(store, "lamp")).toBeNull();
    });

    it("does not lose an entry that comes in older than those it has removed", async () => {
      await store.commit([put("lamp", "1", { atMs: NOW_MS - 1, claim: claim("first") })]);
      expect(await sweep()).toMatchObject({ records: 1 });
      await store.commit([put("lamp", "2", { atMs: NOW_MS - 30_000, claim: claim("slow clock") })]);
      expect(await sweep()).toMatchObject({ records: 1 });
    });

    it("removes 300 records of one slot, of which half are new enough to need single deletions", async () => {
      const writes = Array.from({ length: 300 }, (_, index) =>
        put(`lamp-${index}`, "1", { atMs: NOW_MS - 2 * HOUR_MS + index * 24_000, claim: claim(`claim ${index}`) }),
      );
      for (let start = 0; start < writes.length; start += 50) await store.commit(writes.slice(start, start + 50));
      expect(await sweep()).toEqual({ records: 300, tombstones: 0, more: false });
      expect(await entriesOf("lamp")).toEqual([]);
    });
  });

  describe("is bounded", () => {
    it("looks into all 1,526 slots with 48 requests when there is nothing to do", async () => {
      const { session, counts } = interrupted(lent.session, {});
      expect(await sweepOnce(sourceOf(session), ALL, new Map())).toEqual(NOTHING);
      expect(slotsOf(PRODUCTS.placement).length).toBe(1526);
      expect(counts).toMatchObject({ reads: 48, writes: 0 });
    });

    it("goes over a collection with more slots than a step looks into in several rounds", async () => {
      const { session, counts } = interrupted(lent.session, {});
      const positions = new Map();
      const request = { ...ALL, collection: MANY.name };
      let steps = 0;
      do {
        counts.reads = 0;
        await sweepOnce(sourceOf(session, MANY), request, positions);
        // Slots are asked for in ascending order of names, which ends a request before its time in front of "a ~00" and its like.
        expect(counts.reads).toBeLessThanOrEqual(120);
        steps += 1;
      } while (positions.size > 0 && steps < 10);
      expect(steps).toBe(3);
    });
  });
});
