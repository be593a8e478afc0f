/**
 * What the columns of a slot's partition mean: ownership, documents, idempotency records.
 * It must not ask for anything, nor judge what it reads.
 */
import type { CanonicalKey, SlotId } from "../../router/ids.ts";
import { NEVER_HELD, type Ownership } from "../../router/ownership.ts";
import type { Columns } from "../cassandra/session.ts";
import type { IdempotencyRecord, StoredDocument } from "./decide-write.ts";
import { type Row, StoreError, type WriteVerdict } from "./port.ts";

/** The clustering column `kind`. It lies in databases and must not change. Expiry entries: cassandra-expiry.ts. */
export const DOCUMENT_KIND = 0;
/** One row, key '': it lies behind the documents, so that a read of documents has the ownership even when none matches. */
export const SENTINEL_KIND = 1;
export const RECORD_KIND = 2;
/** Traces of batches (kind 3 are expiry entries): a few rows, each with the name of the last batch that has written it. */
export const TRACE_KIND = 4;

/** A document, or the tombstone of one: it has an op of its own, no text, and a time from when on it may be removed. */
export interface DocumentRow extends StoredDocument {
  readonly key: CanonicalKey;
}

/** An idempotency record. `batch` names the one batch that may have stored it; empty if it came by a move. */
export interface RecordRow extends IdempotencyRecord {
  readonly batch: string;
}

/** What a request has found in one partition: whatever is not in the maps is not there, as far as was asked. */
export interface SlotContent {
  readonly ownership: Ownership;
  readonly documents: ReadonlyMap<string, StoredDocument>;
  readonly records: ReadonlyMap<string, RecordRow>;
  /** By the trace's key: the last batch. */
  readonly traces: ReadonlyMap<string, string>;
}

/** The ownership columns. No row, or a row without them, is a slot that was never held. */
export function parseOwnership(columns: Columns | undefined): Ownership {
  if (columns === undefined || (columns["own_state"] ?? null) === null) return NEVER_HELD;
  return {
    state: columns["own_state"] as Ownership["state"],
    epoch: parseCount(columns, "own_epoch"),
    move: columns["own_move"] as string | null,
    run: columns["own_run"] as string | null,
    to: columns["own_to"] as Ownership["to"],
    digest: columns["own_digest"] as string | null,
  };
}

/** A row of kind 0 as it is stored; null for a row of another kind. A text that was not asked for is empty. */
export function parseDocument(columns: Columns): DocumentRow | null {
  if (columns["kind"] !== DOCUMENT_KIND || (columns["op"] ?? null) === null) return null;
  return {
    key: columns["key"] as CanonicalKey,
    op: columns["op"] as string,
    modifiedAtMs: parseCount(columns, "at_ms"),
    json: columns["deleted"] === true ? null : ((columns["json"] ?? "") as string),
  };
}

/** The document of one key, found among rows of its partition; null for none. The others are not looked into. */
export function parseDocumentOf(rows: readonly Columns[], key: string): DocumentRow | null {
  const columns = rows.find((row) => row["kind"] === DOCUMENT_KIND && row["key"] === key);
  return columns === undefined ? null : parseDocument(columns);
}

/** A document for clients; null for a tombstone and for rows of other kinds. */
export function parseListedRow(columns: Columns): Row | null {
  const document = parseDocument(columns);
  return document === null || document.json === null ? null : { ...document, json: document.json };
}

/** The slot that a row lies in. */
export function parseSlot(columns: Columns): SlotId {
  return columns["slot"] as SlotId;
}

/** Rows of one partition with all their columns. */
export function parseSlotContent(rows: readonly Columns[]): SlotContent {
  const documents = new Map<string, StoredDocument>();
  const records = new Map<string, RecordRow>();
  const traces = new Map<string, string>();
  for (const columns of rows) {
    const document = parseDocument(columns);
    if (document !== null) documents.set(document.key, document);
    const record = parseRecord(columns);
    if (record !== null) records.set(columns["key"] as string, record);
    if (columns["kind"] === TRACE_KIND) traces.set(columns["key"] as string, columns["op"] as string);
  }
  return { ownership: parseOwnership(rows[0]), documents, records, traces };
}

/** A record's row; null for a row of another kind. */
export function parseRecord(columns: Columns): RecordRow | null {
  if (columns["kind"] !== RECORD_KIND || (columns["fingerprint"] ?? null) === null) return null;
  return {
    fingerprint: columns["fingerprint"] as string,
    verdict: JSON.parse(columns["verdict"] as string) as WriteVerdict,
    batch: columns["op"] as string,
  };
}

/** What a condition has seen of a row. `isRecord`: of an idempotency record, which exists. */
export interface ConditionRow {
  readonly key: string | null;
  readonly op: string | null;
  readonly isDeleted: boolean;
  readonly isRecord: boolean;
}

/** What the conditions of a batch have seen when one of them did not hold; rows that do not exist are left out. */
export interface ConditionsSeen {
  readonly state: Ownership["state"];
  readonly epoch: number;
  readonly rows: readonly ConditionRow[];
}

/** The servers' answer to conditions that did not hold. A condition on one row alone does not name its key: null. */
export function parseConditions(rows: readonly Columns[]): ConditionsSeen {
  const { state, epoch } = parseOwnership(rows[0]);
  return { state, epoch, rows: rows.filter(isThere).map(parseCondition) };
}

function isThere(columns: Columns): boolean {
  return (columns["op"] ?? null) !== null || (columns["fingerprint"] ?? null) !== null;
}

function parseCondition(columns: Columns): ConditionRow {
  return {
    key: (columns["key"] ?? null) as string | null,
    op: (columns["op"] ?? null) as string | null,
    isDeleted: columns["deleted"] === true,
    isRecord: (columns["fingerprint"] ?? null) !== null,
  };
}

/** A claim of first ownership as the keyspace remembers it; null for none. */
export interface StoredClaim {
  readonly digest: string;
  readonly slots: number;
  readonly state: "intended" | "done";
}

/** The row of a collection in the claims table. Throws `StoreError` for a row of which only a part is left. */
export function parseClaim(columns: Columns | undefined): StoredClaim | null {
  if (columns === undefined) return null;
  const { digest, slots }: { readonly [name: string]: unknown } = columns;
  if (typeof digest !== "string" || typeof slots !== "string") {
    throw new StoreError(
      "unavailable",
      "the claim of the first slots is damaged; restore the keyspace from its backup",
    );
  }
  return {
    digest,
    slots: (JSON.parse(slots) as readonly SlotId[]).length,
    state: columns["state"] as StoredClaim["state"],
  };
}

/** Whose keyspace it is, by the row of the identity table; null when nobody has said so. */
export function parseIdentity(columns: Columns | undefined): string | null {
  return (columns?.["shard"] ?? null) as string | null;
}

/** A whole number that a JavaScript number holds exactly. */
function parseCount(columns: Columns, name: string): number {
  const value = Number(columns[name]);
  if (Number.isSafeInteger(value)) return value;
  throw new StoreError("unavailable", `${name} ${String(columns[name])}: larger than what can be counted exactly`);
}
