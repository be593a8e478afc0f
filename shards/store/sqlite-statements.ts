/**
 * The SQL of the store, prepared once per connection, and what its rows mean.
 * It must not hold transactions together or decide anything.
 */
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { CanonicalKey, SlotId } from "../../router/ids.ts";
import { NEVER_HELD, type Ownership } from "../../router/ownership.ts";
import type { Placement, SortKey } from "../../router/slot.ts";
import type { IdempotencyRecord, StoredDocument } from "./decide-write.ts";
import type { Row, WriteVerdict } from "./port.ts";
import type { SlotRow } from "./transfer.ts";

/** Columns by name, as SQLite gives them. */
export type Columns = Readonly<Record<string, SQLOutputValue>>;

const OWNERSHIP = "own_state, own_epoch, own_move, own_run, own_to, own_digest";

/** Every statement by its name; parameters in the order in which they stand. */
export const SQL = {
  /** sort key, collection, slot: the slot's ownership and the document, of one moment. */
  readDocument: `
    SELECT ${OWNERSHIP}, op, modified_at_ms, json
    FROM slots LEFT JOIN documents ON documents.collection = slots.collection AND documents.sort_key = ?
    WHERE slots.collection = ? AND slots.slot = ?`,
  /** sort key, sort key, collection, slot: the slot's ownership and the op of the key's document or tombstone. */
  readLatestOp: `
    SELECT ${OWNERSHIP}, COALESCE(documents.op, tombstones.op) AS latest_op
    FROM slots LEFT JOIN documents ON documents.collection = slots.collection AND documents.sort_key = ?
    LEFT JOIN tombstones ON tombstones.collection = slots.collection AND tombstones.slot = slots.slot
      AND tombstones.sort_key = ?
    WHERE slots.collection = ? AND slots.slot = ?`,
  /** collection, slot */
  readOwnership: `SELECT ${OWNERSHIP} FROM slots WHERE collection = ? AND slot = ?`,
  /** collection, first and last ordinal */
  firstNotReadable: `
    SELECT slot, ordinal, ${OWNERSHIP} FROM slots
    WHERE collection = ? AND ordinal BETWEEN ? AND ? AND own_state NOT IN ('OWNER', 'FENCED')
    ORDER BY ordinal LIMIT 1`,
  /** collection, start, end, most rows */
  listDocuments: `
    SELECT sort_key, op, modified_at_ms, json FROM documents
    WHERE collection = ? AND sort_key >= ? AND sort_key < ? ORDER BY sort_key LIMIT ?`,
  /** collection, sort key, op, time, json */
  putDocument: `
    INSERT INTO documents (collection, sort_key, op, modified_at_ms, json) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (collection, sort_key)
    DO UPDATE SET op = excluded.op, modified_at_ms = excluded.modified_at_ms, json = excluded.json`,
  /** collection, sort key */
  removeDocument: "DELETE FROM documents WHERE collection = ? AND sort_key = ?",
  /** collection, slot, sort key, op, time */
  putTombstone: "INSERT OR REPLACE INTO tombstones (collection, slot, sort_key, op, at_ms) VALUES (?, ?, ?, ?, ?)",
  /** collection, slot, sort key */
  removeTombstone: "DELETE FROM tombstones WHERE collection = ? AND slot = ? AND sort_key = ?",
  /** collection, slot, id */
  readRecord: "SELECT fingerprint, verdict FROM records WHERE collection = ? AND slot = ? AND id = ?",
  /** collection, slot, id, fingerprint, verdict, time */
  putRecord: "INSERT INTO records (collection, slot, id, fingerprint, verdict, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
  /** collection, slot, id */
  removeRecord: "DELETE FROM records WHERE collection = ? AND slot = ? AND id = ?",
  /** collection, age limit, then the position (time, slot, id) after which to look, most rows */
  oldRecords: `
    SELECT records.slot, id AS name, at_ms, own_state
    FROM records JOIN slots ON slots.collection = records.collection AND slots.slot = records.slot
    WHERE records.collection = ? AND at_ms < ? AND (at_ms, records.slot, id) > (?, ?, ?)
    ORDER BY at_ms, records.slot, id LIMIT ?`,
  /** collection, age limit, then the position (time, slot, sort key) after which to look, most rows */
  oldTombstones: `
    SELECT tombstones.slot, sort_key AS name, at_ms, own_state
    FROM tombstones JOIN slots ON slots.collection = tombstones.collection AND slots.slot = tombstones.slot
    WHERE tombstones.collection = ? AND at_ms < ? AND (at_ms, tombstones.slot, sort_key) > (?, ?, ?)
    ORDER BY at_ms, tombstones.slot, sort_key LIMIT ?`,
  /** the six new columns, collection, slot, the six expected columns */
  setOwnership: `
    UPDATE slots SET own_state = ?, own_epoch = ?, own_move = ?, own_run = ?, own_to = ?, own_digest = ?
    WHERE collection = ? AND slot = ? AND own_state = ? AND own_epoch = ?
      AND own_move IS ? AND own_run IS ? AND own_to IS ? AND own_digest IS ?`,
  /** collection */
  heldSlots: "SELECT slot FROM slots WHERE collection = ? AND NOT (own_state = 'NONE' AND own_epoch = 0)",
  /** collection, slot */
  claimFirst: `
    UPDATE slots SET own_state = 'OWNER', own_epoch = 1
    WHERE collection = ? AND slot = ? AND own_state = 'NONE' AND own_epoch = 0`,
  /**
   * Names of a slot's prefix in order, with what a tombstone holds, as arrays. collection, start, end (of the prefix, for its documents);
   * collection, slot, start; most rows
   */
  listSlotKeys: `
    SELECT sort_key, NULL AS op, NULL AS at_ms, NULL AS json FROM documents WHERE collection = ? AND sort_key >= ? AND sort_key < ?
    UNION ALL
    SELECT sort_key, op, at_ms, NULL AS json FROM tombstones WHERE collection = ? AND slot = ? AND sort_key >= ?
    ORDER BY sort_key LIMIT ?`,
  /** The same with the documents themselves, for a prefix that is a slot of its own. */
  listSlotRows: `
    SELECT sort_key, op, modified_at_ms AS at_ms, json FROM documents
    WHERE collection = ? AND sort_key >= ? AND sort_key < ?
    UNION ALL
    SELECT sort_key, op, at_ms, NULL AS json FROM tombstones WHERE collection = ? AND slot = ? AND sort_key >= ?
    ORDER BY sort_key LIMIT ?`,
  /**
   * Names alone, whether or not they belong there, and whether each is a tombstone, as arrays. collection, start of the prefix, where to
   * begin, end of the prefix, a blob for none; collection, slot, where to begin; most rows
   */
  listStoredKeys: `
    SELECT sort_key, 0 AS is_tombstone FROM documents
    WHERE collection = ? AND sort_key >= MAX(?, ?) AND sort_key < ?
    UNION ALL
    SELECT sort_key, 1 AS is_tombstone FROM tombstones WHERE collection = ? AND slot = ? AND sort_key >= ?
    ORDER BY sort_key LIMIT ?`,
  /** collection, slot, the id after which to begin, most rows */
  listRecordIds: "SELECT id FROM records WHERE collection = ? AND slot = ? AND id > ? ORDER BY id LIMIT ?",
  /** collection, sort key */
  readSlotDocument: "SELECT op, modified_at_ms, json FROM documents WHERE collection = ? AND sort_key = ?",
  /** collection, slot, the id after which to begin, most rows */
  listSlotRecords: `
    SELECT id, fingerprint, verdict, at_ms FROM records
    WHERE collection = ? AND slot = ? AND id > ? ORDER BY id LIMIT ?`,
  /** collection, slot, id, fingerprint, verdict, time */
  replaceRecord: `
    INSERT OR REPLACE INTO records (collection, slot, id, fingerprint, verdict, at_ms) VALUES (?, ?, ?, ?, ?, ?)`,
} as const;

