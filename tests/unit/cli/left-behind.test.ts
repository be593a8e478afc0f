// Rows that a move left at its source against those of the owner: what may differ, and what may not.
import { describe, expect, it } from "vitest";
import { DEFAULT_CONFIG, readConfiguration } from "../../../cli/configuration.ts";
import { compareLeftBehind } from "../../../cli/verify/left-behind.ts";
import { FIRST_OWNER, type Ownership } from "../../../router/ownership.ts";
import { slotOf } from "../../../router/slot.ts";
import { SHARD_1, SHARD_2 } from "../../contract/catalog-fixture.ts";
import { canonical } from "../router/arbitraries.ts";
import { T0 } from "./move-fixture.ts";

const collection = readConfiguration(DEFAULT_CONFIG).config.collections.get("products");
if (collection === undefined) throw new Error("expected the collection products");

type Line = Readonly<Record<string, unknown>>;

const GONE: Ownership = { ...FIRST_OWNER, state: "GONE", epoch: 2, move: "m-1", to: SHARD_2 };
const OWNER: Ownership = { ...FIRST_OWNER, epoch: 2, move: "m-1", to: SHARD_1, digest: "d" };

const HOUR_MS = 3_600_000;
const { tombstoneRetentionMs, idempotencyRetentionMs } = collection;

const document = (key: string, op: string, atMs = T0) => ({ kind: "document", key, op, atMs, json: "{}" });
const tombstone = (key: string, op: string, atMs = T0) => ({ kind: "tombstone", key, op, atMs });
const record = (id: string, atMs = T0) => ({
  kind: "record",
  id,
  fingerprint: "f",
  verdict: { kind: "applied" },
  atMs,
});

function linesOf(ownership: Ownership, rows: readonly object[]): readonly Line[] {
  return [{ ownership }, ...rows.map((row) => ({ row })), { end: true, rows: rows.length, ownership }];
}

interface Sides {
  readonly source: readonly object[];
  readonly owner: readonly object[];
}

function compare(sides: { readonly source: readonly Line[]; readonly owner: readonly Line[] }, afterMs = HOUR_MS) {
  async function* rows(shard: string): AsyncGenerator<Line, void> {
    for (const line of shard === SHARD_1 ? sides.source : sides.owner) yield await Promise.resolve(line);
  }
  if (collection === undefined) throw new Error("no collection");
  const place = { slot: slotOf(collection.placement, canonical("react")), source: SHARD_1, owner: SHARD_2 };
  return compareLeftBehind({ rows }, { ...place, collection, leftAtMs: T0, nowMs: T0 + afterMs });
}

const compareRows = ({ source, owner }: Sides, afterMs?: number) =>
  compare({ source: linesOf(GONE, source), owner: linesOf(OWNER, owner) }, afterMs);

describe("rows left behind", () => {
  it.each([
    { name: "nothing was left", source: [], owner: [document("react", "a")], rows: 0 },
    {
      name: "all is equal",
      source: [document("react", "a"), record("r")],
      owner: [document("react", "a"), record("r")],
      rows: 2,
    },
    {
      name: "the owner wrote later",
      source: [document("react", "a"), document("redux", "a"), tombstone("rest", "a")],
      owner: [tombstone("react", "b", T0 + 5), document("redux", "b", T0 + 5), document("rest", "b", T0 + 5)].toSorted(
        (left, right) => (left.key < right.key ? -1 : 1),
      ),
      rows: 3,
    },
    {
      name: "the owner wrote later by a clock that is behind",
      source: [document("react", "a")],
      owner: [document("react", "b", T0 - 10_000)],
      rows: 1,
    },
    {
      name: "the owner has more",
      source: [document("react", "a")],
      owner: [document("re", "z"), document("react", "a"), document("redux", "z"), record("r")],
      rows: 1,
    },
  ])("are as they should be when $name", async ({ source, owner, rows }) => {
    const sorted = [...source].sort(
      (left, right) => orderOf(left) - orderOf(right) || (nameIn(left) < nameIn(right) ? -1 : 1),
    );
    expect(await compareRows({ source: sorted, owner })).toEqual({ kind: "compared", rows, findings: [] });
  });

  it.each([
    { name: "a document is missing", source: [document("react", "a")], owner: [], says: "not at its owner shard-2" },
    { name: "a tombstone is missing", source: [tombstone("react", "a")], owner: [], says: 'tombstone "react"' },
    {
      name: "a record is missing",
      source: [record("r")],
      owner: [document("react", "a")],
      says: 'record "r" is at shard-1',
    },
    {
      name: "the owner has an older document",
      source: [document("react", "b")],
      owner: [document("react", "a", T0 - HOUR_MS)],
      says: "is older at its owner",
    },
    {
      name: "an ETag has two contents",
      source: [document("react", "a")],
      owner: [{ ...document("react", "a"), json: '{"n":1}' }],
      says: "the same ETag",
    },
    {
      name: "a record says something else",
      source: [record("r")],
      owner: [{ ...record("r"), fingerprint: "g" }],
      says: "is not the same",
    },
  ])("are reported when $name", async ({ source, owner, says }) => {
    const comparison = await compareRows({ source, owner });
    expect(comparison).toMatchObject({ kind: "compared", findings: [{ kind: "rows-differ" }] });
    expect(JSON.stringify(comparison)).toContain(JSON.stringify(says).slice(1, -1));
  });

  it.each([
    ["a document, whose tombstone may be gone too", document("react", "a"), tombstoneRetentionMs],
    ["a tombstone", tombstone("react", "a"), tombstoneRetentionMs],
    ["a record", record("r"), idempotencyRetentionMs],
  ])("may be missing at the owner once they have expired: %s", async (_name, row, retentionMs) => {
    expect(await compareRows({ source: [row], owner: [] }, retentionMs + 1)).toMatchObject({ findings: [] });
    expect(await compareRows({ source: [row], owner: [] }, retentionMs - HOUR_MS)).toMatchObject({
      findings: [{ kind: "rows-differ" }],
    });
  });

  it.each([
    ["the source is owner again", { source: linesOf(FIRST_OWNER, []), owner: linesOf(OWNER, []) }],
    ["the owner is fenced", { source: linesOf(GONE, []), owner: linesOf({ ...OWNER, state: "FENCED" }, []) }],
    [
      "ownership changes while they are read",
      { source: linesOf(GONE, []), owner: [{ ownership: OWNER }, { changed: GONE }] },
    ],
  ])("are not judged when %s", async (_name, sides) => {
    expect(await compare(sides)).toEqual({ kind: "moved" });
  });

  it("are not judged by an answer that breaks off", async () => {
    const broken = linesOf(OWNER, [document("react", "a")]).slice(0, -1);
    await expect(compare({ source: linesOf(GONE, []), owner: broken })).rejects.toThrow("broke off");
  });
});

function orderOf(row: object): number {
  return Number("id" in row);
}

function nameIn(row: object): string {
  return "id" in row ? String(row.id) : "key" in row ? String(row.key) : "";
}
