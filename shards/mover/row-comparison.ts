/**
 * The order of a slot's rows, and whether two of them are the same.
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

/** Whether two rows of one name are equal in all that travels. */
export function isSameRow(left: SlotRow, right: SlotRow): boolean {
  if (left.atMs !== right.atMs) return false;
  if (left.kind === "document") return right.kind === "document" && left.op === right.op && left.json === right.json;
  if (left.kind === "tombstone") return right.kind === "tombstone" && left.op === right.op;
  return (
    right.kind === "record" && left.fingerprint === right.fingerprint && isDeepStrictEqual(left.verdict, right.verdict)
  );
}
