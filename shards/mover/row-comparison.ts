/**
 * The order of a slot's rows, whether two of them are the same, and what makes them so.
 * It must not know where they come from.
 */
import { isDeepStrictEqual } from "node:util";
import { compareCodePoints } from "../../router/text.ts";
import type { SlotRow, SlotRowName } from "../store/transfer.ts";

/** Order of names in a slot: keys before records, each by code points. */
export function compareNames(left: SlotRowName, right: SlotRowName): number {
  if (left.of !== right.of) return left.of === "key" ? -1 : 1;
  return compareCodePoints(left.name, right.name);
}

/**
 * All that travels of a row, as a text that equal rows have in common and others do not; it tells its own end, so that texts may be
 * joined.
 */
export function textOfRow(row: SlotRow): string {
  const { kind, atMs } = row;
  if (kind === "document") {
    const { key, op, json } = row;
    return `document ${atMs} ${key.length} ${op.length} ${json.length} ${key}${op}${json}`;
  }
  if (kind === "tombstone") return `tombstone ${atMs} ${row.key.length} ${row.op.length} ${row.key}${row.op}`;
  const { id, fingerprint } = row;
  const parts = Object.entries(row.verdict).sort(([left], [right]) => compareCodePoints(left, right));
  const verdict = JSON.stringify(parts);
  return `record ${atMs} ${id.length} ${fingerprint.length} ${verdict.length} ${id}${fingerprint}${verdict}`;
}

/** Whether two rows of one name are equal in all that travels. */
export function isSameRow(left: SlotRow, right: SlotRow): boolean {
  if (left.atMs !== right.atMs) return false;
  if (left.kind === "document") return right.kind === "document" && left.op === right.op && left.json === right.json;
  if (left.kind === "tombstone") return right.kind === "tombstone" && left.op === right.op;
  return (
    right.kind === "record" && left.fingerprint === right.fingerprint && isDeepStrictEqual(left.verdict, right.verdict)
  );
}
