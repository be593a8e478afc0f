/**
 * The CQL of the store's reads and conditional writes, one text per purpose, so that each is prepared once.
 * It must not send anything, nor decide what is sent.
 *
 * Each collection is a table, each slot a partition. Ownership lies in static columns, the rest in rows ordered by (kind, key):
 * see cassandra-rows.ts. Values that a condition expects to be absent are bound as null.
 */
import type { CollectionName, SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import { tableOf } from "../cassandra/names.ts";
import type { Statement } from "../cassandra/session.ts";
import { EXPIRY_KIND } from "./cassandra-expiry.ts";
import { DOCUMENT_KIND, RECORD_KIND, SENTINEL_KIND, TRACE_KIND } from "./cassandra-rows.ts";
import type { IdempotencyRecord, StoredDocument } from "./decide-write.ts";

/** The static columns. */
export const OWNERSHIP_COLUMNS = "own_state, own_epoch, own_move, own_run, own_to, own_digest";

const VERSION_COLUMNS = `${OWNERSHIP_COLUMNS}, kind, key, op, deleted, at_ms`;
const OWNED = "own_state = 'OWNER' AND own_epoch = ?";

/** A document's row: what it is to be, provided that it is as expected; `before` null for no row. */
export interface DocumentPut {
  readonly key: string;
  readonly before: StoredDocument | null;
  readonly after: StoredDocument;
}

/** An idempotency record's row, provided that there is none. */
export interface RecordPut {
  readonly id: string;
  readonly record: IdempotencyRecord;
  readonly batch: string;
  readonly atMs: number;
}

/** A change of ownership columns. */
export interface OwnershipPut {
  readonly slot: SlotId;
  readonly expected: Ownership;
  readonly next: Ownership;
}

/** The statements of one collection's table. */
export class TableStatements {
  /** `keyspace.table`, as CQL takes it. */
  readonly table: string;
  readonly #cql: Readonly<Record<CqlName, string>>;

  constructor(keyspace: string, collection: CollectionName) {
    this.table = `${keyspace}.${tableOf(collection)}`;
    this.#cql = cqlOf(this.table);
  }

  /** Ownership and the document of one key: one row, the document's or else the sentinel's, which lies behind it. */
  readDocument(slot: SlotId, key: string): Statement {
    return { cql: this.#cql.readDocument, parameters: [slot, key] };
  }

  /** The same of several keys: a row for each document that is there, and the sentinel's. */
  readDocuments(slot: SlotId, keys: readonly string[]): Statement {
    return { cql: this.#cql.readDocuments, parameters: [slot, [...keys, ""]] };
  }

  /** Ownership, documents and idempotency records. Names are keys and claim ids; the rows' kinds tell them apart. */
  readGroup(slot: SlotId, names: readonly string[]): Statement {
    return { cql: this.#cql.readGroup, parameters: [slot, [...names, ""]] };
  }

  /** The same without the documents' texts, which may be large. Names are keys of traces, too. */
  readVersions(slot: SlotId, names: readonly string[]): Statement {
    return { cql: this.#cql.readVersions, parameters: [slot, [...names, ""]] };
  }

  readOwnership(slot: SlotId): Statement {
    return { cql: this.#cql.readOwnership, parameters: [slot] };
  }

  /** Every partition that is there, with its state and epoch. */
  heldSlots(): Statement {
    return { cql: this.#cql.heldSlots, parameters: [] };
  }

  /** `epoch` null where another statement of the batch asks for the ownership. */
  putDocument(slot: SlotId, epoch: number | null, { key, before, after }: DocumentPut): Statement {
    const isDeleted = after.json === null;
    const values = [after.op, isDeleted, BigInt(after.modifiedAtMs), after.json, slot, key];
    const expected = before === null ? [null, null] : [before.op, before.json === null];
    if (epoch === null) return { cql: this.#cql.putDocument, parameters: [...values, ...expected] };
    return { cql: this.#cql.putOwnedDocument, parameters: [...values, BigInt(epoch), ...expected] };
  }

  /** `epoch` as above. */
  putRecord(slot: SlotId, epoch: number | null, { id, record, batch, atMs }: RecordPut): Statement {
    const values = [record.fingerprint, JSON.stringify(record.verdict), batch, BigInt(atMs), slot, id];
    if (epoch === null) return { cql: this.#cql.putRecord, parameters: [...values, null] };
    return { cql: this.#cql.putOwnedRecord, parameters: [...values, BigInt(epoch), null] };
  }

  /** A record's expiry entry, without a condition of its own: it goes with the statement whose row it names. */
  putRecordExpiry(slot: SlotId, key: string): Statement {
    return { cql: this.#cql.putRecordExpiry, parameters: [slot, key] };
  }

  /** A tombstone's, likewise. `op` is the tombstone's own. */
  putTombstoneExpiry(slot: SlotId, key: string, op: string): Statement {
    return { cql: this.#cql.putTombstoneExpiry, parameters: [slot, key, op] };
  }

  /** Without a condition of its own: it tells later whether its batch was applied. */
  putTrace(slot: SlotId, key: string, batch: string): Statement {
    return { cql: this.#cql.putTrace, parameters: [slot, key, batch] };
  }

  setOwnership({ slot, expected, next }: OwnershipPut): Statement {
    return { cql: this.#cql.setOwnership, parameters: [...valuesOf(next), slot, ...valuesOf(expected)] };
  }

  /** Without a condition of its own: it goes with `setOwnership`. */
  putSentinel(slot: SlotId): Statement {
    return { cql: this.#cql.putSentinel, parameters: [slot] };
  }

  /** Outranked by every conditional write, whichever comes first. */
  claimSlot(slot: SlotId): Statement {
    return { cql: this.#cql.claimSlot, parameters: [slot] };
  }
}

type CqlName =
  | "readDocument"
  | "readDocuments"
  | "readGroup"
  | "readVersions"
  | "readOwnership"
  | "heldSlots"
  | "putOwnedDocument"
  | "putDocument"
  | "putOwnedRecord"
  | "putRecord"
  | "putRecordExpiry"
  | "putTombstoneExpiry"
  | "putTrace"
  | "setOwnership"
  | "putSentinel"
  | "claimSlot";

function cqlOf(table: string): Readonly<Record<CqlName, string>> {
  const select = `SELECT ${VERSION_COLUMNS}, json FROM ${table} WHERE slot = ?`;
  const ofGroup = `FROM ${table} WHERE slot = ?
    AND kind IN (${DOCUMENT_KIND}, ${SENTINEL_KIND}, ${RECORD_KIND}, ${TRACE_KIND}) AND key IN ?`;
  const putDocument = `UPDATE ${table} SET op = ?, deleted = ?, at_ms = ?, json = ?
    WHERE slot = ? AND kind = ${DOCUMENT_KIND} AND key = ?`;
  const putRecord = `UPDATE ${table} SET fingerprint = ?, verdict = ?, op = ?, at_ms = ?
    WHERE slot = ? AND kind = ${RECORD_KIND} AND key = ?`;
  const isOwnership = OWNERSHIP_COLUMNS.split(", ").map((column) => `${column} = ?`);
  return {
    readDocument: `${select} AND (kind, key) IN ((${DOCUMENT_KIND}, ?), (${SENTINEL_KIND}, '')) LIMIT 1`,
    readDocuments: `${select} AND kind IN (${DOCUMENT_KIND}, ${SENTINEL_KIND}) AND key IN ?`,
    readGroup: `SELECT ${VERSION_COLUMNS}, fingerprint, verdict, json ${ofGroup}`,
    readVersions: `SELECT ${VERSION_COLUMNS}, fingerprint, verdict ${ofGroup}`,
    readOwnership: `SELECT ${OWNERSHIP_COLUMNS}, kind FROM ${table} WHERE slot = ? AND kind = ${SENTINEL_KIND} AND key = ''`,
    heldSlots: `SELECT DISTINCT slot, own_state, own_epoch FROM ${table}`,
    putOwnedDocument: `${putDocument} IF ${OWNED} AND op = ? AND deleted = ?`,
    putDocument: `${putDocument} IF op = ? AND deleted = ?`,
    putOwnedRecord: `${putRecord} IF ${OWNED} AND fingerprint = ?`,
    putRecord: `${putRecord} IF fingerprint = ?`,
    putRecordExpiry: `INSERT INTO ${table} (slot, kind, key) VALUES (?, ${EXPIRY_KIND}, ?)`,
    putTombstoneExpiry: `INSERT INTO ${table} (slot, kind, key, op) VALUES (?, ${EXPIRY_KIND}, ?, ?)`,
    putTrace: `INSERT INTO ${table} (slot, kind, key, op) VALUES (?, ${TRACE_KIND}, ?, ?)`,
    setOwnership: `UPDATE ${table} SET ${isOwnership.join(", ")} WHERE slot = ? IF ${isOwnership.join(" AND ")}`,
    putSentinel: `INSERT INTO ${table} (slot, kind, key) VALUES (?, ${SENTINEL_KIND}, '')`,
    claimSlot: `INSERT INTO ${table} (slot, kind, key, own_state, own_epoch)
      VALUES (?, ${SENTINEL_KIND}, '', 'OWNER', 1) USING TIMESTAMP 1`,
  };
}

/** A slot that was never held has no ownership columns at all. */
function valuesOf(own: Ownership): readonly unknown[] {
  if (own.state === "NONE" && own.epoch === 0) return [null, null, null, null, null, null];
  return [own.state, BigInt(own.epoch), own.move, own.run, own.to, own.digest];
}

/** Whose keyspace it is. */
export function readIdentity(keyspace: string): Statement {
  return { cql: `SELECT what, shard FROM ${keyspace}.identity WHERE what = ?`, parameters: ["store"] };
}

/** The statements of the claims table: one row per collection. */
export class ClaimStatements {
  readonly #table: string;

  constructor(keyspace: string) {
    this.#table = `${keyspace}.claims`;
  }

  read(collection: CollectionName): Statement {
    return { cql: `SELECT digest, slots, state FROM ${this.#table} WHERE collection = ?`, parameters: [collection] };
  }

  intend(collection: CollectionName, digest: string, slots: readonly SlotId[]): Statement {
    const cql = `INSERT INTO ${this.#table} (collection, digest, slots, state) VALUES (?, ?, ?, 'intended') IF NOT EXISTS`;
    return { cql, parameters: [collection, digest, JSON.stringify(slots)] };
  }

  finish(collection: CollectionName, digest: string): Statement {
    const cql = `UPDATE ${this.#table} SET state = 'done' WHERE collection = ? IF digest = ? AND state = 'intended'`;
    return { cql, parameters: [collection, digest] };
  }
}
