// A slot that goes from an embedded store to Cassandra, and back, by the real mover. Must not test what either store does by itself.
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { runSlot } from "../../shards/mover/slot-runner.ts";
import type { SlotSide } from "../../shards/mover/slot-side.ts";
import { createCassandraStore } from "../../shards/store/cassandra-store.ts";
import type { Store } from "../../shards/store/port.ts";
import { createSqliteStore } from "../../shards/store/sqlite-store.ts";
import { claim, commitOne, PRODUCTS, put, remove, SHARD } from "../contract/store-fixture.ts";
import { makeDirectory } from "../contract/temporary-directory.ts";
import {
  bedOver,
  keysIn,
  type MoveBed,
  planSlot,
  rowsOf,
  runOptions,
  SLOT,
  startWriter,
} from "../unit/mover/move-bed.ts";
import { createKeyspacePool, type LentKeyspace } from "./cassandra-keyspaces.ts";
import { describeOnEngines } from "./engines.ts";

const KEYS = Array.from({ length: 10 }, (_, index) => `lamp-${index}`);
const decided = { kind: "end", outcome: "decided" };

describeOnEngines("a slot between stores of two kinds", ({ single }) => {
  const pool = createKeyspacePool({ address: single, replicas: 1, shard: SHARD, collections: [PRODUCTS] });
  let lent: LentKeyspace;
  let directory: string;
  let embedded: Store;
  let database: Store;

  beforeEach(async () => {
    directory = makeDirectory();
    lent = await pool.lend();
    const of = { shard: SHARD, collections: [PRODUCTS] };
    embedded = await createSqliteStore({ file: join(directory, "store.db"), ...of });
    database = await createCassandraStore({ ...lent, ...of, log: () => undefined });
  });
  afterEach(() => lent.giveBack([PRODUCTS.name]));
  afterAll(() => pool.dispose());

  async function openBed(from: "SQLite" | "Cassandra"): Promise<MoveBed> {
    const stores =
      from === "SQLite" ? { source: embedded, destination: database } : { source: database, destination: embedded };
    await stores.source.claimFirst(SLOT.collection, [SLOT.slot]);
    return bedOver(stores, directory);
  }

  async function fill({ stores }: MoveBed): Promise<void> {
    const documents = Array.from({ length: 150 }, (_, index) => put(`lamp-${index}`, `{"n":${index},"text":"ä€😀"}`));
    await stores.source.commit(documents);
    await stores.source.commit([remove("lamp-3"), put("lamp-9", "{}", { claim: claim("first") })]);
  }

  /** Moves the slot, and gives the bed of the way back. What `meanwhile` does comes after the first rows were read, and before the fence. */
  async function move(bed: MoveBed, meanwhile = () => Promise.resolve()): Promise<MoveBed> {
    const options = runOptions(bed, { move: await planSlot(bed), goal: "finish" });
    const { rows } = options.sides.source;
    let isFirst = true;
    const waiting: SlotSide["rows"] = async function* (question) {
      yield* rows(question);
      if (isFirst) await meanwhile();
      isFirst = false;
    };
    const sides = { ...options.sides, source: { ...options.sides.source, rows: waiting } };
    expect(await runSlot({ ...options, sides })).toMatchObject(decided);
    const { source, destination } = bed.stores;
    return { ...bed, stores: { source: destination, destination: source } };
  }

  describe.each(["SQLite", "Cassandra"] as const)("from %s to the other", (from) => {
    test("has every row there, exactly as it was, and again when it has come back", async () => {
      const bed = await openBed(from);
      await fill(bed);
      const before = await rowsOf(bed.stores.source);
      expect(new Set(before.map(({ kind }) => kind))).toEqual(new Set(["document", "tombstone", "record"]));
      const back = await move(bed);
      expect(await rowsOf(back.stores.source)).toEqual(before);
      const repeated = await commitOne(back.stores.source, put("lamp-9", "{}", { claim: claim("first") }));
      expect(repeated).toMatchObject({ kind: "verdict", replayed: true });
      await commitOne(back.stores.source, put("lamp-11", '"new"'));
      const changed = await rowsOf(back.stores.source);
      await move(back);
      expect(await rowsOf(bed.stores.source)).toEqual(changed);
      await bed.dispose();
    });

    test("loses nothing of a client who writes meanwhile", async () => {
      const bed = await openBed(from);
      await fill(bed);
      const writer = startWriter(bed, KEYS, { atMs: Date.now() });
      const back = await move(bed, async () => {
        const before = writer.writes();
        await vi.waitUntil(() => writer.writes() > before + 5, { timeout: 30_000 });
      });
      await writer.stop();
      const there = new Map<string, { readonly op: string }>(await keysIn(back.stores.source));
      expect([...writer.latest].filter(([key, latest]) => there.get(key)?.op !== latest.op)).toEqual([]);
      expect(writer.latest.size).toBeGreaterThan(5);
      await bed.dispose();
    });
  });
});
