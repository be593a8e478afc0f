// Moves' changes of rows on Cassandra beyond the contract: replies lost, requests lost and late, and what lies beside the rows.
// Must not repeat the contract.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkSlot } from "../../shards/http/slot-check.ts";
import { NO_COURTESY } from "../../shards/mover/courtesy.ts";
import { EXPIRY_KIND } from "../../shards/store/cassandra-expiry.ts";
import { DOCUMENT_KIND, TRACE_KIND } from "../../shards/store/cassandra-rows.ts";
import { TableStatements } from "../../shards/store/cassandra-statements.ts";
import type { SlotAddress } from "../../shards/store/port.ts";
import type { SlotFill, SlotRow } from "../../shards/store/transfer.ts";
import { addressOf, claim, force, PRODUCTS, put } from "../contract/store-fixture.ts";
import {
  begin,
  documentRow,
  NEXT_RUN,
  RUN,
  recordRow,
  rowsOf,
  send,
  slotAt,
  tombstoneRow,
  WIDE,
} from "../contract/transfer-fixture.ts";
import { createStoreBed, type Process, type StoreBed } from "./cassandra-store-bed.ts";
import { describeOnEngines } from "./engines.ts";
import { after, lateRequest, lostReply, lostReplyAfter, lostRequest } from "./faulty-session.ts";

/** Every slot of these tests was owned at epoch 1 and lost at 2. */
const MOVE = { move: "move-2", epoch: 3 };

