/**
 * A slot's stream as lines of JSON, and back: `{ownership}`, then `{row}` for each row or `{digest, rows, through: {of, name}}` for a chunk
 * of them, then `{end: true, rows, ownership}`; or `{changed: ownership}` and nothing more. It must not believe a line, nor take an answer without its last line for complete.
 */

import { quote } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import { parseOwnership } from "../../router/ownership-wire.ts";
import type { SlotRow } from "../store/transfer.ts";
import { parseSlotRow } from "./row-parser.ts";
import { CHUNK_ROWS, type ChunkDigest } from "./slot-digest.ts";
import type { SlotPart } from "./slot-stream.ts";

/** A part as text, each line with its end. */
export function formatPart(part: SlotPart): string {
  switch (part.kind) {
    case "begin":
      return lineOf({ ownership: part.ownership });
    case "rows":
      return part.rows.map((row) => lineOf({ row })).join("");
    case "digests":
      return part.chunks.map(lineOf).join("");
    case "changed":
      return lineOf({ changed: part.ownership });
    case "end":
      return lineOf({ end: true, rows: part.rows, ownership: part.ownership });
    default:
      throw new Error(`broken assumption: part ${quote(part satisfies never)}`);
  }
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** Groups of lines to parts, read to the end of the answer. Rejects with an `Error` for what is no such stream, or is broken off. */
export async function* parseParts(groups: AsyncIterable<readonly string[]>): AsyncGenerator<SlotPart, void, undefined> {
  let count = 0;
  let isBegun = false;
  let last: SlotPart | null = null;
  for await (const lines of groups) {
    const group = new PartGroup();
    for (const line of lines) {
      const value = parseLine(line);
      if (last !== null) throw new Error(`expected nothing behind the end of a slot, got ${quote(line)}`);
      if (!isBegun) {
        isBegun = true;
        yield { kind: "begin", ownership: ownershipIn(value["ownership"]) };
      } else if ("row" in value) group.addRow(rowIn(value["row"]));
      else if ("digest" in value) group.addChunk(parseChunk(value));
      else last = lastPart(value, count + group.rows);
    }
    count += group.rows;
    yield* group.parts;
  }
  if (last === null) throw new Error("the rows of the slot are broken off");
  yield last;
}

/** Lines that came together: those of one kind that follow each other are one part. */
class PartGroup {
  readonly parts: SlotPart[] = [];
  #rows: SlotRow[] | null = null;
  #chunks: ChunkDigest[] | null = null;
  #count = 0;

  get rows(): number {
    return this.#count;
  }

  addRow(row: SlotRow): void {
    this.#count += 1;
    this.#chunks = null;
    if (this.#rows === null) this.parts.push({ kind: "rows", rows: (this.#rows = []) });
    this.#rows.push(row);
  }

  addChunk(chunk: ChunkDigest): void {
    this.#count += chunk.rows;
    this.#rows = null;
    if (this.#chunks === null) this.parts.push({ kind: "digests", chunks: (this.#chunks = []) });
    this.#chunks.push(chunk);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function parseLine(line: string): Fields {
  const value: unknown = JSON.parse(line);
  if (typeof value === "object" && value !== null) return value as Fields;
  throw new Error(`expected a line of a slot's rows, got ${quote(line)}`);
}

function lastPart(value: Fields, count: number): SlotPart {
  if ("changed" in value) return { kind: "changed", ownership: ownershipIn(value["changed"]) };
  if (value["end"] === true && value["rows"] === count) {
    return { kind: "end", rows: count, ownership: ownershipIn(value["ownership"]) };
  }
  throw new Error(`expected the end of a slot after ${count} rows, got ${quote(value)}`);
}

function ownershipIn(input: unknown): Ownership {
  const ownership = parseOwnership(input);
  if (ownership.ok) return ownership.value;
  throw new Error(ownership.detail);
}

function rowIn(input: unknown): SlotRow {
  const row = parseSlotRow(input);
  if (row.ok) return row.value;
  throw new Error(row.detail);
}

function parseChunk(value: Fields): ChunkDigest {
  const { digest, rows, through } = value;
  const { of, name } = (typeof through === "object" && through !== null ? through : {}) as Fields;
  const isCount = typeof rows === "number" && Number.isInteger(rows) && rows >= 1 && rows <= CHUNK_ROWS;
  if (typeof digest === "string" && isCount && (of === "key" || of === "record") && typeof name === "string") {
    return { digest, rows, through: { of, name } };
  }
  throw new Error(`expected the digest of at most ${CHUNK_ROWS} rows, got ${quote(value)}`);
}
