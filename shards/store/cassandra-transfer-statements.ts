/**
 * The CQL of what moves need: reading slots row by row, and changing rows under a guard on the ownership columns.
 * It must not send anything, nor write an ownership column.
 */
import type { SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { Statement } from "../cassandra/session.ts";
import { EXPIRY_KIND, expiryKeyOf } from "./cassandra-expiry.ts";
import { DOCUMENT_KIND, RECORD_KIND, SENTINEL_KIND } from "./cassandra-rows.ts";
import { OWNERSHIP_COLUMNS, type TableStatements } from "./cassandra-statements.ts";
import type { SlotRow, SlotRowName } from "./transfer.ts";

/** The batch that stored a record names itself in its row; a record that has travelled has none here. */
const NO_BATCH = "";

/** Reads many slots' ownership columns by one request. */
export function readOwnerships(table: string, slots: readonly SlotId[]): Statement {
  return { cql: `SELECT DISTINCT slot, ${OWNERSHIP_COLUMNS} FROM ${table} WHERE slot IN ?`, parameters: [slots] };
}

/** Where to go on in a slot, exclusive; null for its beginning. */
interface SlotPosition {
  readonly slot: SlotId;
  readonly after: SlotRowName | null;
}

/** Documents, tombstones, the sentinel and records, each row with the ownership columns. */
export function readSlotRows(table: string, position: SlotPosition): Statement {
  return sliceOf(table, `${OWNERSHIP_COLUMNS}, kind, key, op, deleted, at_ms, json, fingerprint, verdict`, position);
}

/** The same rows, by their names only. */
export function readSlotNames(table: string, position: SlotPosition): Statement {
  return sliceOf(table, "kind, key", position);
}

/** No key is empty, so nothing lies on the beginning itself. */
function sliceOf(table: string, columns: string, { slot, after }: SlotPosition): Statement {
  const cql = `SELECT ${columns} FROM ${table}
    WHERE slot = ? AND (kind, key) > (?, ?) AND (kind, key) < (${EXPIRY_KIND}, '')`;
  return { cql, parameters: [slot, after === null ? DOCUMENT_KIND : kindOf(after), after?.name ?? ""] };
}

/** What expiry entries the named rows have. */
export function readSlotAges(table: string, slot: SlotId, names: readonly SlotRowName[]): Statement {
  const cql = `SELECT kind, key, deleted, at_ms FROM ${table}
    WHERE slot = ? AND kind IN (${DOCUMENT_KIND}, ${RECORD_KIND}) AND key IN ?`;
  return { cql, parameters: [slot, [...new Set(names.map(({ name }) => name))]] };
}

/**
 * Carries the condition of a batch whose rows have none: empties a column of the sentinel that nothing ever fills. The batch is
 * applied as a whole if the slot is being filled by `run` and not sealed: `mayCopy`.
 */
export function guardFill(table: string, slot: SlotId, run: string): Statement {
  const cql = `${emptyNothing(table)} IF own_state = 'RECEIVING' AND own_run = ? AND own_digest = ?`;
  return { cql, parameters: [slot, run, null] };
}

/** The same for clean-up: the slot is as it was when `mayCleanUp` allowed it. */
export function guardCleaning(table: string, slot: SlotId, { state, epoch, move }: Ownership): Statement {
  const cql = `${emptyNothing(table)} IF own_state = ? AND own_epoch = ? AND own_move = ?`;
  return { cql, parameters: [slot, state, BigInt(epoch), move] };
}

function emptyNothing(table: string): string {
  return `DELETE op FROM ${table} WHERE slot = ? AND kind = ${SENTINEL_KIND} AND key = ''`;
}

/** A row with its expiry entry, without a condition of their own. */
export function putSlotRow(statements: TableStatements, slot: SlotId, row: SlotRow): readonly Statement[] {
  const { table } = statements;
  if (row.kind === "record") {
    const { id, fingerprint, verdict, atMs } = row;
    const cql = `UPDATE ${table} SET fingerprint = ?, verdict = ?, op = ?, at_ms = ?
      WHERE slot = ? AND kind = ${RECORD_KIND} AND key = ?`;
    const parameters = [fingerprint, JSON.stringify(verdict), NO_BATCH, BigInt(atMs), slot, id];
    return [{ cql, parameters }, statements.putRecordExpiry(slot, expiryKeyOf({ what: "record", atMs, name: id }))];
  }
  const { key, op, atMs } = row;
  const cql = `UPDATE ${table} SET op = ?, deleted = ?, at_ms = ?, json = ?
    WHERE slot = ? AND kind = ${DOCUMENT_KIND} AND key = ?`;
  if (row.kind === "document") return [{ cql, parameters: [op, false, BigInt(atMs), row.json, slot, key] }];
  return [
    { cql, parameters: [op, true, BigInt(atMs), null, slot, key] },
    statements.putTombstoneExpiry(slot, expiryKeyOf({ what: "tombstone", atMs, name: key }), op),
  ];
}

/** Removes a row, without a condition of its own. */
export function removeSlotRow(table: string, slot: SlotId, name: SlotRowName): Statement {
  const cql = `DELETE FROM ${table} WHERE slot = ? AND kind = ${kindOf(name)} AND key = ?`;
  return { cql, parameters: [slot, name.name] };
}

/** Removes an expiry entry, without a condition of its own. */
export function removeExpiryEntry(table: string, slot: SlotId, key: string): Statement {
  return { cql: `DELETE FROM ${table} WHERE slot = ? AND kind = ${EXPIRY_KIND} AND key = ?`, parameters: [slot, key] };
}

/** Removes all rows of the first name's kind, from that name to the last one, both inclusive. */
export function removeSlotRange(
  table: string,
  slot: SlotId,
  { first, last }: { readonly first: SlotRowName; readonly last: SlotRowName },
): Statement {
  const cql = `DELETE FROM ${table} WHERE slot = ? AND kind = ${kindOf(first)} AND key >= ? AND key <= ?`;
  return { cql, parameters: [slot, first.name, last.name] };
}

/** Removes every document, tombstone, record and expiry entry. Traces stay: a batch of long ago is still judged by them. */
export function removeWholeSlot(table: string, slot: SlotId): readonly Statement[] {
  const kinds = [DOCUMENT_KIND, RECORD_KIND, EXPIRY_KIND];
  return kinds.map((kind) => ({ cql: `DELETE FROM ${table} WHERE slot = ? AND kind = ${kind}`, parameters: [slot] }));
}

function kindOf({ of }: SlotRowName): number {
  return of === "key" ? DOCUMENT_KIND : RECORD_KIND;
}