describeOnEngines("a moving slot on Cassandra", ({ single }) => {
  let bed: StoreBed;
  let us: Process;
  let others: Process;
  let key: string;
  let address: SlotAddress;
  let rows: readonly SlotRow[];
  let fill: SlotFill;

  beforeAll(async () => {
    bed = await createStoreBed(single);
    us = await bed.open();
    others = await bed.open();
  });

  beforeEach(async () => {
    key = bed.freshKey();
    address = slotAt(addressOf(key));
    await force(us.store, address, "ABORTED");
    await begin(us.store, address, MOVE);
    rows = [documentRow(key), tombstoneRow(`${key}-2`), recordRow("c1")];
    fill = { address, run: RUN, put: rows, remove: [] };
    us.session.reset();
  });

  afterAll(() => bed.dispose());

  const takeOver = () => send(others.store, address, { kind: "take-over", ...MOVE, run: NEXT_RUN, previousRun: RUN });

  /** Keys of the slot's rows of one kind. */
  const keysOf = async (kind: number) => {
    const { table } = new TableStatements(bed.keyspace, PRODUCTS.name);
    const cql = `SELECT key FROM ${table} WHERE slot = ? AND kind = ${kind}`;
    return (await bed.session.readSerial({ cql, parameters: [address.slot] })).map((columns) => columns["key"]);
  };

  describe("filled with an outcome that is not told", () => {
    it.each([
      ["the request is lost", lostRequest()],
      ["the reply is lost", lostReply()],
    ])("is filled in the end, where %s", async (_name, fault) => {
      us.session.plan("compareAndSet", fault, fault);
      expect(await us.store.fillSlot(fill)).toEqual({ kind: "applied" });
      expect(us.session.takeCounts().compareAndSet).toBe(3);
      expect(await rowsOf(others.store, address)).toEqual(rows);
    });

    it("is refused once another run has taken over, whatever became of the first sending", async () => {
      us.session.plan("compareAndSet", lostReplyAfter(takeOver));
      const outcome = await us.store.fillSlot(fill);
      expect(outcome).toEqual({ kind: "refused", ownership: await others.store.ownership(address) });
    });

    it("is unknown after a bounded number of sendings", async () => {
      us.session.plan("compareAndSet", ...Array.from({ length: 20 }, () => lostRequest()));
      await expect(us.store.fillSlot(fill)).rejects.toMatchObject({ name: "StoreError", kind: "unknown" });
      expect(us.session.takeCounts().compareAndSet).toBeLessThan(10);
      us.session.reset();
      expect(await rowsOf(others.store, address)).toEqual([]);
    });

    it("takes nothing from a request that arrives after the slot was sealed", async () => {
      const late = lateRequest();
      us.session.plan("compareAndSet", late.fault);
      await us.store.fillSlot(fill);
      await us.store.fillSlot({ ...fill, put: [documentRow(key, "newer", "newer")] });
      await send(others.store, address, { kind: "seal", ...MOVE, run: RUN, digest: "equal" });
      expect(await late.release()).toMatchObject({ isApplied: false });
      expect((await rowsOf(others.store, address))[0]).toEqual(documentRow(key, "newer", "newer"));
    });
  });

  it("gets an expiry entry with each tombstone and record, and loses it with them", async () => {
    await us.store.fillSlot(fill);
    expect(await keysOf(EXPIRY_KIND)).toHaveLength(2);
    await us.store.fillSlot({ ...fill, put: [], remove: [{ of: "record", name: "c1" }] });
    expect(await keysOf(EXPIRY_KIND)).toEqual([expect.stringMatching(/^t\d{15}.*-2$/)]);
    await us.store.fillSlot({ ...fill, put: [], remove: [{ of: "key", name: `${key}-2` }] });
    expect(await keysOf(EXPIRY_KIND)).toEqual([]);
    expect(await rowsOf(us.store, address)).toEqual([documentRow(key)]);
  });

  it("is emptied of expiry entries by a clean-up, and keeps the traces of batches", async () => {
    await us.store.fillSlot(fill);
    await force(us.store, address, "OWNER");
    await us.store.commit([put(`${key}-3`, "1", { claim: claim("c9") }), put(`${key}-4`, "1")]);
    expect(await keysOf(TRACE_KIND)).toHaveLength(1);
    const { move, epoch } = await force(us.store, address, "GONE");
    us.session.plan("compareAndSet", lostReply());
    const left = { move: move ?? "", epoch };
    expect(await us.store.cleanSlot(address, left, 100)).toEqual({ kind: "cleaned", rows: 6, more: false });
    expect(await rowsOf(us.store, address)).toEqual([]);
    expect(await keysOf(EXPIRY_KIND)).toEqual([]);
    expect(await keysOf(TRACE_KIND)).toHaveLength(1);
  });

  it("is not cleaned by a batch that arrives after the slot was begun again", async () => {
    await us.store.fillSlot(fill);
    await send(us.store, address, { kind: "abort", ...MOVE });
    us.session.plan(
      "compareAndSet",
      after(() => begin(others.store, address, { move: "move-3", epoch: 4 })),
    );
    const outcome = await us.store.cleanSlot(address, MOVE, 100);
    expect(outcome).toMatchObject({ kind: "refused", ownership: { state: "RECEIVING", epoch: 4 } });
    expect(await rowsOf(us.store, address)).toEqual(rows);
  });

  it("tells of a key that lies in the slot of others", async () => {
    await us.store.fillSlot(fill);
    const { table } = new TableStatements(bed.keyspace, PRODUCTS.name);
    const cql = `INSERT INTO ${table} (slot, kind, key, op, deleted, at_ms, json) VALUES (?, ?, ?, ?, ?, ?, ?)`;
    const parameters = [address.slot, DOCUMENT_KIND, "!elsewhere", "op", false, 1n, "{}"];
    await bed.session.write([{ cql, parameters }]);
    const services = { store: us.store, courtesy: NO_COURTESY };
    expect(await checkSlot(services, address, PRODUCTS.placement).next()).toEqual({
      done: true,
      value: { rows: 4, misplaced: { rows: 1, named: [{ key: "!elsewhere", belongsTo: " " }] } },
    });
  });

  it("gives pages of many large rows, each with what the columns said before", async () => {
    const many = Array.from({ length: 200 }, (_, index) =>
      documentRow(`${key}-${index + 1000}`, `"${"x".repeat(9000)}"`),
    );
    await us.store.fillSlot({ ...fill, put: many });
    for (const bounds of [WIDE, { rowsMax: 70, bytesMax: WIDE.bytesMax }, { rowsMax: 1000, bytesMax: 100_000 }]) {
      expect(await rowsOf(us.store, address, bounds)).toEqual(many);
    }
    expect(await us.store.weighSlot(address)).toMatchObject({ rows: 200 });
  });
});
