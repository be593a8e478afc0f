// Digests of rows, and streams that hold them. Must not test what a move makes of them; slot-runner.test.ts does.
import { describe, expect, test } from "vitest";
import { type CanonicalKey, quote } from "../../../router/ids.ts";
import { NEVER_HELD } from "../../../router/ownership.ts";
import { CHUNK_ROWS, digestRows, SlotDigest } from "../../../shards/mover/slot-digest.ts";
import { formatPart, parseParts } from "../../../shards/mover/slot-lines.ts";
import { abridge, type SlotPart } from "../../../shards/mover/slot-stream.ts";
import type { SlotRow } from "../../../shards/store/transfer.ts";

const keyOf = (index: number) => `lamp-${String(index).padStart(4, "0")}` as CanonicalKey;

function document(index: number, given: { readonly atMs?: number; readonly json?: string } = {}): SlotRow {
  return { kind: "document", key: keyOf(index), op: `op-${index}`, atMs: given.atMs ?? 1000, json: given.json ?? "{}" };
}

const documents = (count: number): readonly SlotRow[] => Array.from({ length: count }, (_, index) => document(index));
const name = (index: number) => ({ of: "key", name: keyOf(index) }) as const;

async function* streamOf(pages: readonly (readonly SlotRow[])[], last: SlotPart): AsyncGenerator<SlotPart, void> {
  yield { kind: "begin", ownership: NEVER_HELD };
  for (const rows of pages) yield { kind: "rows", rows };
  yield last;
}

async function collect<Part>(parts: AsyncIterable<Part>): Promise<readonly Part[]> {
  const found: Part[] = [];
  for await (const part of parts) found.push(part);
  return found;
}

describe("the digest of rows", () => {
  const record = { kind: "record", id: "id", fingerprint: "f", verdict: { kind: "deleted" }, atMs: 1 } as const;
  const tombstone = { kind: "tombstone", key: "lamp" as CanonicalKey, op: "op", atMs: 1 } as const;
  const lamp = { ...tombstone, kind: "document", json: "{}" } as const;

  test.each<readonly [string, readonly SlotRow[], readonly SlotRow[]]>([
    ["another text", [lamp], [{ ...lamp, json: "{ }" }]],
    ["another op", [lamp], [{ ...lamp, op: "op2" }]],
    ["another time", [lamp], [{ ...lamp, atMs: 2 }]],
    ["a tombstone instead", [lamp], [tombstone]],
    ["another op of a tombstone", [tombstone], [{ ...tombstone, op: "op2" }]],
    ["another verdict", [record], [{ ...record, verdict: { kind: "absent" } }]],
    ["another fingerprint", [record], [{ ...record, fingerprint: "g" }]],
    ["another order", documents(2), documents(2).toReversed()],
    ["a border elsewhere", [{ ...lamp, op: "opx", json: "{}" }], [{ ...lamp, op: "op", json: "x{}" }]],
    ["one row that reads like two", [{ ...lamp, json: "{}document 1 4 2 2 lampop{}" }], [lamp, lamp]],
  ])("is another one for %s", (_name, left, right) => {
    expect(digestRows(left)).not.toBe(digestRows(right));
  });

  test("does not depend on the order in which a verdict's fields were written", () => {
    const created = { op: "o", modifiedAtMs: 1, kind: "created" } as const;
    const other = { kind: "created", modifiedAtMs: 1, op: "o" } as const;
    expect(digestRows([{ ...record, verdict: created }])).toBe(digestRows([{ ...record, verdict: other }]));
  });

  test.each([0, 1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS])(
    "of a slot of %i rows is the same whether they are given as rows or in chunks",
    (count) => {
      const rows = documents(count);
      const [asRows, inChunks] = [new SlotDigest(), new SlotDigest()];
      for (const row of rows) asRows.add(row);
      for (let first = 0; first < count; first += CHUNK_ROWS) {
        const chunk = rows.slice(first, first + CHUNK_ROWS);
        inChunks.addChunk({ rows: chunk.length, through: name(first), digest: digestRows(chunk) });
      }
      const text = asRows.text();
      expect(inChunks.text()).toBe(text);
      expect(text).toMatch(new RegExp(`^${count}:`));
    },
  );

  test.each([
    ["within a chunk", (digest: SlotDigest) => digest.add(document(0))],
    ["behind the last one", (digest: SlotDigest) => digest.addChunk({ rows: 1, through: name(0), digest: "d" })],
  ])("takes no chunk %s", (_name, begin) => {
    const digest = new SlotDigest();
    begin(digest);
    const chunk = { rows: 1, through: name(1), digest: "d" };
    expect(() => digest.addChunk(chunk)).toThrow(`expected digests of ${CHUNK_ROWS} rows each, got one after 1`);
  });
});

