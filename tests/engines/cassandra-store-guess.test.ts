// What the store on Cassandra guesses of keys and slots: what a right guess saves, and that a wrong one changes nothing.
// Must not repeat the contract, which knows of no guesses.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { StoreError, type Write } from "../../shards/store/port.ts";
import { addressOf, claim, commitOne, merge, put, remove, rowOf } from "../contract/store-fixture.ts";
import { createStoreBed, type Process, type StoreBed } from "./cassandra-store-bed.ts";
import { describeOnEngines } from "./engines.ts";
import { after, type Fault } from "./faulty-session.ts";

/** One round of Paxos and nothing else. */
const ONE_ROUND = { compareAndSet: 1, readSerial: 0, write: 0 };

describeOnEngines("the guesses of the store on Cassandra", ({ single }) => {
  let bed: StoreBed;
  let us: Process;
  let others: Process;

  beforeAll(async () => {
    bed = await createStoreBed(single);
    us = await bed.open();
    others = await bed.open();
  });

  beforeEach(() => us.session.reset());

  afterAll(() => bed.dispose());

  const verdictsOf = async (writes: readonly Write[]) =>
    (await us.store.commit(writes)).map((outcome) =>
      outcome.kind === "verdict" ? outcome.verdict.kind : outcome.kind,
    );

  describe("in the common case cost one round of Paxos and nothing else", () => {
    const of = (op: string) => ({ ifMatch: [op] });
    it.each<[string, boolean, (key: string, op: string) => Write, string]>([
      ["a put of a new key", false, (key) => put(key, "1"), "created"],
      ["a put of a new key with If-None-Match", false, (key) => put(key, "1", { ifNoneMatch: "*" }), "created"],
      ["a put of a new key with a claim", false, (key) => put(key, "1", { claim: claim(key) }), "created"],
      ["a put with the current If-Match", true, (key, op) => put(key, "1", of(op)), "replaced"],
      ["a delete with the current If-Match", true, (key, op) => remove(key, of(op)), "deleted"],
      ["a put with a stale If-Match", true, (key) => put(key, "1", of("stale")), "precondition-failed"],
      ["a delete with a stale If-Match", true, (key) => remove(key, of("stale")), "precondition-failed"],
    ])("%s", async (_name, isThere, writeOf, verdict) => {
      const key = bed.freshKey();
      if (isThere) await others.store.commit([put(key, "0", { op: `${key}-0` })]);
      expect(await verdictsOf([writeOf(key, `${key}-0`)])).toEqual([verdict]);
      expect(us.session.takeCounts()).toEqual(ONE_ROUND);
    });

    it("a write of a key that this process wrote last", async () => {
      const key = bed.freshKey();
      await us.store.commit([put(key, "0")]);
      for (const [write, verdict] of [
        [put(key, "1"), "replaced"],
        [put(key, "2", { ifMatch: "*" }), "replaced"],
        [remove(key), "deleted"],
        [put(key, "3"), "created"],
      ] as const) {
        us.session.takeCounts();
        expect(await verdictsOf([write])).toEqual([verdict]);
        expect(us.session.takeCounts()).toEqual(ONE_ROUND);
      }
    });

    it("a group of them", async () => {
      const key = bed.freshKey();
      await others.store.commit([put(`${key}-2`, "0", { op: `${key}-0` })]);
      const group = [put(key, "1"), put(key, "2"), remove(`${key}-2`, of(`${key}-0`)), put(`${key}-3`, "1")];
      expect(await verdictsOf(group)).toEqual(["created", "replaced", "deleted", "created"]);
      expect(us.session.takeCounts()).toEqual(ONE_ROUND);
    });
  });

  it("that are wrong for some keys of a group cost one round more, and no write its outcome", async () => {
    const key = bed.freshKey();
    await others.store.commit([put(`${key}-2`, "0"), put(`${key}-3`, "0"), remove(`${key}-3`)]);
    const group = [
      put(key, "1"),
      put(`${key}-2`, "1"),
      put(`${key}-3`, "1"),
      put(`${key}-2`, "2", { ifNoneMatch: "*" }),
    ];
    expect(await verdictsOf(group)).toEqual(["created", "replaced", "created", "precondition-failed"]);
    expect(us.session.takeCounts()).toMatchObject({ compareAndSet: 2, readSerial: 0 });
  });

  it("are never an answer: a refusal is read or seen by a condition before it is told", async () => {
    const key = bed.freshKey();
    await us.store.commit([put(key, "0"), remove(key)]);
    await others.store.commit([put(key, "1")]);
    us.session.takeCounts();
    expect(await verdictsOf([remove(key)])).toEqual(["deleted"]);
    await others.store.commit([put(key, "1")]);
    expect(await verdictsOf([merge(key, "{}")])).toEqual(["replaced"]);
    await others.store.commit([remove(key)]);
    expect(await verdictsOf([put(key, "2", { ifMatch: "*" })])).toEqual(["precondition-failed"]);
  });

  it("do not take a tombstone for the document that its op names", async () => {
    const key = bed.freshKey();
    await others.store.commit([put(key, "0"), remove(key, { op: `${key}-1` })]);
    expect(await verdictsOf([put(key, "1", { ifMatch: [`${key}-1`] })])).toEqual(["precondition-failed"]);
  });

  it("of a slot's epoch may be old: the write goes on at the new one", async () => {
    const key = bed.freshKey();
    await us.store.commit([put(key, "0")]);
    const address = addressOf(key);
    const before = await others.store.ownership(address);
    await others.store.setOwnership(address, before, { ...before, epoch: before.epoch + 2 });
    us.session.takeCounts();
    expect(await verdictsOf([put(key, "1")])).toEqual(["replaced"]);
    expect(us.session.takeCounts()).toMatchObject({ compareAndSet: 2, readSerial: 0 });
    expect(await verdictsOf([put(key, "2")])).toEqual(["replaced"]);
    expect(us.session.takeCounts()).toEqual(ONE_ROUND);
  });

  it("of a slot's epoch may be of a slot that has gone: nothing is written, and the truth is told", async () => {
    const key = bed.freshKey();
    const address = addressOf(key);
    const before = await others.store.ownership(address);
    const gone = { ...before, state: "GONE", epoch: before.epoch + 1, move: "m", to: null } as const;
    us.session.plan(
      "compareAndSet",
      after(() => others.store.setOwnership(address, before, gone)),
    );
    expect(await commitOne(us.store, put(key, "1"))).toEqual({ kind: "not-owned", ownership: gone });
  });

  it("may become wrong between a read and the batch, for any one key of a group: none of it is applied then", async () => {
    const key = bed.freshKey();
    const change = () => others.store.commit([put(`${key}-2`, '{"other":1}', { op: `${key}-other` })]);
    await others.store.commit([put(`${key}-2`, '{"a":1}')]);
    us.session.plan("compareAndSet", after(change));
    const group = [put(key, "1", { claim: claim(key) }), merge(`${key}-2`, '{"b":1}'), put(`${key}-3`, "1")];
    expect(await verdictsOf(group)).toEqual(["created", "replaced", "created"]);
    expect((await rowOf(others.store, `${key}-2`))?.json).toBe('{"other":1,"b":1}');
    // Text is needed and is read again: what failed conditions have seen does not have it.
    expect(us.session.takeCounts()).toMatchObject({ compareAndSet: 2, readSerial: 2 });
  });

  it("leave no room for one merge to read the texts of a whole group: what is read fits a batch", async () => {
    const key = bed.freshKey();
    const keys = Array.from({ length: 40 }, (_, index) => `${key}-${index}`);
    await others.store.commit(keys.map((one) => put(one, "{}")));
    let rowsMax = 0;
    const counted: Fault = async (send) => {
      const rows = await send();
      if (Array.isArray(rows)) rowsMax = Math.max(rowsMax, rows.length);
      return rows;
    };
    us.session.plan("readSerial", ...Array.from({ length: 40 }, () => counted));
    const group = keys.map((one, index) => (index === 20 ? merge(one, "{}") : put(one, "1")));
    expect(await verdictsOf(group)).toEqual(keys.map(() => "replaced"));
    // 4 MiB of the largest texts, and the sentinel.
    expect(rowsMax).toBeGreaterThan(1);
    expect(rowsMax).toBeLessThanOrEqual(17);
  });

  it("that stay wrong because others write the same key for ever end as busy, and nothing is applied", async () => {
    const key = bed.freshKey();
    const interfere = after(() => others.store.commit([put(key, "other")]));
    us.session.plan("compareAndSet", ...Array.from({ length: 40 }, () => interfere));
    await expect(us.store.commit([put(key, "1", { op: `${key}-1` })])).rejects.toMatchObject({ kind: "busy" });
    expect((await rowOf(others.store, key))?.json).toBe("other");
    const { store } = await bed.open();
    expect(await store.latestOp(addressOf(key))).not.toEqual({ kind: "op", op: `${key}-1` });
  });

  it("of a claim that nobody used: two processes at once apply it once, and both tell the same", async () => {
    for (let round = 0; round < 10; round += 1) {
      const key = bed.freshKey();
      const attempt = (op: string) => put(key, "1", { op, claim: claim(key) });
      const outcomes = await Promise.all([
        commitOne(us.store, attempt(`${key}-us`)),
        commitOne(others.store, attempt(`${key}-others`)),
      ]);
      const verdicts = outcomes.map((outcome) => (outcome.kind === "verdict" ? outcome.verdict : null));
      expect(verdicts[0]).toEqual(verdicts[1]);
      expect(outcomes.filter((outcome) => outcome.kind === "verdict" && outcome.replayed)).toHaveLength(1);
    }
  });

  it("of a claim that another process uses between guess and batch: the verdict is that process's", async () => {
    const key = bed.freshKey();
    const attempt = (op: string) => remove(key, { op, claim: claim(key) });
    us.session.plan(
      "compareAndSet",
      after(() => others.store.commit([attempt(`${key}-others`)])),
    );
    expect(await commitOne(us.store, attempt(`${key}-us`))).toMatchObject({
      verdict: { kind: "absent" },
      replayed: true,
    });
  });

  it("are none for a collection that the store was not opened with", async () => {
    const address = { ...addressOf("lamp"), collection: addressOf("lamp").slot as never };
    await expect(us.store.read(address)).rejects.toThrow(StoreError);
    await expect(us.store.read(address)).rejects.toMatchObject({ kind: "unavailable" });
  });
});
