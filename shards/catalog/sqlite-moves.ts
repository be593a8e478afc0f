/**
 * Moves, leases and the audit trail as rows of the SQLite catalog. Every function runs inside the transaction of its caller.
 * It must not open or end one.
 */
import type { DatabaseSync } from "node:sqlite";
import type { CollectionName, MapVersion } from "../../router/ids.ts";
import { decideChange, type MoveRecord, overlaps, parseMoveRecord, repeatCreation, startMove } from "./move-record.ts";
import {
  type AuditEntry,
  type AuditPage,
  type Author,
  CatalogError,
  type LeaseOutcome,
  type LeaseRequest,
  type Move,
  type MoveChange,
  type MoveCreation,
  type MoveIntent,
  type MovesPage,
  type MoveUpdate,
} from "./port.ts";

const SQL = {
  insertMove: "INSERT INTO moves (id, collection, state, record) VALUES (?, ?, ?, ?)",
  updateMove: "UPDATE moves SET state = ?, record = ? WHERE id = ?",
  move: "SELECT record FROM moves WHERE id = ?",
  live: "SELECT record FROM moves WHERE collection = ? AND state IN ('running', 'aborting') ORDER BY position",
  moves: `
    SELECT record FROM moves
    WHERE (:collection IS NULL OR collection = :collection) AND (:state IS NULL OR state = :state OR (:state = 'live' AND state IN ('running', 'aborting')))
      AND (:after IS NULL OR position < (SELECT position FROM moves WHERE id = :after))
    ORDER BY position DESC LIMIT :limit`,
  head: "SELECT version FROM heads WHERE collection = ?",
  lease: "SELECT holder, until_ms FROM leases WHERE name = ?",
  setLease: `
    INSERT INTO leases (name, holder, until_ms) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms`,
  dropLease: "DELETE FROM leases WHERE name = ? AND holder = ?",
  insertAudit: `
    INSERT INTO audit (collection, position, at_ms, actor, action, version, move)
    SELECT :collection, coalesce(max(position), 0) + 1, :atMs, :actor, :action, :version, :move
    FROM audit WHERE collection = :collection`,
  audit: `
    SELECT position, at_ms, actor, action, version, move FROM audit
    WHERE collection = :collection AND (:before IS NULL OR position < :before)
    ORDER BY position DESC LIMIT :limit`,
} as const;

/** What the audit trail is to tell. */
export interface Deed {
  readonly collection: CollectionName;
  readonly action: string;
  readonly version: MapVersion | null;
  readonly move: string | null;
}

/** Adds to the audit trail. */
export function recordDeed(db: DatabaseSync, deed: Deed, { actor, atMs }: Author): void {
  db.prepare(SQL.insertAudit).run({ ...deed, actor, atMs });
}

/** The trail of a collection, latest first. */
export function readAudit(db: DatabaseSync, collection: CollectionName, page: AuditPage): readonly AuditEntry[] {
  const { limit, before = null } = page;
  const rows = db.prepare(SQL.audit).all({ collection, before, limit });
  return rows.map((row) => parseEntry(collection, row));
}

/** Records a move; see `Catalog.createMove`. */
export function insertMove(db: DatabaseSync, intent: MoveIntent, author: Author): MoveCreation {
  const record = startMove(intent, author);
  const { id, collection, parent, state } = record.move;
  const before = findRecord(db, id);
  if (before !== null) return repeatCreation(before, author);
  const current = parseVersion(db.prepare(SQL.head).get(collection));
  if (current === null) throw new CatalogError(`collection "${collection}" was never created`);
  if (current !== parent) return { kind: "map-changed", current };
  const live = db.prepare(SQL.live).all(collection).map(parseRow);
  const other = live.find(({ move }) => overlaps(move, intent));
  if (other !== undefined) return { kind: "overlaps", move: other.move };
  db.prepare(SQL.insertMove).run(id, collection, state, JSON.stringify(record));
  recordDeed(db, { collection, action: "move-created", version: null, move: id }, author);
  return { kind: "created", move: record.move };
}

/** Changes a move; see `Catalog.updateMove`. */
export function changeMove(db: DatabaseSync, id: string, { change, author }: ChangeRequest): MoveUpdate {
  const record = findRecord(db, id);
  if (record === null) throw new CatalogError(`there is no move ${id}`);
  const decision = decideChange(record, change, author);
  if (decision.kind === "repetition") return { kind: "changed", move: record.move };
  if (decision.kind !== "change") return { kind: "conflict", current: record.move };
  const { next, action } = decision;
  db.prepare(SQL.updateMove).run(next.move.state, JSON.stringify(next), id);
  if (action !== null) recordDeed(db, { collection: next.move.collection, action, version: null, move: id }, author);
  return { kind: "changed", move: next.move };
}

/** A change and who makes it. */
export interface ChangeRequest {
  readonly change: MoveChange;
  readonly author: Author;
}

/** A move; null when there is none. */
export function readMove(db: DatabaseSync, id: string): Move | null {
  return findRecord(db, id)?.move ?? null;
}

/** Moves, newest first. */
export function readMoves(db: DatabaseSync, collection: CollectionName | null, page: MovesPage): readonly Move[] {
  const { limit, state = null, after = null } = page;
  if (after !== null && findRecord(db, after) === null) throw new CatalogError(`there is no move ${after}`);
  const rows = db.prepare(SQL.moves).all({ collection, state, after, limit });
  return rows.map((row) => parseRow(row).move);
}

/** Takes or renews a lease. */
export function takeLease(db: DatabaseSync, name: string, { holder, nowMs, ttlMs }: LeaseRequest): LeaseOutcome {
  const lease = parseLease(db.prepare(SQL.lease).get(name));
  if (lease !== null && lease.holder !== holder && lease.untilMs > nowMs) return { kind: "held", ...lease };
  const untilMs = nowMs + ttlMs;
  db.prepare(SQL.setLease).run(name, holder, untilMs);
  return { kind: "acquired", untilMs };
}

/** Gives a lease back. */
export function dropLease(db: DatabaseSync, name: string, holder: string): void {
  db.prepare(SQL.dropLease).run(name, holder);
}

function findRecord(db: DatabaseSync, id: string): MoveRecord | null {
  const row = db.prepare(SQL.move).get(id);
  return row === undefined ? null : parseRow(row);
}

type Columns = Readonly<Record<string, unknown>>;

function parseRow(columns: Columns): MoveRecord {
  return parseMoveRecord(columns["record"]);
}

function parseVersion(columns: Columns | undefined): MapVersion | null {
  return columns === undefined ? null : (columns["version"] as MapVersion);
}

function parseLease(columns: Columns | undefined): { readonly holder: string; readonly untilMs: number } | null {
  if (columns === undefined) return null;
  return { holder: columns["holder"] as string, untilMs: columns["until_ms"] as number };
}

function parseEntry(collection: CollectionName, columns: Columns): AuditEntry {
  return {
    position: columns["position"] as number,
    atMs: columns["at_ms"] as number,
    actor: columns["actor"] as string,
    action: columns["action"] as string,
    collection,
    version: columns["version"] as MapVersion | null,
    move: columns["move"] as string | null,
  };
}
