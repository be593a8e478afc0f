// The rows of a slot packed into one number: a value for each key and a record for each keyed write.
// Must not know which shard they lie on.
import type { Operation, Scope } from "./scope.ts";

const ROW_BITS = 3;
const RECORD_BITS = 2;

/** What a cell holds: 0 nothing. Rows hold the number of the write that made them, records one of these. */
export const RECORD = { none: 0, applied: 1, refused: 2 } as const;

/** One row of the partition: a document or tombstone, or an idempotency record. */
export interface Cell {
  readonly kind: "row" | "record";
  readonly label: string;
  readonly shift: number;
  readonly mask: number;
}

/** A write with its number, from 1. */
export interface NumberedWrite {
  readonly number: number;
  readonly label: string;
  readonly operation: Operation;
  readonly row: number;
  /** Index of its record's cell; null without an Idempotency-Key. */
  readonly record: number | null;
  readonly client: number;
  readonly position: number;
}

/** Which cells there are, and which writes. */
export interface Schema {
  readonly cells: readonly Cell[];
  readonly writes: readonly NumberedWrite[];
  /** Rows as they are at the start. */
  readonly initial: number;
}

/** Lays out a scope's rows. Documents that are there from the start carry the numbers after the last write. */
export function layOut(scope: Scope): Schema {
  const cells: Cell[] = [];
  let shift = 0;
  const addCell = (kind: Cell["kind"], label: string, bits: number): number => {
    cells.push({ kind, label, shift, mask: 2 ** bits - 1 });
    shift += bits;
    return cells.length - 1;
  };
  for (let key = 0; key < scope.keys; key += 1) addCell("row", `k${key}`, ROW_BITS);
  const writes: NumberedWrite[] = [];
  for (const [client, script] of scope.clients.entries()) {
    for (const [position, operation] of script.entries()) {
      if (operation.kind === "read") continue;
      const number = writes.length + 1;
      const label = `w${number}`;
      const record = operation.isKeyed ? addCell("record", `record of ${label}`, RECORD_BITS) : null;
      writes.push({ number, label, operation, row: operation.key, record, client, position });
    }
  }
  let initial = 0;
  for (let key = 0; scope.preloaded && key < scope.keys; key += 1)
    initial |= (writes.length + 1 + key) << (key * ROW_BITS);
  if (writes.length + (scope.preloaded ? scope.keys : 0) >= 2 ** ROW_BITS) throw new RangeError("too many writes");
  return { cells, writes, initial };
}

/** Value of a cell. */
export function valueOf(content: number, cell: Cell): number {
  return (content >> cell.shift) & cell.mask;
}

/** The content with another value in a cell. */
export function withValue(content: number, cell: Cell, value: number): number {
  return (content & ~(cell.mask << cell.shift)) | (value << cell.shift);
}

/** What a reader sees of a row: the write that made it, 0 for nothing or a tombstone. */
export function visible(schema: Schema, rowValue: number): number {
  return schema.writes[rowValue - 1]?.operation.kind === "delete" ? 0 : rowValue;
}

/** A cell by its index. */
export function cellAt(schema: Schema, index: number): Cell {
  const cell = schema.cells[index];
  if (cell === undefined) throw new Error(`broken assumption: no cell ${index}`);
  return cell;
}

/** A write by its number. */
export function writeOf(schema: Schema, number: number): NumberedWrite {
  const write = schema.writes[number - 1];
  if (write === undefined) throw new Error(`broken assumption: no write ${number}`);
  return write;
}

/** The content for people. */
export function describeContent(schema: Schema, content: number): string {
  const parts = schema.cells.flatMap((cell) => {
    const value = valueOf(content, cell);
    if (value === 0) return [];
    if (cell.kind === "record") return [`${cell.label}: ${value === RECORD.applied ? "applied" : "refused"}`];
    return [`${cell.label}=w${value}${visible(schema, value) === 0 ? " (tombstone)" : ""}`];
  });
  return parts.length === 0 ? "empty" : parts.join(", ");
}