describe("a stream in short", () => {
  const rows = documents(3 * CHUNK_ROWS + 5);
  const end: SlotPart = { kind: "end", rows: rows.length, ownership: NEVER_HELD };
  const fresh = rows.map((row, index) => (index === CHUNK_ROWS + 1 ? { ...row, atMs: 2000 } : row));
  const expected: readonly SlotPart[] = [
    { kind: "digests", chunks: [chunkOf(0, CHUNK_ROWS)] },
    { kind: "rows", rows: fresh.slice(CHUNK_ROWS, 2 * CHUNK_ROWS) },
    { kind: "digests", chunks: [chunkOf(2 * CHUNK_ROWS, 3 * CHUNK_ROWS)] },
    { kind: "digests", chunks: [chunkOf(3 * CHUNK_ROWS, rows.length)] },
  ];

  function chunkOf(first: number, last: number) {
    return { rows: last - first, through: name(last - 1), digest: digestRows(fresh.slice(first, last)) };
  }

  test.each([1, 7, CHUNK_ROWS, CHUNK_ROWS + 1, 1000])(
    "has the same chunks whatever its pages, here of %i",
    async (size) => {
      const pages = Array.from({ length: Math.ceil(fresh.length / size) }, (_, index) =>
        fresh.slice(index * size, (index + 1) * size),
      );
      const parts = await collect(abridge(streamOf(pages, end), 1000));
      const chunks = (all: readonly SlotPart[]) =>
        all.flatMap((part): readonly unknown[] =>
          part.kind === "digests" ? part.chunks : part.kind === "rows" ? [part] : [],
        );
      expect(chunks(parts)).toEqual(chunks(expected));
      expect([parts[0], parts.at(-1)]).toEqual([{ kind: "begin", ownership: NEVER_HELD }, end]);
    },
  );

  test("says nothing of what it has not seen whole when the columns change", async () => {
    const changed: SlotPart = { kind: "changed", ownership: NEVER_HELD };
    const parts = await collect(abridge(streamOf([fresh.slice(0, 5)], changed), 1000));
    expect(parts.map(({ kind }) => kind)).toEqual(["begin", "changed"]);
  });

  test("travels as lines, and comes back as it was", async () => {
    const parts = await collect(abridge(streamOf([fresh], end), 1000));
    const lines = parts.map((part) => formatPart(part).split("\n").slice(0, -1));
    expect(await collect(parseParts(groupsOf(lines)))).toEqual(parts);
    expect(await collect(parseParts(groupsOf([lines.flat()])))).toMatchObject([
      { kind: "begin" },
      ...expected.slice(0, 2),
      { kind: "digests", chunks: [{}, {}] },
      { kind: "end" },
    ]);
  });

  test.each([
    ["no digest", { digest: 1, rows: 3, through: name(0) }],
    ["no rows", { digest: "d", rows: 0, through: name(0) }],
    ["too many rows", { digest: "d", rows: CHUNK_ROWS + 1, through: name(0) }],
    ["no name", { digest: "d", rows: 1 }],
    ["a name of nothing", { digest: "d", rows: 1, through: { of: "slot", name: "la" } }],
    ["a name that is none", { digest: "d", rows: 1, through: { of: "key", name: 1 } }],
  ])("a line of a chunk with %s is refused", async (_name, line) => {
    const lines = [formatPart({ kind: "begin", ownership: NEVER_HELD }).trimEnd(), JSON.stringify(line)];
    const refusal = `expected the digest of at most ${CHUNK_ROWS} rows, got ${quote(line)}`;
    await expect(collect(parseParts(groupsOf([lines])))).rejects.toThrow(refusal);
  });

  test("counts the rows of its chunks", async () => {
    const lines = [
      formatPart({ kind: "begin", ownership: NEVER_HELD }),
      formatPart({ kind: "digests", chunks: [chunkOf(0, 3)] }),
      formatPart({ kind: "end", rows: 2, ownership: NEVER_HELD }),
    ].map((line) => line.trimEnd());
    await expect(collect(parseParts(groupsOf([lines])))).rejects.toThrow("expected the end of a slot after 3 rows");
  });
});

async function* groupsOf(groups: readonly (readonly string[])[]): AsyncGenerator<readonly string[], void> {
  yield* groups;
}
