// The first claim of a shard's slots on Cassandra: many partitions, written without conditions, by several processes, any of which
// may stop anywhere. Must not repeat the contract's chapter on claims.
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { FIRST_OWNER, NEVER_HELD, type Ownership } from "../../router/ownership.ts";
import { slotsOf } from "../../router/slot.ts";
import type { Store } from "../../shards/store/port.ts";
import { addressOf, PRODUCTS, put, SHARD, verdictOf } from "../contract/store-fixture.ts";
import { createKeyspacePool, type LentKeyspace } from "./cassandra-keyspaces.ts";
import { openProcess, type Process } from "./cassandra-store-bed.ts";
import { describeOnEngines } from "./engines.ts";
import { type Fault, lateRequest, lostReply, lostRequest, undisturbed } from "./faulty-session.ts";

const SLOTS = slotsOf(PRODUCTS.placement).slice(600, 640);
const CLAIMED = { kind: "claimed", slots: SLOTS.length };

type Step = "compareAndSet" | "write";

/** Where a claim stops: the faults of its requests in order. The intent is a conditional write, done is another. */
const STOPS: readonly (readonly [string, Step, readonly Fault[]])[] = [
  ["before its intent", "compareAndSet", [lostRequest("unavailable")]],
  ["with its intent lost", "compareAndSet", [lostRequest()]],
  [
    "after its first slots",
    "write",
    // Ten slots go in a request.
    Array.from({ length: 40 }, (_, index) => (index < 2 ? undisturbed : lostRequest("unavailable"))),
  ],
  [
    "with all slots written and their replies lost",
    "write",
    Array.from({ length: 40 }, () => lostReply("unavailable")),
  ],
  ["before it is told done", "compareAndSet", [undisturbed, lostRequest("unavailable")]],
  ["with nobody knowing whether it is done", "compareAndSet", [undisturbed, lostReply()]],
];

