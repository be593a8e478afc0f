/**
 * Reads documents of several slots in one request, each slot together with its own ownership columns: what a list is made of.
 * It must not decide how far a list goes, nor whether a slot may be read.
 *
 * The slice of a slot ends with its sentinel, which lies behind the documents. So a slot whose sentinel came was read to its end,
 * and a slot that gave nothing at all has no sentinel and was never held. Rows of a slot and its ownership columns come from
 * one read of its partition; different slots are read at different moments.
 */
import type { SlotId } from "../../router/ids.ts";
import { NEVER_HELD, type Ownership } from "../../router/ownership.ts";
import { compareCodePoints } from "../../router/text.ts";
import type { CassandraSession, Columns, Statement } from "../cassandra/session.ts";
import {
  DOCUMENT_KIND,
  parseDocument,
  parseListedRow,
  parseOwnership,
  parseSlot,
  SENTINEL_KIND,
} from "./cassandra-rows.ts";
import { OWNERSHIP_COLUMNS } from "./cassandra-statements.ts";
import { successorOf } from "./list-window.ts";
import type { Row } from "./port.ts";

/** What to read. `slots` ascend by code points, which is the order in which the servers answer. */
export interface SlotScan {
  readonly table: string;
  readonly slots: readonly SlotId[];
  /** First canonical key, inclusive, in each of the slots. */
  readonly start: string;
  /** Rows of the answer; tombstones and sentinels count. */
  readonly rowsMax: number;
  /** Rows of one slot in the answer. The servers hold as many of each slot before they answer. */
  readonly slotRowsMax: number;
}

/** What was read of a slot. `next`: where to go on; null when it was read to its end. */
export interface ScannedSlot {
  readonly slot: SlotId;
  readonly ownership: Ownership;
  readonly documents: readonly Row[];
  readonly next: string | null;
}

/** The slots that the answer says something about, in order: all, or those before the one at which `rowsMax` ended it. */
export async function scanSlots(session: CassandraSession, scan: SlotScan): Promise<readonly ScannedSlot[]> {
  const { slots, rowsMax } = scan;
  const page = await session.readQuorum(statementOf(scan), { rowsMax, after: null, partitions: slots.length });
  const bySlot = groupBySlot(page.rows);
  const last = page.rows.at(-1);
  const isCut = page.next !== null || page.rows.length >= rowsMax;
  const known = isCut ? slots.slice(0, last === undefined ? 0 : slots.indexOf(parseSlot(last)) + 1) : slots;
  return known.map((slot) => scannedSlot(slot, bySlot.get(slot) ?? []));
}

function statementOf({ table, slots, start, rowsMax, slotRowsMax }: SlotScan): Statement {
  const cql = `SELECT slot, ${OWNERSHIP_COLUMNS}, kind, key, op, deleted, at_ms, json FROM ${table}
    WHERE slot IN ? AND (kind, key) >= (${DOCUMENT_KIND}, ?) AND (kind, key) <= (${SENTINEL_KIND}, '')
    PER PARTITION LIMIT ? LIMIT ?`;
  return { cql, parameters: [slots, start, slotRowsMax, rowsMax] };
}

function groupBySlot(rows: readonly Columns[]): ReadonlyMap<SlotId, Columns[]> {
  const bySlot = new Map<SlotId, Columns[]>();
  let before = "";
  for (const columns of rows) {
    const slot = parseSlot(columns);
    const ofSlot = bySlot.get(slot);
    if (ofSlot === undefined) bySlot.set(slot, [columns]);
    else ofSlot.push(columns);
    // A cut answer says nothing of the slots behind its last one: that holds only in this order.
    if (compareCodePoints(before, slot) > 0) throw new Error("broken assumption: slots are answered in order");
    before = slot;
  }
  return bySlot;
}

function scannedSlot(slot: SlotId, rows: readonly Columns[]): ScannedSlot {
  const last = rows.at(-1);
  if (last === undefined) return { slot, ownership: NEVER_HELD, documents: [], next: null };
  const documents = rows.map(parseListedRow).filter((row) => row !== null);
  const lastKey = parseDocument(last)?.key ?? null;
  return { slot, ownership: parseOwnership(last), documents, next: lastKey === null ? null : successorOf(lastKey) };
}
