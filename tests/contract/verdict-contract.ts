/**
 * Store contract, chapter one: what a single write does to a key, and what reads say afterwards.
 * It must not look at groups, idempotency or ownership.
 */
import { describe, expect, it } from "vitest";
import type { Store, Write, WriteVerdict } from "../../shards/store/port.ts";
import {
  addressOf,
  BOTH,
  CARTS,
  commitOne,
  merge,
  type OpenStore,
  owned,
  put,
  remove,
  rowOf,
  verdictOf,
} from "./store-fixture.ts";

/** States of the key "lamp" before the write under test; the op of the version there is "before". */
const SITUATIONS: Readonly<Record<string, (store: Store) => Promise<void>>> = {
  missing: async () => undefined,
  present: async (store) => {
    await store.commit([put("lamp", '{"a":1}', { op: "before", atMs: 1000 })]);
  },
  deleted: async (store) => {
    await store.commit([
      put("lamp", '{"a":1}', { op: "older", atMs: 900 }),
      remove("lamp", { op: "before", atMs: 1000 }),
    ]);
  },
};

interface Case {
  readonly name: string;
  readonly given: "missing" | "present" | "deleted";
  readonly write: Write;
  readonly verdict: WriteVerdict;
  /** The stored text afterwards; null for none. */
  readonly json: string | null;
}

const created: WriteVerdict = { kind: "created", op: "after", modifiedAtMs: 2000 };
const replaced: WriteVerdict = { kind: "replaced", op: "after", modifiedAtMs: 2000 };
const failed: WriteVerdict = { kind: "precondition-failed", currentOp: "before" };
const failedMissing: WriteVerdict = { kind: "precondition-failed", currentOp: null };
const OLD = '{"a":1}';
const NEW = '{"b":2}';
const after = { op: "after", atMs: 2000 };

const PUTS: readonly Case[] = [
  { name: "creates", given: "missing", write: put("lamp", NEW, after), verdict: created, json: NEW },
  { name: "replaces", given: "present", write: put("lamp", NEW, after), verdict: replaced, json: NEW },
  { name: "creates again", given: "deleted", write: put("lamp", NEW, after), verdict: created, json: NEW },
  {
    name: "replaces the version it names",
    given: "present",
    write: put("lamp", NEW, { ...after, ifMatch: ["other", "before"] }),
    verdict: replaced,
    json: NEW,
  },
  {
    name: "refuses another version",
    given: "present",
    write: put("lamp", NEW, { ...after, ifMatch: ["other"] }),
    verdict: failed,
    json: OLD,
  },
  {
    name: "refuses an empty list of versions",
    given: "present",
    write: put("lamp", NEW, { ...after, ifMatch: [] }),
    verdict: failed,
    json: OLD,
  },
  {
    name: "replaces any version",
    given: "present",
    write: put("lamp", NEW, { ...after, ifMatch: "*" }),
    verdict: replaced,
    json: NEW,
  },
  {
    name: "with If-Match * finds none",
    given: "missing",
    write: put("lamp", NEW, { ...after, ifMatch: "*" }),
    verdict: failedMissing,
    json: null,
  },
  {
    name: "with If-Match * finds none after a delete",
    given: "deleted",
    write: put("lamp", NEW, { ...after, ifMatch: "*" }),
    verdict: failedMissing,
    json: null,
  },
  {
    name: "does not match the tombstone's op",
    given: "deleted",
    write: put("lamp", NEW, { ...after, ifMatch: ["before", "older"] }),
    verdict: failedMissing,
    json: null,
  },
  {
    name: "with If-None-Match * creates",
    given: "missing",
    write: put("lamp", NEW, { ...after, ifNoneMatch: "*" }),
    verdict: created,
    json: NEW,
  },
  {
    name: "with If-None-Match * creates after a delete",
    given: "deleted",
    write: put("lamp", NEW, { ...after, ifNoneMatch: "*" }),
    verdict: created,
    json: NEW,
  },
  {
    name: "with If-None-Match * never replaces",
    given: "present",
    write: put("lamp", NEW, { ...after, ifNoneMatch: "*" }),
    verdict: failed,
    json: OLD,
  },
  {
    name: "refuses a version that If-None-Match lists",
    given: "present",
    write: put("lamp", NEW, { ...after, ifNoneMatch: ["before"] }),
    verdict: failed,
    json: OLD,
  },
  {
    name: "replaces a version that If-None-Match does not list",
    given: "present",
    write: put("lamp", NEW, { ...after, ifNoneMatch: ["other"] }),
    verdict: replaced,
    json: NEW,
  },
  {
    name: "needs both conditions",
    given: "present",
    write: put("lamp", NEW, { ...after, ifMatch: ["before"], ifNoneMatch: ["before"] }),
    verdict: failed,
    json: OLD,
  },
  {
    name: "refuses what is too large",
    given: "present",
    write: put("lamp", '"äöü"', { ...after, documentBytesMax: 7 }),
    verdict: { kind: "too-large", bytes: 8 },
    json: OLD,
  },
  {
    name: "takes what is just small enough",
    given: "present",
    write: put("lamp", '"äöü"', { ...after, documentBytesMax: 8 }),
    verdict: replaced,
    json: '"äöü"',
  },
];

