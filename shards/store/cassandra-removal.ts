/**
 * Removes from one slot what its oldest expiry entries name. It must not touch a document, an ownership column or the
 * sentinel, nor remove anything where the slot has changed hands.
 *
 * A batch holds only if the slot is owned at the epoch that was read, each tombstone still has its op, and each record its time. So
 * it is harmless whenever it arrives, and how often: a key that was written again keeps its document, a claim that was
 * used again its record. What is not as named any more keeps its row; its entry has become meaningless and goes.
 */
import type { SlotId } from "../../router/ids.ts";
import type { CassandraSession, Columns, Statement } from "../cassandra/session.ts";
import { EXPIRY_KIND, type Expiring, type ExpiryEntry, expiryBoundOf, parseExpiryKey } from "./cassandra-expiry.ts";
import { DOCUMENT_KIND, parseOwnership, RECORD_KIND, SENTINEL_KIND } from "./cassandra-rows.ts";
import { OWNERSHIP_COLUMNS } from "./cassandra-statements.ts";

/** Entries removed by one batch: some 40 KiB. */
const BATCH_ENTRIES_MAX = 128;

/**
 * Deleted rows slow down every later look at the entries for as long as the servers remember them. A range covers all those
 * before it at once; it ends where no clock is wrong enough to let a new entry come in.
 */
const RANGE_MARGIN_MS = 3_600_000;

/** An expiry entry as it was read. `op`: of the tombstone that it names. */
export interface StoredEntry extends ExpiryEntry {
  readonly key: string;
  readonly op: string | null;
}

/** Oldest entries of one kind in a slot, all of them up to the last, and the epoch at which the slot was owned. */
export interface Expired {
  readonly slot: SlotId;
  readonly epoch: number;
  readonly what: Expiring;
  readonly entries: readonly StoredEntry[];
  /** The age limit: everything here is older. */
  readonly beforeMs: number;
}

/** `removed`: records or tombstones. `isDone` false: somebody else was at the slot; what is left must wait for another round. */
export interface Removal {
  readonly removed: number;
  readonly isDone: boolean;
}

/** An entry of a row that has its columns. */
export function parseEntry(columns: Columns): StoredEntry {
  const key = columns["key"] as string;
  return { ...parseExpiryKey(key), key, op: (columns["op"] ?? null) as string | null };
}

/** Where to remove. */
export interface RemovalSource {
  readonly session: CassandraSession;
  readonly table: string;
  /** Runs `work` when no other conditional write of this process to the slot is under way. */
  readonly inTurn: <Value>(slot: SlotId, work: () => Promise<Value>) => Promise<Value>;
}

/**
 * Removes the entries and what they name, each batch in its turn, so that no commit waits for more than one of them.
 * Rejects with `CassandraError`; an unknown outcome may be left as it is.
 */
export async function removeExpired(source: RemovalSource, expired: Expired): Promise<Removal> {
  const { session, table, inTurn } = source;
  let removed = 0;
  for (let start = 0; start < expired.entries.length; start += BATCH_ENTRIES_MAX) {
    const part = { ...expired, entries: expired.entries.slice(start, start + BATCH_ENTRIES_MAX) };
    const step = await inTurn(expired.slot, () => removePart(session, table, part));
    removed += step.removed;
    if (!step.isDone) return { removed, isDone: false };
  }
  return { removed, isDone: true };
}

/** At first as if nothing had been written again, which is the rule; then by what is there. */
async function removePart(session: CassandraSession, table: string, expired: Expired): Promise<Removal> {
  const { entries } = expired;
  if (await sendRemoval(session, table, { expired, named: entries })) return { removed: entries.length, isDone: true };
  const named = await findNamed(session, table, expired);
  if (named === null) return { removed: 0, isDone: false };
  const isDone = await sendRemoval(session, table, { expired, named });
  return { removed: isDone ? named.length : 0, isDone };
}

/** What to remove: all of the entries, and the rows that `named` name. */
interface Plan {
  readonly expired: Expired;
  readonly named: readonly StoredEntry[];
}

async function sendRemoval(session: CassandraSession, table: string, plan: Plan): Promise<boolean> {
  const { isApplied } = await session.compareAndSet(removalOf(table, plan));
  return isApplied;
}

/** The first entry's deletion carries the condition on the slot. */
function removalOf(table: string, { expired, named }: Plan): readonly Statement[] {
  const { slot, epoch, entries } = expired;
  const covered = rangeEndOf(expired);
  const single = entries.filter(({ key }, index) => index === 0 || covered === null || key > covered);
  const entry = `DELETE FROM ${table} WHERE slot = ? AND kind = ${EXPIRY_KIND} AND key = ?`;
  return [
    ...single.map(({ key }, index) =>
      index === 0
        ? { cql: `${entry} IF own_state = 'OWNER' AND own_epoch = ?`, parameters: [slot, key, BigInt(epoch)] }
        : { cql: entry, parameters: [slot, key] },
    ),
    ...(covered === null ? [] : [rangeRemoval(table, expired, covered)]),
    ...named.map((one) => rowRemoval(table, slot, one)),
  ];
}

/** Last key of a range from the beginning of the entries that is safe to remove as a whole; null for none. */
function rangeEndOf({ what, entries, beforeMs }: Expired): string | null {
  const bound = expiryBoundOf(what, beforeMs - RANGE_MARGIN_MS);
  return entries.findLast(({ key }) => key < bound)?.key ?? null;
}

function rangeRemoval(table: string, { slot, what }: Expired, last: string): Statement {
  const cql = `DELETE FROM ${table} WHERE slot = ? AND kind = ${EXPIRY_KIND} AND key >= ? AND key <= ?`;
  return { cql, parameters: [slot, expiryBoundOf(what, 0), last] };
}

function rowRemoval(table: string, slot: SlotId, { what, name, op, atMs }: StoredEntry): Statement {
  return what === "record"
    ? {
        cql: `DELETE FROM ${table} WHERE slot = ? AND kind = ${RECORD_KIND} AND key = ? IF at_ms = ?`,
        parameters: [slot, name, BigInt(atMs)],
      }
    : {
        cql: `DELETE FROM ${table} WHERE slot = ? AND kind = ${DOCUMENT_KIND} AND key = ? IF op = ? AND deleted = ?`,
        parameters: [slot, name, op, true],
      };
}

/** The entries whose rows are as they say; null when the slot is not owned at that epoch any more. */
async function findNamed(
  session: CassandraSession,
  table: string,
  { slot, epoch, what, entries }: Expired,
): Promise<readonly StoredEntry[] | null> {
  const kind = what === "record" ? RECORD_KIND : DOCUMENT_KIND;
  const cql = `SELECT ${OWNERSHIP_COLUMNS}, kind, key, op, deleted, at_ms FROM ${table}
    WHERE slot = ? AND kind IN (${kind}, ${SENTINEL_KIND}) AND key IN ?`;
  const rows = await session.readSerial({ cql, parameters: [slot, [...entries.map(({ name }) => name), ""]] });
  const ownership = parseOwnership(rows[0]);
  if (ownership.state !== "OWNER" || ownership.epoch !== epoch) return null;
  const byName = new Map(rows.filter((row) => row["kind"] === kind).map((row) => [row["key"], row]));
  return entries.filter((entry) => isAsNamed(entry, byName.get(entry.name)));
}

function isAsNamed({ what, op, atMs }: StoredEntry, row: Columns | undefined): boolean {
  if (row === undefined) return false;
  if (what === "record") return row["at_ms"] === BigInt(atMs);
  return row["deleted"] === true && row["op"] === op;
}
