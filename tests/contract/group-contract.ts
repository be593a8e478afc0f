/**
 * Store contract: several writes in one commit are judged alone and in order, each seeing those before it.
 * It must not depend on how many writes one commit takes.
 */
import { describe, expect, it } from "vitest";
import {
  addressOf,
  BOTH,
  CARTS,
  claim,
  force,
  merge,
  type OpenStore,
  owned,
  put,
  remove,
  rowOf,
} from "./store-fixture.ts";

/** The chapter, on the store that `openStore` makes. All keys lie in the slot "la", for stores that commit by slot. */
export function describeGroups(openStore: OpenStore): void {
  describe("groups", () => {
    it(
      "of none have no outcomes",
      owned(openStore, async (store) => {
        expect(await store.commit([])).toEqual([]);
      }),
    );

    it(
      "have one outcome per write, in order, each judged alone",
      owned(openStore, async (store) => {
        await store.commit([put("lamp", "0", { op: "zero" })]);
        const outcomes = await store.commit([
          put("lamp", "1", { op: "one", atMs: 1, ifMatch: ["zero"] }),
          put("lamp", "2", { op: "two", atMs: 2, ifMatch: ["zero"] }),
          put("lamp", "3", { op: "three", atMs: 3, ifMatch: ["one"] }),
          remove("late", { op: "four" }),
          put("late", '{"a":1}', { op: "five", atMs: 5, ifNoneMatch: "*" }),
          put("late", "too large", { op: "six", documentBytesMax: 3 }),
          merge("late", '{"b":2}', { op: "seven", atMs: 7 }),
          remove("lamp", { op: "eight" }),
          put("lamp", "9", { op: "nine", atMs: 9 }),
        ]);
        expect(outcomes.map((outcome) => (outcome.kind === "verdict" ? outcome.verdict : outcome))).toEqual([
          { kind: "replaced", op: "one", modifiedAtMs: 1 },
          { kind: "precondition-failed", currentOp: "one" },
          { kind: "replaced", op: "three", modifiedAtMs: 3 },
          { kind: "absent" },
          { kind: "created", op: "five", modifiedAtMs: 5 },
          { kind: "too-large", bytes: 9 },
          { kind: "replaced", op: "seven", modifiedAtMs: 7 },
          { kind: "deleted" },
          { kind: "created", op: "nine", modifiedAtMs: 9 },
        ]);
        expect(await rowOf(store, "lamp")).toEqual({ key: "lamp", op: "nine", modifiedAtMs: 9, json: "9" });
        expect((await rowOf(store, "late"))?.json).toBe('{"a":1,"b":2}');
      }),
    );

    it(
      "replay a claim that an earlier write of the same group has recorded",
      owned(openStore, async (store) => {
        const outcomes = await store.commit([
          put("lamp", "1", { op: "one", claim: claim("c") }),
          put("lamp", "1", { op: "two", claim: claim("c") }),
          put("lamp", "2", { op: "three", claim: claim("c", "other request") }),
          remove("lamp", { claim: claim("d") }),
          remove("lamp", { claim: claim("d") }),
        ]);
        expect(outcomes).toMatchObject([
          { verdict: { kind: "created", op: "one" }, replayed: false },
          { verdict: { kind: "created", op: "one" }, replayed: true },
          { verdict: { kind: "key-reused" }, replayed: false },
          { verdict: { kind: "deleted" }, replayed: false },
          { verdict: { kind: "deleted" }, replayed: true },
        ]);
        expect(await rowOf(store, "lamp")).toBeNull();
      }),
    );

    describeLargeGroups(openStore);
  });
}

function describeLargeGroups(openStore: OpenStore): void {
  it(
    "of hundreds of writes to one key lose none",
    owned(openStore, async (store) => {
      const ops = Array.from({ length: 300 }, (_, index) => `op-${index}`);
      const outcomes = await store.commit(
        ops.map((op, index) => put("lamp", `${index}`, { op, ifMatch: index === 0 ? [] : [ops[index - 1] ?? ""] })),
      );
      expect(outcomes[0]).toMatchObject({ verdict: { kind: "precondition-failed" } });
      expect(outcomes[299]).toMatchObject({ verdict: { kind: "precondition-failed", currentOp: null } });
      const chain = await store.commit([
        put("lamp", "0", { op: "op-0" }),
        ...ops.slice(1).map((op, index) => put("lamp", `${index + 1}`, { op, ifMatch: [`op-${index}`] })),
      ]);
      expect(
        chain.every((outcome) => outcome.kind === "verdict" && outcome.verdict.kind !== "precondition-failed"),
      ).toBe(true);
      expect(await rowOf(store, "lamp")).toMatchObject({ op: "op-299", json: "299" });
    }),
  );

  it(
    "run at the same time do not lose each other's writes",
    owned(openStore, async (store) => {
      const keys = Array.from({ length: 40 }, (_, index) => `lamp-${index}`);
      await Promise.all(keys.map((key) => store.commit([put(key, JSON.stringify(key))])));
      for (const key of keys) expect((await rowOf(store, key))?.json).toBe(JSON.stringify(key));
    }),
  );

  it(
    "judge the ownership of each write's slot, where one commit takes writes of all slots",
    owned(
      openStore,
      async (store) => {
        if (store.commitScope !== "store") return;
        await force(store, addressOf("zoo"), "FENCED");
        const outcomes = await store.commit([
          put("lamp", "1"),
          put("zoo", "1"),
          put("lamp", "2", { collection: CARTS }),
          put("lamp", "3"),
        ]);
        expect(outcomes).toMatchObject([
          { verdict: { kind: "created" } },
          { kind: "not-owned", ownership: { state: "FENCED" } },
          { verdict: { kind: "created" } },
          { verdict: { kind: "replaced" } },
        ]);
        expect(await rowOf(store, "zoo")).toBeNull();
      },
      BOTH,
    ),
  );
}
