/**
 * Reads slots for moves: ownership columns of many, a slot's rows page by page, its weight.
 * It must not take rows for more than the ownership columns say that were read before them.
 *
 * Why QUORUM suffices, where a move relies on a page to hold every acknowledged write of a fenced slot:
 *
 * - The ownership columns are read first, and every request for rows begins after that read has ended. The page says what they
 *   said, and a request for rows that met other columns is dropped. Where they have been seen before, and rows tell that they are
 *   still the same, that was the read.
 * - Whoever sees the fence in any replica sees something decided: replicas store a value only after a quorum has accepted it.
 * - Servers propose a conditional write only once a quorum has stored the one before it (CASSANDRA-5062; Paxos v2 refreshes stale
 *   replicas likewise). So when the fence was seen, every write before it lay on a quorum, and each later QUORUM read meets one of those.
 * - Nothing undecided surfaces later. A write that a quorum had accepted before the fence was finished by whoever proposed the
 *   fence. One that only a minority had accepted is older than the fence, which is committed, and is ignored by every later
 *   ballot. One that is proposed later finds the slot fenced.
 *
 * Without the first rule one request could meet the fence at one replica and miss, at another that it asked a moment earlier, a
 * write from before it.
 */
import type { SlotId } from "../../router/ids.ts";
import { isSameOwnership, NEVER_HELD, type Ownership } from "../../router/ownership.ts";
import type { CassandraSession, Columns } from "../cassandra/session.ts";
import {
  DOCUMENT_KIND,
  parseDocument,
  parseOwnership,
  parseRecord,
  parseSlot,
  RECORD_KIND,
  SENTINEL_KIND,
} from "./cassandra-rows.ts";
import { readOwnerships, readSlotNames, readSlotRows } from "./cassandra-transfer-statements.ts";
import { StoreError } from "./port.ts";
import { bytesOf, nameOf, type ReadingBounds, SlotPageDraft } from "./slot-row.ts";
import type { SlotNamesPage, SlotPage, SlotPageRequest, SlotRow, SlotRowName, SlotWeight } from "./transfer.ts";

/** Slots in one request for their ownership, and requests under way at once. */
const SLOTS_AT_ONCE = 64;
const REQUESTS_AT_ONCE = 8;
/** Rows in one answer: of documents nothing is known at first, and 16 MiB are the largest that there may be. */
const READING: ReadingBounds = { first: 128, most: 1024 };
/** Names in one answer. */
const NAMES_AT_ONCE = 5000;
/** Times that a page is begun because the slot's ownership has changed under it. A move changes it some four times. */
const BEGINNINGS_MAX = 6;

/** A collection's table, for reading. */
export interface SlotSource {
  readonly session: CassandraSession;
  /** `keyspace.table` */
  readonly table: string;
}

/** The columns of the slots, in their order. */
export async function readAllOwnerships(source: SlotSource, slots: readonly SlotId[]): Promise<readonly Ownership[]> {
  const found = new Map<SlotId, Ownership>();
  const groups = Array.from({ length: Math.ceil(slots.length / SLOTS_AT_ONCE) }, (_, index) =>
    slots.slice(index * SLOTS_AT_ONCE, (index + 1) * SLOTS_AT_ONCE),
  ).values();
  const workers = Array.from({ length: REQUESTS_AT_ONCE }, async () => {
    for (const group of groups) for (const [slot, own] of await readSome(source, group)) found.set(slot, own);
  });
  await Promise.all(workers);
  return slots.map((slot) => found.get(slot) ?? NEVER_HELD);
}

async function readSome({ session, table }: SlotSource, slots: readonly SlotId[]) {
  const { rows } = await session.readQuorum(readOwnerships(table, slots), {
    rowsMax: slots.length + 1,
    after: null,
    partitions: slots.length,
  });
  return rows.map((columns) => [parseSlot(columns), parseOwnership(columns)] as const);
}

/** One page. Ends early where the ownership changes. */
export async function readSlotPage(source: SlotSource, request: SlotPageRequest): Promise<SlotPage> {
  const { address, seen = null } = request;
  const { slot } = address;
  const quick = seen === null ? null : await readUnder(source, request, { ownership: seen, isRead: false });
  if (quick !== null) return quick;
  for (let beginning = 1; beginning <= BEGINNINGS_MAX; beginning += 1) {
    const [ownership = NEVER_HELD] = await readAllOwnerships(source, [slot]);
    const page = await readUnder(source, request, { ownership, isRead: true });
    if (page !== null) return page;
  }
  throw new StoreError("busy", `the ownership of slot "${slot}" changes all the time`);
}

/** Columns that rows are expected under. `isRead`: they were, just now; otherwise rows have to show them. */
interface Expected {
  readonly ownership: Ownership;
  readonly isRead: boolean;
}

