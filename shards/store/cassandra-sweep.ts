/**
 * Removes idempotency records and tombstones that have expired, a bounded step at a time, slot after slot.
 * It must not look at documents to find them: the expiry entries say what is old (cassandra-expiry.ts).
 *
 * A step reads the old entries of many slots by one request, and removes what they name slot by slot. It ends after so many entries
 * or so many slots; the next one goes on there. A round goes over all slots, first for records, then for tombstones.
 */
import type { CollectionName, SlotId } from "../../router/ids.ts";
import { type Placement, prefixesOf, slotsOfPrefix } from "../../router/slot.ts";
import { compareCodePoints } from "../../router/text.ts";
import type { Columns } from "../cassandra/session.ts";
import { EXPIRY_KIND, type Expiring, expiryBoundOf } from "./cassandra-expiry.ts";
import { type Expired, parseEntry, type Removal, type RemovalSource, removeExpired } from "./cassandra-removal.ts";
import { parseOwnership, parseSlot } from "./cassandra-rows.ts";
import { OWNERSHIP_COLUMNS } from "./cassandra-statements.ts";
import type { SweepOutcome, SweepRequest } from "./port.ts";

/** Slots whose entries one request asks for, where they have few or none. More would take a busy cluster too long. */
const SLOTS_AT_ONCE_MAX = 64;

/** Where a slot has more than an answer holds, so many times fewer slots are asked for next, down to that slot alone; then more again. */
const STEPPING = 8;

/** Slots that one step looks into: the caller pauses between steps, so that they stay short where there are many (stripes). */
const STEP_SLOTS_MAX = 4_096;

/** Batches of different slots under way at once. */
const REMOVALS_AT_ONCE = 4;

/** Rows of one slot in an answer, against an even share of each: the servers hold as many of each slot. */
const UNEVENNESS = 4;

/** Entries in one answer: half a megabyte at most. */
const ANSWER_ROWS_MAX = 512;

/** Slots are counted in the order of slotsOf. */
interface Position {
  readonly what: Expiring;
  readonly slot: number;
  readonly slotsAtOnce: number;
}

const START: Position = { what: "record", slot: 0, slotsAtOnce: SLOTS_AT_ONCE_MAX };

/** Where the next step goes on, by collection. None: at the beginning. */
export type SweepPositions = Map<CollectionName, Position>;

/** What the sweep of one collection stands on. */
export interface SweepSource extends RemovalSource {
  readonly placement: Placement;
}

/** A step on its way. */
interface Step {
  readonly source: SweepSource;
  readonly request: SweepRequest;
  readonly positions: SweepPositions;
  readonly removed: Record<Expiring, number>;
  looked: number;
  slotsLooked: number;
}

/**
 * One step. It looks at `rowsMax` entries at most, removed or not; `more` says that the collection has not been gone over to its
 * end. Rejects with `CassandraError`; what it failed at is passed by until the next round.
 */
export async function sweepOnce(
  source: SweepSource,
  request: SweepRequest,
  positions: SweepPositions,
): Promise<SweepOutcome> {
  const step = { source, request, positions, removed: { record: 0, tombstone: 0 }, looked: 0, slotsLooked: 0 };
  let position: Position | null = positions.get(request.collection) ?? START;
  while (position !== null && step.looked < request.rowsMax && step.slotsLooked < STEP_SLOTS_MAX) {
    position = await sweepSlots(step, position);
  }
  return { records: step.removed.record, tombstones: step.removed.tombstone, more: position !== null };
}

/** Sweeps the next slots; where to go on, null at the end of the round. */
async function sweepSlots(step: Step, position: Position): Promise<Position | null> {
  const { what, slot: first, slotsAtOnce } = position;
  const slots = slotsFrom(step.source.placement, first, slotsAtOnce);
  const more = Math.min(SLOTS_AT_ONCE_MAX, slotsAtOnce * STEPPING);
  const behind = placeAt(step, { what, slot: first + slots.length, slotsAtOnce: more });
  // Remembered before anything can fail: what fails every time must not be in the way of the rest.
  remember(step, behind);
  step.slotsLooked += slots.length;
  const goOnAt = await removeAll(step, await readEntries(step, what, slots));
  if (goOnAt === null) return behind;
  const fewer = Math.max(1, Math.floor(slotsAtOnce / STEPPING));
  const next = placeAt(step, { what, slot: first + slots.indexOf(goOnAt), slotsAtOnce: fewer });
  remember(step, next);
  return next;
}

function remember({ positions, request }: Step, position: Position | null): void {
  if (position === null) positions.delete(request.collection);
  else positions.set(request.collection, position);
}

