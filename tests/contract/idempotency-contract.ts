/**
 * Store contract: a repeated write with the same idempotency claim has the same verdict and no second effect.
 * It must not test how claims are made of requests.
 */
import { describe, expect, it } from "vitest";
import type { Write, WriteVerdict } from "../../shards/store/port.ts";
import {
  BOTH,
  CARTS,
  claim,
  commitOne,
  merge,
  type OpenStore,
  owned,
  put,
  remove,
  rowOf,
  verdictOf,
  type WriteOptions,
} from "./store-fixture.ts";

interface Case {
  readonly name: string;
  /** Runs before; the key is "lamp". */
  readonly given: readonly Write[];
  /** The same request, sent with other options each time. */
  readonly attempt: (options: WriteOptions) => Write;
  readonly verdict: WriteVerdict;
  /** What another client does before the repetition: with it, the attempt alone would have another verdict. */
  readonly between: readonly Write[];
  readonly json: string | null;
}

const RECORDED: readonly Case[] = [
  {
    name: "created",
    given: [],
    attempt: (options) => put("lamp", "1", options),
    verdict: { kind: "created", op: "first", modifiedAtMs: 10 },
    between: [put("lamp", "2")],
    json: "2",
  },
  {
    name: "created, and deleted since",
    given: [],
    attempt: (options) => put("lamp", "1", options),
    verdict: { kind: "created", op: "first", modifiedAtMs: 10 },
    between: [remove("lamp")],
    json: null,
  },
  {
    name: "replaced",
    given: [put("lamp", "0")],
    attempt: (options) => put("lamp", "1", options),
    verdict: { kind: "replaced", op: "first", modifiedAtMs: 10 },
    between: [put("lamp", "2")],
    json: "2",
  },
  {
    name: "merged",
    given: [put("lamp", '{"n":1}')],
    attempt: (options) => merge("lamp", '{"m":2}', options),
    verdict: { kind: "replaced", op: "first", modifiedAtMs: 10 },
    between: [put("lamp", "{}")],
    json: "{}",
  },
  {
    name: "deleted",
    given: [put("lamp", "0")],
    attempt: (options) => remove("lamp", options),
    verdict: { kind: "deleted" },
    between: [put("lamp", "2")],
    json: "2",
  },
  {
    name: "absent (delete)",
    given: [],
    attempt: (options) => remove("lamp", options),
    verdict: { kind: "absent" },
    between: [put("lamp", "2")],
    json: "2",
  },
  {
    name: "absent (merge)",
    given: [],
    attempt: (options) => merge("lamp", "{}", options),
    verdict: { kind: "absent" },
    between: [put("lamp", "2")],
    json: "2",
  },
  {
    name: "precondition-failed",
    given: [put("lamp", "0", { op: "zero" })],
    attempt: (options) => put("lamp", "1", { ...options, ifNoneMatch: "*" }),
    verdict: { kind: "precondition-failed", currentOp: "zero" },
    between: [remove("lamp")],
    json: null,
  },
  {
    name: "too-large (merge)",
    given: [put("lamp", '{"n":1}')],
    attempt: (options) => merge("lamp", '{"m":2}', { ...options, documentBytesMax: 10 }),
    verdict: { kind: "too-large", bytes: 13 },
    between: [put("lamp", "{}")],
    json: "{}",
  },
  {
    name: "precondition-failed on nothing",
    given: [],
    attempt: (options) => put("lamp", "1", { ...options, ifMatch: "*" }),
    verdict: { kind: "precondition-failed", currentOp: null },
    between: [put("lamp", "2")],
    json: "2",
  },
];

/** The chapter, on the store that `openStore` makes. */
export function describeIdempotency(openStore: OpenStore): void {
  describe("idempotency", () => {
    it.each(RECORDED)("repeats the verdict $name, whatever has happened since, and applies nothing", (row) =>
      owned(openStore, async (store) => {
        for (const write of row.given) await store.commit([write]);
        const first = row.attempt({ op: "first", atMs: 10, claim: claim("c") });
        expect(await commitOne(store, first)).toEqual({ kind: "verdict", verdict: row.verdict, replayed: false });
        for (const write of row.between) await store.commit([write]);
        const again = row.attempt({ op: "second", atMs: 20, claim: claim("c") });
        expect(await commitOne(store, again)).toEqual({ kind: "verdict", verdict: row.verdict, replayed: true });
        expect((await rowOf(store, "lamp"))?.json ?? null).toBe(row.json);
      })(),
    );

    it(
      "does not apply a first attempt that arrives after its repetition was refused",
      owned(openStore, async (store) => {
        const attempt = (op: string) => put("lamp", "1", { op, ifMatch: "*", claim: claim("c") });
        expect(await verdictOf(store, attempt("repetition"))).toEqual({ kind: "precondition-failed", currentOp: null });
        await store.commit([put("lamp", "0")]);
        expect(await commitOne(store, attempt("late first"))).toMatchObject({
          verdict: { kind: "precondition-failed" },
          replayed: true,
        });
        expect((await rowOf(store, "lamp"))?.json).toBe("0");
      }),
    );

    it(
      "refuses a claim that another request has used, and keeps the record of the first",
      owned(openStore, async (store) => {
        await store.commit([put("lamp", "1", { op: "first", claim: claim("c", "one") })]);
        const reused = put("lamp", "2", { claim: claim("c", "two") });
        const refusal = { kind: "verdict", verdict: { kind: "key-reused" }, replayed: false };
        expect(await commitOne(store, reused)).toEqual(refusal);
        expect(await commitOne(store, reused)).toEqual(refusal);
        expect((await rowOf(store, "lamp"))?.json).toBe("1");
        const repeated = await commitOne(store, put("lamp", "1", { claim: claim("c", "one") }));
        expect(repeated).toMatchObject({ verdict: { kind: "created", op: "first" }, replayed: true });
      }),
    );

    describeClaims(openStore);
  });
}

function describeClaims(openStore: OpenStore): void {
  it(
    "records no verdict for a put that was too large whatever it met",
    owned(openStore, async (store) => {
      const attempt = (documentBytesMax: number) => put("lamp", "12345", { documentBytesMax, claim: claim("c") });
      expect(await verdictOf(store, attempt(4))).toEqual({ kind: "too-large", bytes: 5 });
      expect(await verdictOf(store, attempt(5))).toMatchObject({ kind: "created" });
    }),
  );

  it(
    "keeps claims of different ids and of different slots apart",
    owned(
      openStore,
      async (store) => {
        expect(await verdictOf(store, put("lamp", "1", { claim: claim("c") }))).toMatchObject({ kind: "created" });
        expect(await verdictOf(store, put("lamp", "2", { claim: claim("d") }))).toMatchObject({ kind: "replaced" });
        expect(await verdictOf(store, put("zoo", "1", { claim: claim("c") }))).toMatchObject({ kind: "created" });
        const cart = put("lamp", "1", { claim: claim("c"), collection: CARTS });
        expect(await verdictOf(store, cart)).toMatchObject({ kind: "created" });
      },
      BOTH,
    ),
  );

  it(
    "replays through another connection",
    owned(openStore, async (store, harness) => {
      await store.commit([put("lamp", "1", { op: "first", claim: claim("c") })]);
      const other = await harness.open();
      const repeated = await commitOne(other, put("lamp", "1", { claim: claim("c") }));
      expect(repeated).toMatchObject({ verdict: { kind: "created", op: "first" }, replayed: true });
    }),
  );
}