/** Null where nothing could be read before the ownership changed, or no row shows what it is. */
async function readUnder(
  { session, table }: SlotSource,
  request: SlotPageRequest,
  { ownership, isRead }: Expected,
): Promise<SlotPage | null> {
  const { slot } = request.address;
  const draft = new SlotPageDraft(request);
  let after = request.after;
  while (!draft.isFull) {
    // One for the sentinel.
    const rowsMax = draft.rowsNext(READING) + 1;
    const answer = await session.readQuorum(readSlotRows(table, { slot, after }), { rowsMax, after: null });
    const isOther = answer.rows.some((columns) => !isSameOwnership(parseOwnership(columns), ownership));
    if (!isRead && answer.rows.length === 0 && draft.rows.length === 0) return null;
    if (isOther) return draft.rows.length === 0 ? null : { ownership, rows: draft.rows, next: after };
    for (const columns of answer.rows) {
      const row = parseSlotRow(columns);
      if (row === null || draft.isFull) continue;
      draft.add(row);
      after = nameOf(row);
    }
    const isCut = answer.next !== null || answer.rows.length >= rowsMax;
    if (!isCut && !draft.isFull) return { ownership, rows: draft.rows, next: null };
  }
  return { ownership, rows: draft.rows, next: after };
}

/** Null for the sentinel. */
function parseSlotRow(columns: Columns): SlotRow | null {
  const document = parseDocument(columns);
  if (document !== null) {
    const { key, op, modifiedAtMs: atMs, json } = document;
    return json === null ? { kind: "tombstone", key, op, atMs } : { kind: "document", key, op, atMs, json };
  }
  const record = parseRecord(columns);
  if (record === null) return null;
  const { fingerprint, verdict } = record;
  return { kind: "record", id: columns["key"] as string, fingerprint, verdict, atMs: Number(columns["at_ms"]) };
}

/** Names of rows behind `after`, no more than so many; `isEnd`: there are no others. */
export async function readNames(
  { session, table }: SlotSource,
  { slot, after }: { readonly slot: SlotId; readonly after: SlotRowName | null },
  namesMax: number,
): Promise<{ readonly names: readonly SlotRowName[]; readonly isEnd: boolean }> {
  // One more than wanted, for the sentinel.
  const rowsMax = Math.min(namesMax, NAMES_AT_ONCE) + 1;
  const { rows, next } = await session.readQuorum(readSlotNames(table, { slot, after }), { rowsMax, after: null });
  const all = rows.filter((columns) => columns["kind"] !== SENTINEL_KIND).map(parseName);
  const names = all.slice(0, namesMax);
  return { names, isEnd: next === null && rows.length < rowsMax && names.length === all.length };
}

/** As many names as one answer holds. */
export async function readNamesPage(
  source: SlotSource,
  slot: SlotId,
  after: SlotRowName | null,
): Promise<SlotNamesPage> {
  const { names, isEnd } = await readNames(source, { slot, after }, NAMES_AT_ONCE);
  return { names, next: isEnd ? null : (names.at(-1) ?? null) };
}

/** When a row was written, and whether it is a tombstone: what its expiry entry says. */
export interface RowAge {
  readonly name: SlotRowName;
  readonly atMs: number;
  readonly isDeleted: boolean;
}

/** A row of kind 0 or 2 without its content. */
export function parseAge(columns: Columns): RowAge {
  return { name: parseName(columns), atMs: Number(columns["at_ms"]), isDeleted: columns["deleted"] === true };
}

/** What names a row of kind 0 or 2. */
function parseName(columns: Columns): SlotRowName {
  const kind = columns["kind"];
  if (kind !== DOCUMENT_KIND && kind !== RECORD_KIND)
    throw new Error(`broken assumption: a row of kind ${String(kind)}`);
  return { of: kind === DOCUMENT_KIND ? "key" : "record", name: columns["key"] as string };
}

/** Counts names, and weighs the first rows: the others are taken to be like them. */
export async function weighCassandraSlot(source: SlotSource, address: SlotPageRequest["address"]): Promise<SlotWeight> {
  const bounds = { rowsMax: READING.first, bytesMax: Number.MAX_SAFE_INTEGER };
  const sample = await readSlotPage(source, { address, after: null, ...bounds });
  const sampled = sample.rows.reduce((sum, row) => sum + bytesOf(row), 0);
  let rows = sample.rows.length;
  for (let after = sample.next; after !== null; ) {
    const { names, isEnd } = await readNames(source, { slot: address.slot, after }, NAMES_AT_ONCE);
    rows += names.length;
    after = isEnd ? null : (names.at(-1) ?? null);
  }
  return { rows, bytes: Math.round((sampled / Math.max(1, sample.rows.length)) * rows) };
}