const MERGES: readonly Case[] = [
  { name: "finds none", given: "missing", write: merge("lamp", NEW, after), verdict: { kind: "absent" }, json: null },
  {
    name: "finds none after a delete",
    given: "deleted",
    write: merge("lamp", NEW, after),
    verdict: { kind: "absent" },
    json: null,
  },
  { name: "merges", given: "present", write: merge("lamp", NEW, after), verdict: replaced, json: '{"a":1,"b":2}' },
  {
    name: "judges conditions before existence",
    given: "missing",
    write: merge("lamp", NEW, { ...after, ifMatch: ["before"] }),
    verdict: failedMissing,
    json: null,
  },
  {
    name: "refuses another version",
    given: "present",
    write: merge("lamp", NEW, { ...after, ifMatch: ["other"] }),
    verdict: failed,
    json: OLD,
  },
  {
    name: "with If-None-Match * finds none to merge with",
    given: "missing",
    write: merge("lamp", NEW, { ...after, ifNoneMatch: "*" }),
    verdict: { kind: "absent" },
    json: null,
  },
  {
    name: "refuses to outgrow the limit",
    given: "present",
    write: merge("lamp", NEW, { ...after, documentBytesMax: 12 }),
    verdict: { kind: "too-large", bytes: 13 },
    json: OLD,
  },
];

const DELETES: readonly Case[] = [
  { name: "deletes", given: "present", write: remove("lamp", after), verdict: { kind: "deleted" }, json: null },
  { name: "finds none", given: "missing", write: remove("lamp", after), verdict: { kind: "absent" }, json: null },
  { name: "finds none twice", given: "deleted", write: remove("lamp", after), verdict: { kind: "absent" }, json: null },
  {
    name: "refuses another version",
    given: "present",
    write: remove("lamp", { ...after, ifMatch: ["other"] }),
    verdict: failed,
    json: OLD,
  },
  {
    name: "with If-Match finds none",
    given: "deleted",
    write: remove("lamp", { ...after, ifMatch: ["before"] }),
    verdict: failedMissing,
    json: null,
  },
];

/** The chapter, on the store that `openStore` makes. */
export function describeVerdicts(openStore: OpenStore): void {
  describe.each([
    ["put", PUTS],
    ["merge", MERGES],
    ["delete", DELETES],
  ])("%s", (_kind, cases) => {
    it.each(cases)("$name ($given)", ({ given, write, verdict, json }) =>
      owned(openStore, async (store) => {
        await SITUATIONS[given]?.(store);
        expect(await commitOne(store, write)).toEqual({ kind: "verdict", verdict, replayed: false });
        expect((await rowOf(store, "lamp"))?.json ?? null).toBe(json);
      })(),
    );
  });

  describeDocuments(openStore);
  describeLatestOp(openStore);
}

function describeLatestOp(openStore: OpenStore): void {
  it(
    "tells the op of a key's latest write, a deletion included, and nothing of refused ones",
    owned(
      openStore,
      async (store) => {
        for (const collection of BOTH) {
          const latest = () => store.latestOp(addressOf("lamp", collection));
          expect(await latest()).toEqual({ kind: "op", op: null });
          for (const [op, write] of [
            ["one", put("lamp", "1", { op: "one", collection })],
            ["two", merge("lamp", "{}", { op: "two", collection })],
            ["three", remove("lamp", { op: "three", collection })],
            ["three", remove("lamp", { op: "absent", collection })],
            ["four", put("lamp", "1", { op: "four", collection })],
            ["four", put("lamp", "2", { op: "refused", ifNoneMatch: "*", collection })],
            ["five", remove("lamp", { op: "five", collection })],
          ] as const) {
            await store.commit([write]);
            expect(await latest()).toEqual({ kind: "op", op });
          }
          expect(await store.latestOp(addressOf("lamp-2", collection))).toEqual({ kind: "op", op: null });
        }
      },
      BOTH,
    ),
  );
}

function describeDocuments(openStore: OpenStore): void {
  describe("documents", () => {
    const PRECISE = '{ "price" : 1.10,\n "id": 12345678901234567890, "__proto__": {"x": 1e2}, "é": "\\u00e9😀" }';

    it(
      "are given back as they were sent, with op and time",
      owned(openStore, async (store) => {
        await store.commit([put("lamp", PRECISE, { op: "op-1", atMs: 1234 })]);
        expect(await rowOf(store, "lamp")).toEqual({ key: "lamp", op: "op-1", modifiedAtMs: 1234, json: PRECISE });
      }),
    );

    it(
      "keep number literals through a merge",
      owned(openStore, async (store) => {
        await store.commit([put("lamp", PRECISE), merge("lamp", '{"tax":0.070,"price":null}')]);
        const json = (await rowOf(store, "lamp"))?.json;
        expect(json).toBe('{"id":12345678901234567890,"__proto__":{"x":1e2},"é":"\\u00e9😀","tax":0.070}');
      }),
    );

    it(
      "of 256 KiB and keys of every script are kept",
      owned(openStore, async (store) => {
        const json = JSON.stringify("x".repeat(256 * 1024 - 2));
        for (const key of ["_", "ärger", "漢字", "\u{1f600}", "\uffe0", "a".repeat(256), "'; --", "%"]) {
          expect(await verdictOf(store, put(key, json))).toMatchObject({ kind: "created" });
          expect((await rowOf(store, key))?.json).toBe(json);
        }
      }),
    );

    it(
      "of two collections do not meet",
      owned(
        openStore,
        async (store) => {
          await store.commit([put("lamp", "1")]);
          expect(await rowOf(store, "lamp", CARTS)).toBeNull();
          await store.commit([put("lamp", "2", { collection: CARTS })]);
          expect((await rowOf(store, "lamp"))?.json).toBe("1");
          expect((await rowOf(store, "lamp", CARTS))?.json).toBe("2");
        },
        BOTH,
      ),
    );

    it(
      "are seen by another connection as soon as they are acknowledged",
      owned(openStore, async (store, harness) => {
        const other = await harness.open();
        await store.commit([put("lamp", "1")]);
        expect(await other.read(addressOf("lamp"))).toMatchObject({ row: { json: "1" } });
        await other.commit([remove("lamp")]);
        expect(await rowOf(store, "lamp")).toBeNull();
      }),
    );
  });
}