describeOnEngines("the first claim on Cassandra", ({ single }) => {
  const pool = createKeyspacePool({ address: single, replicas: 1, shard: SHARD, collections: [PRODUCTS] });
  let lent: LentKeyspace;
  let us: Process;
  let others: Process;

  beforeEach(async () => {
    lent = await pool.lend();
    us = await openProcess(lent);
    others = await openProcess(lent);
  });

  afterEach(async () => {
    await Promise.all([us.store.close(), others.store.close()]);
    lent.giveBack([PRODUCTS.name]);
  });

  afterAll(() => pool.dispose());

  const claimBy = ({ store }: { readonly store: Store }, slots = SLOTS) => store.claimFirst(PRODUCTS.name, slots);
  const ownershipOf = (slot: (typeof SLOTS)[number]) => others.store.ownership({ collection: PRODUCTS.name, slot });
  const ownerships = () => Promise.all(SLOTS.map(ownershipOf));

  it.each(STOPS)("that stops %s is completed by its repetition", async (_name, step, faults) => {
    us.session.plan(step, ...faults);
    await expect(claimBy(us)).rejects.toMatchObject({ name: "StoreError" });
    us.session.reset();
    expect(await claimBy(others)).toMatchObject({ kind: "claimed" });
    expect(await ownerships()).toEqual(SLOTS.map(() => FIRST_OWNER));
    expect(await claimBy(others)).toEqual({ kind: "claimed", slots: 0 });
  });

  it("that stopped is not completed by a claim of other slots", async () => {
    us.session.plan("write", ...Array.from({ length: 40 }, () => lostRequest("unavailable")));
    await expect(claimBy(us)).rejects.toMatchObject({ kind: "unavailable" });
    expect(await claimBy(others, SLOTS.slice(1))).toEqual({ kind: "others-held", heldSlots: SLOTS.length });
    expect(await ownerships()).toEqual(SLOTS.map(() => NEVER_HELD));
  });

  it("whose intent arrived with its reply lost goes on", async () => {
    us.session.plan("compareAndSet", lostReply());
    expect(await claimBy(us)).toEqual(CLAIMED);
  });

  it("writes a slot again when nobody knows whether it was written", async () => {
    us.session.plan("write", lostRequest(), lostReply(), lostRequest());
    expect(await claimBy(us)).toEqual(CLAIMED);
    expect(await ownerships()).toEqual(SLOTS.map(() => FIRST_OWNER));
  });

  it("by two processes at once claims each slot, and all of them", async () => {
    expect(await Promise.all([claimBy(us), claimBy(others)])).toMatchObject([{ kind: "claimed" }, { kind: "claimed" }]);
    expect(await ownerships()).toEqual(SLOTS.map(() => FIRST_OWNER));
  });

  it("by two processes at once of different slots is won by one, and nothing of the other's is claimed", async () => {
    const [left, right] = [SLOTS.slice(0, 20), SLOTS.slice(20)];
    const claims = await Promise.all([claimBy(us, left), claimBy(others, right)]);
    expect(claims.map(({ kind }) => kind).toSorted()).toEqual(["claimed", "others-held"]);
    const [owned, free] = claims[0].kind === "claimed" ? [left, right] : [right, left];
    expect(await Promise.all(owned.map(ownershipOf))).toEqual(owned.map(() => FIRST_OWNER));
    expect(await Promise.all(free.map(ownershipOf))).toEqual(free.map(() => NEVER_HELD));
  });

  it.each(["GONE", "RECEIVING", "OWNER"] as const)(
    "that writes a slot late, after it became %s by a move, changes nothing of it",
    async (state) => {
      const [slot] = SLOTS;
      if (slot === undefined) throw new Error("no slots");
      const address = { collection: PRODUCTS.name, slot };
      const late = lateRequest();
      // The first slot's claim is sent twice, and the first sending is still on its way when the slot moves.
      us.session.plan("write", late.fault);
      expect(await claimBy(us)).toEqual(CLAIMED);
      const moved: Ownership = { state, epoch: 5, move: "m", run: null, to: SHARD, digest: null };
      await others.store.setOwnership(address, FIRST_OWNER, moved);
      await late.release();
      expect(await ownershipOf(slot)).toEqual(moved);
    },
  );

  it("that is done is not done again in a store that has lost its slots", async () => {
    await claimBy(us);
    await lent.session.changeSchema(`TRUNCATE ${lent.keyspace}.c_products`);
    expect(await us.store.hasHeld(PRODUCTS.name)).toBe(false);
    expect(await claimBy(us)).toEqual({ kind: "others-held", heldSlots: 0 });
    expect(await ownerships()).toEqual(SLOTS.map(() => NEVER_HELD));
  });

  it("that has only been intended is no slot held", async () => {
    us.session.plan("write", ...Array.from({ length: 40 }, () => lostRequest("unavailable")));
    await expect(claimBy(us)).rejects.toMatchObject({ kind: "unavailable" });
    expect(await us.store.hasHeld(PRODUCTS.name)).toBe(false);
  });

  it("leaves the slots ready for conditional writes and for moves away", async () => {
    const address = addressOf("lamp");
    await us.store.claimFirst(PRODUCTS.name, [address.slot]);
    expect(await verdictOf(others.store, put("lamp", "1"))).toMatchObject({ kind: "created" });
    const fenced: Ownership = { ...FIRST_OWNER, state: "FENCED", epoch: 2, move: "m", to: SHARD };
    expect(await us.store.setOwnership(address, FIRST_OWNER, fenced)).toEqual({ applied: true, current: fenced });
  });

  it("of which only a part is left is refused, and named", async () => {
    const cql = `INSERT INTO ${lent.keyspace}.claims (collection, state) VALUES (?, ?)`;
    await lent.session.write([{ cql, parameters: [PRODUCTS.name, "done"] }]);
    const us = await openProcess(lent);
    await expect(us.store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement))).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("is damaged"),
    });
  });

  describe("of a keyspace", () => {
    it("that is another shard's is never made: the store does not open", async () => {
      await lent.session.changeSchema(`TRUNCATE ${lent.keyspace}.identity`);
      await expect(openProcess(lent)).rejects.toMatchObject({
        name: "ForeignKeyspaceError",
        kind: "unavailable",
        message: expect.stringContaining('is the store of shard "nobody"'),
      });
      await lent.session.compareAndSet([
        {
          cql: `INSERT INTO ${lent.keyspace}.identity (what, shard) VALUES (?, ?) IF NOT EXISTS`,
          parameters: ["store", SHARD],
        },
      ]);
    });
  });
});
