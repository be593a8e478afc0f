/**
 * A slot's rows on their way to another store or from one, inside transactions that are already open.
 * It must not begin or end a transaction, nor change an ownership column.
 *
 * Documents lie by sort key, without their slot: those of a slot are a range of them, and where a prefix has stripes, each key
 * says which one it is. Only an index of keys is looked through for that, and only so many of them at a time.
 */
import type { SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import { type Placement, prefixesOf, prefixOfSlot, type SortKey, slotOf, sortKeyOf } from "../../router/slot.ts";
import { type MoveEpoch, mayCleanUp, mayCopy } from "../../router/slot-transition.ts";
import { compareCodePoints } from "../../router/text.ts";
import { END_OF_KEYS, successorOf } from "./list-window.ts";
import type { SlotAddress } from "./port.ts";
import { nameOf, parseKeyName, type ReadingBounds, SlotPageDraft, type SlotScale } from "./slot-row.ts";
import {
  type IndexedKey,
  parseDocument,
  parseIndexedKey,
  parseOwnership,
  parseSlotRecord,
  type Statements,
} from "./sqlite-statements.ts";
import type {
  GuardedChange,
  SlotCleaning,
  SlotFill,
  SlotPage,
  SlotPageRequest,
  SlotRow,
  SlotRowName,
} from "./transfer.ts";

/** Rows looked at in one transaction, about two milliseconds: the event loop waits for it. */
const LOOKED_MAX = 1024;

/** Names of one statement, and rows: each may be a document of the largest size, and what is read and not wanted is lost. */
const NAMES_AT_ONCE = 64;
const READING: ReadingBounds = { first: 8, most: 64 };

/** The tables as one collection uses them. */
export interface SlotTables {
  readonly statements: Statements;
  readonly placement: Placement;
}

/**
 * Where to begin in a slot: after that name, null for the beginning. `rowsNext`: whole rows are looked through, not names, so many at a
 * time; for when each is wanted, and none of another slot lies between.
 */
export interface SlotPlace {
  readonly address: SlotAddress;
  readonly after: SlotRowName | null;
  readonly rowsNext?: () => number;
}

/** A row that is there. What it holds is read only where it is wanted. */
interface FoundRow {
  readonly name: SlotRowName;
  readonly read: () => SlotRow;
}

/** Takes a row and says whether it wants another. */
type Taker = (found: FoundRow) => boolean;

/** One page, and the ownership columns, all of one state of the database. */
export function readSlotPage(tables: SlotTables, request: SlotPageRequest): SlotPage {
  const page = new SlotPageDraft(request);
  const { address, after } = request;
  const whole = tables.placement.stripes === 1 ? { rowsNext: () => page.rowsNext(READING) } : {};
  const place: SlotPlace = { address, after, ...whole };
  const next = walkSlot(tables, place, (found) => {
    page.add(found.read());
    return !page.isFull;
  });
  return { ownership: ownershipOf(tables, request.address), rows: page.rows, next };
}

/** Weighs rows from a place on; where to go on, null at the end of the slot. */
export function weighRows(tables: SlotTables, place: SlotPlace, scale: SlotScale): SlotRowName | null {
  return walkSlot(tables, place, (found) => {
    scale.add(found.read);
    return true;
  });
}

/** Names of rows from a place on, and where to go on. */
export interface SlotNames {
  readonly ownership: Ownership;
  readonly names: readonly SlotRowName[];
  readonly next: SlotRowName | null;
}

/** At most so many names. */
export function findNames(tables: SlotTables, place: SlotPlace, namesMax: number): SlotNames {
  const names: SlotRowName[] = [];
  const next = walkSlot(tables, place, ({ name }) => {
    names.push(name);
    return names.length < namesMax;
  });
  return { ownership: ownershipOf(tables, place.address), names, next };
}

/** Writes and removes the rows, or does nothing where the run may not copy. */
export function applyFill(tables: SlotTables, fill: SlotFill): GuardedChange {
  const ownership = ownershipOf(tables, fill.address);
  if (!mayCopy(ownership, fill.run)) return { kind: "refused", ownership };
  for (const name of fill.remove) removeRow(tables, fill.address, name);
  for (const row of fill.put) putRow(tables, fill.address, row);
  return { kind: "applied" };
}

/** Removes rows of the slot that a move left behind, or nothing if they are not that. */
export function applyCleaning(
  tables: SlotTables,
  { address, left }: { readonly address: SlotAddress; readonly left: MoveEpoch },
  { names, next }: Pick<SlotNames, "names" | "next">,
): SlotCleaning {
  const ownership = ownershipOf(tables, address);
  if (!mayCleanUp(ownership, left)) return { kind: "refused", ownership };
  for (const name of names) removeRow(tables, address, name);
  return { kind: "cleaned", rows: names.length, more: next !== null };
}

function ownershipOf({ statements }: SlotTables, { collection, slot }: SlotAddress): Ownership {
  return parseOwnership(statements.readOwnership.get(collection, slot));
}

/** Keys, then records. Where to go on: behind the row that was wanted last, or where enough was looked at; null at the end. */
function walkSlot(tables: SlotTables, place: SlotPlace, take: Taker): SlotRowName | null {
  const stoppedAt = place.after?.of === "record" ? null : walkKeys(tables, place, take);
  return stoppedAt ?? walkRecords(tables, place, take);
}

function walkKeys(tables: SlotTables, place: SlotPlace, take: Taker): SlotRowName | null {
  const { address, after, rowsNext } = place;
  const { statements, placement } = tables;
  const { collection, slot } = address;
  const bounds = boundsOf(placement, address);
  const behind = after === null ? bounds.start : successorOf(sortKeyIn(placement, slot, parseKeyName(after)));
  const start = compareCodePoints(behind, bounds.start) > 0 ? behind : bounds.start;
  const list = rowsNext === undefined ? statements.listSlotKeys : statements.listSlotRows;
  let from: SortKey = start;
  for (let count = 0; ; ) {
    const rowsAtOnce = rowsNext?.() ?? NAMES_AT_ONCE;
    const some = list.all(collection, from, bounds.end, collection, slot, from, rowsAtOnce);
    let last: IndexedKey | null = null;
    for (const columns of some) {
      const indexed = parseIndexedKey(columns, placement);
      last = indexed;
      const name: SlotRowName = { of: "key", name: indexed.key };
      count += 1;
      const isHere = placement.stripes === 1 || slotOf(placement, indexed.key) === slot;
      const wantsMore = !isHere || take({ name, read: () => readKeyRow(statements, address, indexed) });
      if (!wantsMore || count === LOOKED_MAX) return name;
    }
    if (last === null || some.length < rowsAtOnce) return null;
    from = successorOf(last.sortKey);
  }
}

/** The sort key in that slot, also of a text that no key is: its hash would lie anywhere. */
function sortKeyIn(placement: Placement, slot: SlotId, name: string): SortKey {
  return placement.kind === "range" ? name : prefixOfSlot(placement, slot) + name;
}

function walkRecords({ statements }: SlotTables, { address, after }: SlotPlace, take: Taker): SlotRowName | null {
  const { collection, slot } = address;
  // No claim's id is empty: they are digests.
  const behind = after?.of === "record" ? after.name : "";
  let looked = 0;
  for (const columns of statements.listSlotRecords.iterate(collection, slot, behind, LOOKED_MAX)) {
    const record = parseSlotRecord(columns);
    looked += 1;
    const wantsMore = take({ name: nameOf(record), read: () => record });
    if (!wantsMore || looked === LOOKED_MAX) return nameOf(record);
  }
  return null;
}

/** The sort keys of the slot's prefix. No key lies below the first prefix. */
function boundsOf(placement: Placement, { slot }: SlotAddress): { readonly start: SortKey; readonly end: SortKey } {
  const prefixes = prefixesOf(placement);
  const start = prefixOfSlot(placement, slot);
  return { start, end: prefixes[prefixes.indexOf(start) + 1] ?? END_OF_KEYS };
}

function readKeyRow(statements: Statements, { collection }: SlotAddress, { sortKey, key, row }: IndexedKey): SlotRow {
  if (row !== null) return row;
  const document = parseDocument(statements.readSlotDocument.get(collection, sortKey));
  if (document === null) throw new Error(`broken assumption: the document of "${key}" is there`);
  return { kind: "document", key, op: document.op, atMs: document.modifiedAtMs, json: document.json };
}

function putRow({ statements, placement }: SlotTables, { collection, slot }: SlotAddress, row: SlotRow): void {
  if (row.kind === "record") {
    const verdict = JSON.stringify(row.verdict);
    statements.replaceRecord.run(collection, slot, row.id, row.fingerprint, verdict, row.atMs);
    return;
  }
  const sortKey = sortKeyOf(placement, row.key);
  if (row.kind === "document") {
    statements.removeTombstone.run(collection, slot, sortKey);
    statements.putDocument.run(collection, sortKey, row.op, row.atMs, row.json);
    return;
  }
  statements.removeDocument.run(collection, sortKey);
  statements.putTombstone.run(collection, slot, sortKey, row.op, row.atMs);
}

function removeRow({ statements, placement }: SlotTables, { collection, slot }: SlotAddress, name: SlotRowName): void {
  if (name.of === "record") {
    statements.removeRecord.run(collection, slot, name.name);
    return;
  }
  const sortKey = sortKeyOf(placement, parseKeyName(name));
  statements.removeDocument.run(collection, sortKey);
  statements.removeTombstone.run(collection, slot, sortKey);
}