/** As many slots as one request asks for, ascending by code points, which is the order in which the servers answer. */
function slotsFrom(placement: Placement, first: number, count: number): readonly SlotId[] {
  const stripes = placement.stripes;
  const firstPrefix = Math.floor(first / stripes);
  const prefixes = prefixesOf(placement).slice(firstPrefix, firstPrefix + Math.ceil(count / stripes) + 1);
  const offset = first % stripes;
  const slots = prefixes.flatMap((prefix) => slotsOfPrefix(placement, prefix)).slice(offset, offset + count);
  const fall = slots.findIndex((slot, index) => compareCodePoints(slots[index - 1] ?? "", slot) > 0);
  return fall < 0 ? slots : slots.slice(0, fall);
}

/** The position, or what comes after it when there is no such slot; null at the end of the round. */
function placeAt({ source: { placement } }: Step, position: Position): Position | null {
  if (position.slot < prefixesOf(placement).length * placement.stripes) return position;
  return position.what === "record" ? { ...START, what: "tombstone" } : null;
}

/** What an answer says of one slot. */
interface FoundSlot extends Expired {
  readonly isOwned: boolean;
  /** There may be more of them. */
  readonly isCut: boolean;
}

interface Answer {
  readonly found: readonly FoundSlot[];
  /** The first slot that the answer does not reach; null when it reaches all. */
  readonly unread: SlotId | null;
}

async function readEntries(step: Step, what: Expiring, slots: readonly SlotId[]): Promise<Answer> {
  const { session, table } = step.source;
  const beforeMs = what === "record" ? step.request.recordsBeforeMs : step.request.tombstonesBeforeMs;
  const rowsMax = Math.min(ANSWER_ROWS_MAX, step.request.rowsMax - step.looked);
  const slotRowsMax = Math.ceil((UNEVENNESS * rowsMax) / slots.length);
  const cql = `SELECT slot, ${OWNERSHIP_COLUMNS}, key, op FROM ${table}
    WHERE slot IN ? AND kind = ${EXPIRY_KIND} AND key >= ? AND key < ? PER PARTITION LIMIT ? LIMIT ?`;
  const bounds = [expiryBoundOf(what, 0), expiryBoundOf(what, beforeMs)];
  const parameters = [slots, ...bounds, slotRowsMax, rowsMax];
  const page = { rowsMax, after: null, partitions: slots.length };
  const { rows, next } = await session.readQuorum({ cql, parameters }, page);
  step.looked += rows.length;
  const found = [...groupBySlot(rows)].map(([slot, ofSlot]) =>
    foundSlot(ofSlot, { slot, what, beforeMs, slotRowsMax }),
  );
  const last = found.at(-1);
  if (last === undefined || (rows.length < rowsMax && next === null)) return { found, unread: null };
  const complete = found.slice(0, -1);
  return { found: [...complete, { ...last, isCut: true }], unread: slots[slots.indexOf(last.slot) + 1] ?? null };
}

function groupBySlot(rows: readonly Columns[]): ReadonlyMap<SlotId, readonly Columns[]> {
  return Map.groupBy(rows, parseSlot);
}

interface SlotQuery extends Pick<Expired, "slot" | "what" | "beforeMs"> {
  readonly slotRowsMax: number;
}

function foundSlot(rows: readonly Columns[], { slot, what, beforeMs, slotRowsMax }: SlotQuery): FoundSlot {
  const { state, epoch } = parseOwnership(rows[0]);
  const isCut = rows.length >= slotRowsMax;
  return { slot, what, beforeMs, epoch, entries: rows.map(parseEntry), isOwned: state === "OWNER", isCut };
}

/** Removes what is owned; the first slot that has to be looked at again, or was not reached. Slots that are not owned are passed by. */
async function removeAll(step: Step, { found, unread }: Answer): Promise<SlotId | null> {
  const owned = found.filter(({ isOwned }) => isOwned);
  let goOnAt: SlotId | null = null;
  for (let first = 0; first < owned.length; first += REMOVALS_AT_ONCE) {
    const some = owned.slice(first, first + REMOVALS_AT_ONCE);
    const removals = await Promise.all(some.map((expired) => removeExpired(step.source, expired)));
    for (const [index, { what, slot, isCut }] of some.entries()) {
      const { removed, isDone } = removals[index] ?? NOTHING;
      step.removed[what] += removed;
      if (isCut && isDone) goOnAt ??= slot;
    }
  }
  return goOnAt ?? unread;
}

const NOTHING: Removal = { removed: 0, isDone: false };
