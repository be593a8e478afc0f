// Values at the edges of what Cassandra's types hold, and partitions that were not written by the store.
// Must not repeat the contract.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NEVER_HELD } from "../../router/ownership.ts";
import type { Statement } from "../../shards/cassandra/session.ts";
import {
  addressOf,
  claim,
  commitOne,
  listOf,
  merge,
  put,
  remove,
  rowOf,
  verdictOf,
} from "../contract/store-fixture.ts";
import { createStoreBed, type Process, type StoreBed } from "./cassandra-store-bed.ts";
import { describeOnEngines } from "./engines.ts";

describeOnEngines("values in the store on Cassandra", ({ single }) => {
  let bed: StoreBed;
  let us: Process;
  let others: Process;

  beforeAll(async () => {
    bed = await createStoreBed(single);
    us = await bed.open();
    others = await bed.open();
  });

  afterAll(() => bed.dispose());

  const statement = (cql: string, parameters: readonly unknown[]): Statement => ({
    cql: cql.replace("TABLE", `${bed.keyspace}.c_products`),
    parameters,
  });

  it.each([
    [
      "ASCII with every control character",
      Array.from({ length: 128 }, (_, point) => String.fromCharCode(point)).join(""),
    ],
    ["two, three and four bytes", "äß漢字\u{1f600}\u{10ffff}\uffff\ufeff"],
    ["combining marks, joined and apart", "é é \u{1f468}‍\u{1f469}‍\u{1f467}"],
    ["directions and blanks", "\u202eabc\u202c  ﻿"],
    ["CQL", "'; DROP TABLE products; -- ? :name $$"],
    ["nothing", ""],
  ])("keeps %s in documents and claims", async (_name, text) => {
    const key = bed.freshKey();
    const json = JSON.stringify(text);
    const outcome = await commitOne(us.store, put(key, json, { claim: claim(`${key}${text}`, text) }));
    expect(outcome).toMatchObject({ verdict: { kind: "created" } });
    expect((await rowOf(others.store, key))?.json).toBe(json);
    expect(await commitOne(others.store, put(key, json, { claim: claim(`${key}${text}`, text) }))).toMatchObject({
      replayed: true,
    });
  });

  it.each([2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, Date.UTC(9999, 11, 31), Number.MAX_SAFE_INTEGER])(
    "keeps a time of %d ms, in documents, records and tombstones",
    async (atMs) => {
      const key = bed.freshKey();
      expect(await verdictOf(us.store, put(key, "1", { atMs, claim: claim(key) }))).toMatchObject({
        modifiedAtMs: atMs,
      });
      expect(await rowOf(others.store, key)).toMatchObject({ modifiedAtMs: atMs });
      expect(await verdictOf(others.store, put(key, "1", { atMs: 1, claim: claim(key) }))).toMatchObject({
        modifiedAtMs: atMs,
      });
      expect(await verdictOf(us.store, remove(key, { atMs }))).toEqual({ kind: "deleted" });
    },
  );

  it("keeps epochs up to 2^53 - 1", async () => {
    const address = addressOf(bed.freshKey());
    const before = await us.store.ownership(address);
    const next = { ...before, epoch: Number.MAX_SAFE_INTEGER };
    expect(await us.store.setOwnership(address, before, next)).toEqual({ applied: true, current: next });
    expect(await others.store.ownership(address)).toEqual(next);
  });

  it("refuses to set an epoch that cannot be counted exactly", async () => {
    const address = addressOf(bed.freshKey());
    const before = await us.store.ownership(address);
    await expect(us.store.setOwnership(address, before, { ...before, epoch: 2 ** 53 })).rejects.toThrow(RangeError);
    expect(await us.store.ownership(address)).toEqual(before);
  });

  it("says so when an epoch or a time is there that cannot be counted exactly", async () => {
    const key = bed.freshKey();
    const { slot } = addressOf(key);
    await us.store.commit([put(key, "1")]);
    const large = 2n ** 53n;
    const setTime = "UPDATE TABLE SET at_ms = ? WHERE slot = ? AND kind = 0 AND key = ? IF EXISTS";
    await bed.session.compareAndSet([statement(setTime, [large, slot, key])]);
    await expect(us.store.read(addressOf(key))).rejects.toMatchObject({
      name: "StoreError",
      kind: "unavailable",
      message: expect.stringContaining("at_ms 9007199254740992"),
    });
    await bed.session.compareAndSet([
      statement("UPDATE TABLE SET own_epoch = ? WHERE slot = ? IF own_state = 'OWNER'", [large, slot]),
    ]);
    for (const isRefused of [
      () => us.store.ownership(addressOf(key)),
      () => us.store.commit([put(key, "2")]),
      () => us.store.read(addressOf(key)),
    ]) {
      await expect(isRefused()).rejects.toMatchObject({
        kind: "unavailable",
        message: expect.stringContaining("own_epoch"),
      });
    }
  });

  it("takes a partition without ownership columns for a slot that was never held, whatever rows are in it", async () => {
    const key = "\u{1f600}-lamp";
    const address = addressOf(key);
    const before = await us.store.ownership(address);
    const clear =
      "UPDATE TABLE SET own_state = ?, own_epoch = ?, own_move = ?, own_run = ?, own_to = ?, own_digest = ? WHERE slot = ? IF own_state = 'OWNER'";
    await us.store.commit([put(key, "1")]);
    await bed.session.compareAndSet([statement(clear, [null, null, null, null, null, null, address.slot])]);
    const notOwned = { kind: "not-owned", ownership: NEVER_HELD };
    expect(await us.store.ownership(address)).toEqual(NEVER_HELD);
    expect(await us.store.read(address)).toEqual(notOwned);
    expect(await us.store.latestOp(addressOf(`${key}-2`))).toEqual(notOwned);
    expect(await commitOne(us.store, put(key, "2"))).toEqual(notOwned);
    expect(await commitOne(us.store, put(`${key}-2`, "2", { claim: claim(key) }))).toEqual(notOwned);
    expect(await us.store.setOwnership(address, before, { ...before, epoch: 9 })).toEqual({
      applied: false,
      current: NEVER_HELD,
    });
    expect(await us.store.setOwnership(address, NEVER_HELD, before)).toEqual({ applied: true, current: before });
    expect((await rowOf(us.store, key))?.json).toBe("1");
  });

  describe("of size", () => {
    it("256 writes of 16 KB in one group are one batch", async () => {
      const key = bed.freshKey();
      const writes = Array.from({ length: 256 }, (_, index) =>
        put(`${key}-${index}`, JSON.stringify("x".repeat(16_000) + index)),
      );
      us.session.reset();
      const outcomes = await us.store.commit(writes);
      expect(outcomes.every((outcome) => outcome.kind === "verdict" && outcome.verdict.kind === "created")).toBe(true);
      expect(us.session.takeCounts()).toEqual({ compareAndSet: 1, readSerial: 0, write: 0 });
      const page = await others.store.list(listOf({ from: key, limit: 256, bytesMax: 64 * 1024 * 1024 }));
      const keys = page.kind === "page" ? page.rows.map((row) => row.key) : [];
      expect(keys).toEqual(writes.map((write) => write.address.key).toSorted());
    });

    it("merges of one group whose documents are larger than one batch takes are committed in parts", async () => {
      const key = bed.freshKey();
      const document = JSON.stringify({ text: "x".repeat(200_000) });
      for (let index = 0; index < 40; index += 10) {
        await us.store.commit(Array.from({ length: 10 }, (_, more) => put(`${key}-${index + more}`, document)));
      }
      const merges = Array.from({ length: 40 }, (_, index) => merge(`${key}-${index}`, `{"n":${index}}`));
      const outcomes = await others.store.commit(merges);
      expect(outcomes.every((outcome) => outcome.kind === "verdict" && outcome.verdict.kind === "replaced")).toBe(true);
      expect((await rowOf(us.store, `${key}-39`))?.json).toContain('"n":39');
    });

    it("512 deletes with claims in one group leave an expiry entry each", async () => {
      const key = bed.freshKey();
      const keys = Array.from({ length: 256 }, (_, index) => `${key}-${index}`);
      await us.store.commit(keys.map((one) => put(one, "1")));
      await others.store.commit(keys.map((one) => remove(one, { claim: claim(one) })));
      const entries = await bed.session.readSerial(
        statement("SELECT key, op FROM TABLE WHERE slot = ? AND kind = ?", [addressOf(key).slot, 3]),
      );
      expect(entries).toHaveLength(512);
      expect(entries.filter((entry) => entry["op"] === null)).toHaveLength(256);
    });
  });
});