/** The prepared statements of one connection. */
export type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>;

/** Prepares every statement. */
export function prepareStatements(db: DatabaseSync): Statements {
  const prepare = (name: keyof typeof SQL): StatementSync => db.prepare(SQL[name]);
  return {
    readDocument: prepare("readDocument"),
    readLatestOp: prepare("readLatestOp"),
    readOwnership: prepare("readOwnership"),
    firstNotReadable: prepare("firstNotReadable"),
    listDocuments: prepare("listDocuments"),
    putDocument: prepare("putDocument"),
    removeDocument: prepare("removeDocument"),
    putTombstone: prepare("putTombstone"),
    removeTombstone: prepare("removeTombstone"),
    readRecord: prepare("readRecord"),
    putRecord: prepare("putRecord"),
    removeRecord: prepare("removeRecord"),
    oldRecords: prepare("oldRecords"),
    oldTombstones: prepare("oldTombstones"),
    setOwnership: prepare("setOwnership"),
    heldSlots: prepare("heldSlots"),
    claimFirst: prepare("claimFirst"),
    listSlotKeys: asArrays(prepare("listSlotKeys")),
    listSlotRows: asArrays(prepare("listSlotRows")),
    listStoredKeys: asArrays(prepare("listStoredKeys")),
    listRecordIds: prepare("listRecordIds"),
    readSlotDocument: prepare("readSlotDocument"),
    listSlotRecords: prepare("listSlotRecords"),
    replaceRecord: prepare("replaceRecord"),
  };
}

/** Many rows cost a third when their columns have no names. */
function asArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}

/** The ownership columns of a slot's row. A slot that the store does not know was never held. */
export function parseOwnership(columns: Columns | undefined): Ownership {
  if (columns === undefined) return NEVER_HELD;
  return {
    state: columns["own_state"] as Ownership["state"],
    epoch: columns["own_epoch"] as number,
    move: columns["own_move"] as string | null,
    run: columns["own_run"] as string | null,
    to: columns["own_to"] as Ownership["to"],
    digest: columns["own_digest"] as string | null,
  };
}

