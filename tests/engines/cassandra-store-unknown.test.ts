// Conditional writes of the store whose outcome is not told: replies lost, requests lost, requests that arrive late.
// A client gets the true result or is told that nobody knows; never a wrong success or failure.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ContendedError } from "../../shards/cassandra/session.ts";
import { systemClock } from "../../shards/clock.ts";
import { commitOnce } from "../../shards/commit-outcome.ts";
import { GroupCommit } from "../../shards/group-commit.ts";
import { EXPIRY_KIND } from "../../shards/store/cassandra-expiry.ts";
import type { Store, Write } from "../../shards/store/port.ts";
import { addressOf, claim, commitOne, merge, PRODUCTS, put, remove, rowOf } from "../contract/store-fixture.ts";
import { createStoreBed, type Process, type StoreBed } from "./cassandra-store-bed.ts";
import { describeOnEngines } from "./engines.ts";
import { after, type Fault, lateRequest, lostReply, lostReplyAfter, lostRequest } from "./faulty-session.ts";

const UNKNOWN = { name: "StoreError", kind: "unknown" };

function throughGroups(store: Store, write: Write) {
  return commitOnce({ commits: new GroupCommit({ store }), store }, write);
}

describeOnEngines("a conditional write on Cassandra whose outcome is not told", ({ single }) => {
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

  const opOf = async (key: string) => (await rowOf(others.store, key))?.op ?? null;

  describe("applied, with its reply lost", () => {
    it.each<[string, (key: string) => readonly Write[], readonly unknown[]]>([
      ["a put", (key) => [put(key, "1", { op: `${key}-1`, atMs: 1 })], [{ kind: "created" }]],
      ["a put with a claim", (key) => [put(key, "1", { claim: claim(key) })], [{ kind: "created" }]],
      ["a refusal with a claim", (key) => [remove(key, { claim: claim(key) })], [{ kind: "absent" }]],
      [
        "a group",
        (key) => [
          put(key, "1"),
          put(`${key}-2`, "2", { claim: claim(key) }),
          put(`${key}-2`, "3", { ifNoneMatch: "*" }),
          remove(key),
          merge(`${key}-2`, '{"a":1}'),
          put(`${key}-3`, "3"),
        ],
        [
          { kind: "created" },
          { kind: "created" },
          { kind: "precondition-failed" },
          { kind: "deleted" },
          { kind: "replaced" },
          { kind: "created" },
        ],
      ],
    ])("%s is told as what it was", async (_name, writesOf, verdicts) => {
      const key = bed.freshKey();
      us.session.plan("compareAndSet", lostReply());
      const outcomes = await us.store.commit(writesOf(key));
      expect(outcomes).toMatchObject(verdicts.map((verdict) => ({ kind: "verdict", verdict, replayed: false })));
      expect(us.session.takeCounts().compareAndSet).toBe(1);
    });

    it("and overwritten before anybody looked is unknown, and is not sent again", async () => {
      const key = bed.freshKey();
      await us.store.commit([put(key, "0")]);
      us.session.takeCounts();
      us.session.plan(
        "compareAndSet",
        lostReplyAfter(() => others.store.commit([put(key, "2", { op: `${key}-2` })])),
      );
      await expect(us.store.commit([put(key, "1")])).rejects.toMatchObject(UNKNOWN);
      expect(us.session.takeCounts().compareAndSet).toBe(1);
      expect(await opOf(key)).toBe(`${key}-2`);
    });

    it("and overwritten is known by its record, if it has one", async () => {
      const key = bed.freshKey();
      us.session.plan(
        "compareAndSet",
        lostReplyAfter(() => others.store.commit([put(key, "2")])),
      );
      const group = [put(key, "1", { op: `${key}-1`, claim: claim(key) }), put(`${key}-2`, "1")];
      expect(await us.store.commit(group)).toMatchObject([
        { verdict: { kind: "created", op: `${key}-1` }, replayed: false },
        { verdict: { kind: "created" } },
      ]);
    });

    it("is unknown when the servers do not answer the question either", async () => {
      const key = bed.freshKey();
      us.session.plan("compareAndSet", lostReply());
      us.session.plan("readSerial", ...Array.from({ length: 4 }, () => lostRequest("unavailable")));
      await expect(us.store.commit([put(key, "1")])).rejects.toMatchObject(UNKNOWN);
    });

    it("is found all the same when they answer it at last", async () => {
      const key = bed.freshKey();
      us.session.plan("compareAndSet", lostReply());
      us.session.plan("readSerial", ...Array.from({ length: 3 }, () => lostRequest("unavailable")));
      expect(await us.store.commit([put(key, "1")])).toMatchObject([{ verdict: { kind: "created" } }]);
    });

    it("is not taken for applied because of an earlier attempt of one of its writes", async () => {
      const key = bed.freshKey();
      const claimed = put(key, "1", { op: `${key}-1`, claim: claim(key) });
      await others.store.commit([claimed]);
      // The same write again, in a group whose batch is lost: what is there of it is the earlier attempt's.
      us.session.plan("compareAndSet", lostRequest());
      expect(await us.store.commit([claimed, put(`${key}-2`, "1")])).toMatchObject([
        { verdict: { kind: "created", op: `${key}-1` }, replayed: true },
        { verdict: { kind: "created" }, replayed: false },
      ]);
      expect(await rowOf(others.store, `${key}-2`)).not.toBeNull();
    });
  });

  describe("given up by the servers because of others", () => {
    const givenUp: Fault = () => Promise.reject(new ContendedError("the servers gave up"));
    const appliedAfterAll: Fault = async (send) => {
      await send();
      throw new ContendedError("the servers gave up");
    };

    it("and not applied is sent again, as it was", async () => {
      const key = bed.freshKey();
      us.session.plan("compareAndSet", givenUp, givenUp);
      expect(await commitOne(us.store, put(key, "1"))).toMatchObject({ verdict: { kind: "created" } });
      expect(us.session.takeCounts()).toMatchObject({ compareAndSet: 3, readSerial: 2 });
    });

    it("again and again is unknown in the end", async () => {
      us.session.plan("compareAndSet", ...Array.from({ length: 9 }, () => givenUp));
      await expect(us.store.commit([put(bed.freshKey(), "1")])).rejects.toMatchObject(UNKNOWN);
    });

    it("and not applied is not sent again once the commit has taken too long: nobody knows", async () => {
      let nowMs = 0;
      const slow = await bed.open({ ...systemClock, nowMs: () => nowMs });
      const key = bed.freshKey();
      slow.session.plan("compareAndSet", (send) => {
        nowMs += 4_000;
        return givenUp(send);
      });
      await expect(slow.store.commit([put(key, "1")])).rejects.toMatchObject(UNKNOWN);
      expect(slow.session.takeCounts().compareAndSet).toBe(1);
    });

    it("and applied all the same is told as applied, and is not sent again", async () => {
      const key = bed.freshKey();
      us.session.plan("compareAndSet", appliedAfterAll);
      expect(await commitOne(us.store, put(key, "1"))).toMatchObject({ verdict: { kind: "created" } });
      expect(us.session.takeCounts().compareAndSet).toBe(1);
    });

    it("and sent again is applied once, whichever of the two comes first, and the other never", async () => {
      const key = bed.freshKey();
      const first = lateRequest(() => new ContendedError("the servers gave up"));
      us.session.plan("compareAndSet", first.fault);
      await us.store.commit([put(key, "1", { op: `${key}-1` })]);
      await others.store.commit([put(key, "2", { op: `${key}-2` })]);
      expect(await first.release()).toMatchObject({ isApplied: false });
      const second = lateRequest(() => new ContendedError("the servers gave up"));
      us.session.plan(
        "compareAndSet",
        second.fault,
        after(() => second.release()),
      );
      expect(await commitOne(us.store, put(`${key}-2`, "1"))).toMatchObject({ verdict: { kind: "created" } });
    });

    it("and applied between two sendings, then overwritten, is unknown: the second's refusal proves nothing", async () => {
      const key = bed.freshKey();
      const first = lateRequest(() => new ContendedError("the servers gave up"));
      const overtake = async () => {
        await first.release();
        await others.store.commit([put(key, "2", { op: `${key}-2` })]);
      };
      us.session.plan("compareAndSet", first.fault, after(overtake));
      await expect(us.store.commit([put(key, "1", { ifNoneMatch: "*" })])).rejects.toMatchObject(UNKNOWN);
    });

    it("in a slot with traces is known to have been applied though all its rows are overwritten", async () => {
      const key = bed.freshKey();
      const keys = [key, `${key}-2`];
      us.session.plan("compareAndSet", (send) =>
        appliedAfterAll(async () => {
          const answer = await send();
          await others.store.commit(keys.map((one) => put(one, "other")));
          return answer;
        }),
      );
      const outcomes = await us.store.commit(keys.map((one) => put(one, "1")));
      expect(outcomes).toMatchObject(keys.map(() => ({ verdict: { kind: "created" } })));
      expect(us.session.takeCounts().compareAndSet).toBe(1);
    });

    it("in a slot with traces is known not to have been applied though all its rows are written by others", async () => {
      const key = bed.freshKey();
      const keys = [key, `${key}-2`];
      const late = lateRequest();
      us.session.plan("compareAndSet", async (send) => {
        await late.fault(send).catch(() => undefined);
        await others.store.commit(keys.map((one) => put(one, "other")));
        return givenUp(send);
      });
      const outcomes = await us.store.commit(keys.map((one) => put(one, "1")));
      expect(outcomes).toMatchObject(keys.map(() => ({ verdict: { kind: "replaced" } })));
      expect(await late.release()).toMatchObject({ isApplied: false });
    });

    it("or lost, and impossible since, because another has written one of its keys, is judged anew", async () => {
      const key = bed.freshKey();
      for (const fault of [givenUp, lostRequest()]) {
        const late = lateRequest();
        const interfere: Fault = async (send) => {
          await others.store.commit([put(`${key}-2`, "other")]);
          await late.fault(send).catch(() => undefined);
          return fault(send);
        };
        us.session.plan("compareAndSet", interfere);
        const group = [put(`${key}-${crypto.randomUUID()}`, "1"), put(`${key}-2`, "1", { ifNoneMatch: "*" })];
        expect(await us.store.commit(group)).toMatchObject([
          { verdict: { kind: "created" } },
          { verdict: { kind: "precondition-failed" } },
        ]);
        expect(await late.release()).toMatchObject({ isApplied: false });
        await others.store.commit([remove(`${key}-2`)]);
      }
    });
  });

  describe("never sent", () => {
    it("without a claim is unknown, and is not sent again", async () => {
      const key = bed.freshKey();
      us.session.plan("compareAndSet", lostRequest());
      await expect(throughGroups(us.store, put(key, "1"))).rejects.toMatchObject(UNKNOWN);
      expect(us.session.takeCounts().compareAndSet).toBe(1);
      expect(await rowOf(us.store, key)).toBeNull();
    });

    it("with a claim is repeated under it", async () => {
      const key = bed.freshKey();
      us.session.plan("compareAndSet", lostRequest());
      const outcome = await throughGroups(us.store, put(key, "1", { claim: claim(key) }));
      expect(outcome).toMatchObject({ verdict: { kind: "created" }, replayed: false });
      expect((await rowOf(us.store, key))?.json).toBe("1");
    });

    it("leaves nothing of its group, rows, records and expiry entries", async () => {
      const key = bed.freshKey();
      await us.store.commit([put(`${key}-2`, "0")]);
      us.session.plan("compareAndSet", lostRequest());
      const group = [put(key, "1", { claim: claim(key) }), remove(`${key}-2`), put(`${key}-3`, "1")];
      await expect(us.store.commit(group)).rejects.toMatchObject(UNKNOWN);
      const rows = await partitionOf(bed, key);
      expect(rows.map((row) => [row["kind"], row["key"]])).toEqual([
        [0, `${key}-2`],
        [1, ""],
      ]);
    });
  });

  describe("arriving late", () => {
    it("is not applied after its repetition was refused", async () => {
      const key = bed.freshKey();
      const late = lateRequest();
      us.session.plan("compareAndSet", late.fault);
      const attempt = put(key, "1", { ifMatch: "*", claim: claim(key) });
      await others.store.commit([put(key, "0", { op: `${key}-0` })]);
      // The attempt is sent while there is a document, and held back until the repetition was refused for lack of one.
      await expect(us.store.commit([attempt])).rejects.toMatchObject(UNKNOWN);
      await others.store.commit([remove(key)]);
      expect(await commitOne(others.store, attempt)).toMatchObject({ verdict: { kind: "precondition-failed" } });
      expect(await late.release()).toMatchObject({ isApplied: false });
      expect(await rowOf(others.store, key)).toBeNull();
    });

    it("is not applied beside its repetition, which was applied elsewhere", async () => {
      const key = bed.freshKey();
      const late = lateRequest();
      us.session.plan("compareAndSet", late.fault);
      const attempt = put(key, "1", { claim: claim(key) });
      await expect(us.store.commit([attempt])).rejects.toMatchObject(UNKNOWN);
      expect(await commitOne(others.store, attempt)).toMatchObject({ verdict: { kind: "created" }, replayed: false });
      await others.store.commit([remove(key)]);
      expect(await late.release()).toMatchObject({ isApplied: false });
      expect(await rowOf(others.store, key)).toBeNull();
    });

    it("is not applied to a document that was deleted and made again", async () => {
      const key = bed.freshKey();
      await us.store.commit([put(key, "0", { op: `${key}-0` })]);
      const late = lateRequest();
      us.session.plan("compareAndSet", late.fault);
      await expect(us.store.commit([put(key, "1", { ifMatch: [`${key}-0`] })])).rejects.toMatchObject(UNKNOWN);
      await others.store.commit([remove(key), put(key, "2", { op: `${key}-2` })]);
      expect(await late.release()).toMatchObject({ isApplied: false });
      expect(await opOf(key)).toBe(`${key}-2`);
    });

    it("is not applied to a key that was made and deleted meanwhile: its tombstone stands in the way", async () => {
      const key = bed.freshKey();
      const late = lateRequest();
      us.session.plan("compareAndSet", late.fault);
      await expect(us.store.commit([put(key, "1")])).rejects.toMatchObject(UNKNOWN);
      await others.store.commit([put(key, "2"), remove(key)]);
      expect(await late.release()).toMatchObject({ isApplied: false });
      expect(await rowOf(others.store, key)).toBeNull();
    });

    it("is not applied once the slot has moved, though it has come back", async () => {
      const key = bed.freshKey();
      const late = lateRequest();
      us.session.plan("compareAndSet", late.fault);
      await expect(us.store.commit([put(key, "1")])).rejects.toMatchObject(UNKNOWN);
      const address = addressOf(key);
      const before = await others.store.ownership(address);
      const fenced = { ...before, state: "FENCED", epoch: before.epoch + 1 } as const;
      await others.store.setOwnership(address, before, fenced);
      expect(await late.release()).toMatchObject({ isApplied: false });
      await others.store.setOwnership(address, fenced, { ...before, epoch: before.epoch + 2 });
      expect(await late.release()).toMatchObject({ isApplied: false });
      expect(await rowOf(others.store, key)).toBeNull();
    });
  });

  describe("overtaken by others again and again", () => {
    it("is given up as busy once the commit has taken too long, and nothing of it is there", async () => {
      let nowMs = 0;
      const slow = await bed.open({ ...systemClock, nowMs: () => nowMs });
      const key = bed.freshKey();
      const overtaken = after(async () => {
        nowMs += 1_500;
        await others.store.commit([put(key, "other")]);
      });
      slow.session.plan("compareAndSet", ...Array.from({ length: 9 }, () => overtaken));
      await expect(slow.store.commit([put(key, "1", { op: `${key}-1` })])).rejects.toMatchObject({ kind: "busy" });
      expect(slow.session.takeCounts().compareAndSet).toBe(3);
      expect(await opOf(key)).not.toBe(`${key}-1`);
    });
  });

  describe("failed by the session", () => {
    it.each<[string, Fault, string, string | null]>([
      ["busy, before", lostRequest("busy"), "busy", null],
      ["unavailable, before", lostRequest("unavailable"), "unavailable", null],
      ["broken, before", lostRequest("broken"), "unavailable", "store-broken"],
      ["unknown, before", lostRequest("unknown"), "unknown", null],
    ])("as %s anything was applied, rejects so, and nothing is there", async (_name, fault, kind, event) => {
      const key = bed.freshKey();
      const events = us.events.length;
      us.session.plan("compareAndSet", fault);
      await expect(us.store.commit([put(key, "1")])).rejects.toMatchObject({ name: "StoreError", kind });
      expect(await rowOf(us.store, key)).toBeNull();
      expect(us.events.slice(events)).toEqual(event === null ? [] : [event]);
    });

    it.each(["busy", "unavailable", "unknown"] as const)(
      "a read as %s rejects as something that may be repeated",
      async (kind) => {
        us.session.plan("readSerial", lostRequest(kind));
        await expect(us.store.read(addressOf(bed.freshKey()))).rejects.toMatchObject({ name: "StoreError", kind });
      },
    );

    it("in the second half of a group too large for one batch, leaves the whole unknown", async () => {
      const key = bed.freshKey();
      const large = Array.from({ length: 20 }, (_, index) =>
        put(`${key}-${index}`, JSON.stringify("x".repeat(250_000))),
      );
      us.session.plan("compareAndSet", (send) => send(), lostRequest("busy"));
      await expect(us.store.commit(large)).rejects.toMatchObject(UNKNOWN);
      expect(await rowOf(us.store, `${key}-0`)).not.toBeNull();
      expect(await rowOf(us.store, `${key}-19`)).toBeNull();
    });
  });

  describe("a change of ownership", () => {
    it("whose reply is lost is told as there, if not as its own, when it is there, and as unknown when it is not", async () => {
      const address = addressOf(bed.freshKey());
      const before = await us.store.ownership(address);
      const next = { ...before, state: "FENCED", epoch: before.epoch + 1, move: "m", run: "r" } as const;
      us.session.plan("compareAndSet", lostRequest(), lostReply());
      await expect(us.store.setOwnership(address, before, next)).rejects.toMatchObject(UNKNOWN);
      expect(await us.store.setOwnership(address, before, next)).toEqual({ applied: false, current: next });
    });
  });
});

/** All rows of a key's slot. */
function partitionOf(bed: StoreBed, key: string) {
  const { slot } = addressOf(key);
  const cql = `SELECT kind, key FROM ${bed.keyspace}.c_${PRODUCTS.name} WHERE slot = ? AND kind <= ?`;
  return bed.session.readSerial({ cql, parameters: [slot, EXPIRY_KIND] });
}