/** The document columns; null when the join found none. */
export function parseDocument(columns: Columns | undefined): (StoredDocument & { readonly json: string }) | null {
  if (columns === undefined || columns["op"] === null) return null;
  return {
    op: columns["op"] as string,
    modifiedAtMs: columns["modified_at_ms"] as number,
    json: columns["json"] as string,
  };
}

/** The op of the key's document or tombstone; null when it has neither. */
export function parseLatestOp(columns: Columns | undefined): string | null {
  return (columns?.["latest_op"] ?? null) as string | null;
}

/** The key of a stored sort key. A `hash` collection's begin with the prefix' two digits. */
function parseKeyOfSortKey(sortKey: SortKey, placement: Placement): CanonicalKey {
  return (placement.kind === "range" ? sortKey : sortKey.slice(2)) as CanonicalKey;
}

/** A row of a list. */
export function parseListedRow(
  columns: Columns,
  placement: Placement,
): { readonly sortKey: SortKey; readonly row: Row } {
  const sortKey = columns["sort_key"] as SortKey;
  const row = {
    key: parseKeyOfSortKey(sortKey, placement),
    op: columns["op"] as string,
    modifiedAtMs: columns["modified_at_ms"] as number,
    json: columns["json"] as string,
  };
  return { sortKey, row };
}

/** An idempotency record; null when there is none. */
export function parseRecord(columns: Columns | undefined): IdempotencyRecord | null {
  if (columns === undefined) return null;
  const verdict = JSON.parse(columns["verdict"] as string) as WriteVerdict;
  return { fingerprint: columns["fingerprint"] as string, verdict };
}

/** What a list of a slot's keys tells of one: where it lies, and what is there; `row` is null where that has to be read. */
export interface IndexedKey {
  readonly sortKey: SortKey;
  readonly key: CanonicalKey;
  readonly row: Exclude<SlotRow, { readonly kind: "record" }> | null;
}

type IndexedColumns = readonly [sortKey: SortKey, op: string | null, atMs: number, json: string | null];

/** A row of `listSlotKeys` or `listSlotRows`, an array. */
export function parseIndexedKey(columns: unknown, placement: Placement): IndexedKey {
  const [sortKey, op, atMs, json] = columns as IndexedColumns;
  const key = parseKeyOfSortKey(sortKey, placement);
  if (op === null) return { sortKey, key, row: null };
  if (json === null) return { sortKey, key, row: { kind: "tombstone", key, op, atMs } };
  return { sortKey, key, row: { kind: "document", key, op, atMs, json } };
}

/** A key as it is stored, by no more than its name; `key` is null where the sort key holds none. */
export interface StoredKey extends Pick<IndexedKey, "sortKey"> {
  readonly key: CanonicalKey | null;
  readonly isTombstone: boolean;
}

/** What a sort key that holds a key begins with. */
const BEFORE_KEY = { range: /^./su, hash: /^[0-9a-v]{2}./su } as const;

/** A row of `listStoredKeys`, an array. */
export function parseStoredKey(columns: unknown, placement: Placement): StoredKey {
  const [sortKey, isTombstone] = columns as readonly [sortKey: SortKey, isTombstone: number];
  const holdsKey = BEFORE_KEY[placement.kind].test(sortKey);
  return { sortKey, key: holdsKey ? parseKeyOfSortKey(sortKey, placement) : null, isTombstone: isTombstone === 1 };
}

/** A row of `listRecordIds`. */
export function parseRecordId(columns: Columns): string {
  return columns["id"] as string;
}

/** A row of `listSlotRecords`. */
export function parseSlotRecord(columns: Columns): Extract<SlotRow, { readonly kind: "record" }> {
  const fingerprint = columns["fingerprint"] as string;
  const verdict = JSON.parse(columns["verdict"] as string) as WriteVerdict;
  return { kind: "record", id: columns["id"] as string, fingerprint, verdict, atMs: columns["at_ms"] as number };
}

/** A slot in a list's window, with its number in key order. */
export function parseSlot(columns: Columns): { readonly slot: SlotId; readonly ordinal: number } {
  return { slot: columns["slot"] as SlotId, ordinal: columns["ordinal"] as number };
}

/** Something old: `name` is a record's id or a tombstone's sort key. */
export interface OldRow {
  readonly slot: SlotId;
  readonly name: string;
  readonly atMs: number;
  readonly isOwned: boolean;
}

/** A candidate for the sweep. */
export function parseOldRow(columns: Columns): OldRow {
  return {
    slot: columns["slot"] as SlotId,
    name: columns["name"] as string,
    atMs: columns["at_ms"] as number,
    isOwned: columns["own_state"] === "OWNER",
  };
}
