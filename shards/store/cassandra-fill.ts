/**
 * Changes of a slot's rows by a move: filling it at the destination, cleaning up what was left behind.
 * It must not write an ownership column, nor a row without the condition on the ownership columns.
 *
 * All rows of a batch stand under its guard, which holds or does not for the whole. So a batch may be sent again while nobody knows what
 * became of it: under one run, and under one move and epoch, it always does the same, and once the guard is false it never holds
 * again. Plain writes would not do: their timestamps do not follow the order of conditional ones.
 *
 * What processes remember of the slot's keys (cassandra-memory.ts) may be out of date then. It is only what they guess with: every
 * guess is a condition on the row's op, and no op comes back with another content.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import { type MoveEpoch, mayCleanUp, mayCopy } from "../../router/slot-transition.ts";
import type { CassandraSession, Statement } from "../cassandra/session.ts";
import { expiryKeyOf } from "./cassandra-expiry.ts";
import { isUnknown } from "./cassandra-fault.ts";
import { readOwnership } from "./cassandra-ownership.ts";
import type { TableStatements } from "./cassandra-statements.ts";
import { parseAge, type RowAge, readNames } from "./cassandra-transfer.ts";
import {
  guardCleaning,
  guardFill,
  putSlotRow,
  readSlotAges,
  removeExpiryEntry,
  removeSlotRange,
  removeSlotRow,
  removeWholeSlot,
} from "./cassandra-transfer-statements.ts";
import { type SlotAddress, StoreError } from "./port.ts";
import { bytesOf } from "./slot-row.ts";
import type { GuardedChange, SlotCleaning, SlotFill, SlotRow, SlotRowName } from "./transfer.ts";

/** Bounds of one batch, well below what servers take (cassandra-commit.ts): clients' writes wait for the same disks. */
const BATCH_BYTES_MAX = 1024 * 1024;
const BATCH_ROWS_MAX = 256;
/** Times that one batch is sent while nobody knows what became of it, or its guard did not hold and does now. */
const SENDINGS_MAX = 6;
/** Longest pause between two of these, in milliseconds; a shorter one is drawn each time. */
const PAUSE_MS_MAX = 200;

/** A collection's table. */
export interface FillTable {
  readonly session: CassandraSession;
  readonly statements: TableStatements;
}

/** Writes and removes the rows, batch by batch. */
export async function fillCassandraSlot(table: FillTable, fill: SlotFill): Promise<GuardedChange> {
  const { run, address } = fill;
  const { slot } = address;
  const guarded: Guarded = {
    slot,
    guard: guardFill(table.statements.table, slot, run),
    may: (ownership) => mayCopy(ownership, run),
  };
  // A fill of nothing is judged like any other.
  const groups = [...putGroups(fill.put), ...groupsOf(fill.remove)];
  for (const group of groups.length === 0 ? [[]] : groups) {
    const refusal = await send(table, guarded, await statementsOf(table, slot, group));
    if (refusal !== null) return { kind: "refused", ownership: refusal };
  }
  return { kind: "applied" };
}

type Changes = readonly (SlotRow | SlotRowName)[];

function putGroups(rows: readonly SlotRow[]): readonly Changes[] {
  const groups: SlotRow[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const last = groups.at(-1);
    const size = bytesOf(row);
    if (last === undefined || last.length === BATCH_ROWS_MAX || bytes + size > BATCH_BYTES_MAX) {
      groups.push([row]);
      bytes = size;
    } else {
      last.push(row);
      bytes += size;
    }
  }
  return groups;
}

function groupsOf(names: readonly SlotRowName[]): readonly Changes[] {
  return Array.from({ length: Math.ceil(names.length / BATCH_ROWS_MAX) }, (_, index) =>
    names.slice(index * BATCH_ROWS_MAX, (index + 1) * BATCH_ROWS_MAX),
  );
}

/** A group is all rows or all names. */
async function statementsOf(table: FillTable, slot: SlotId, group: Changes): Promise<readonly Statement[]> {
  const { statements } = table;
  const names = group.filter((change) => "of" in change);
  const entries = names.length === 0 ? [] : await findEntries(table, slot, names);
  return [
    ...group.flatMap((change) =>
      "of" in change ? [removeSlotRow(statements.table, slot, change)] : putSlotRow(statements, slot, change),
    ),
    ...entries.map((key) => removeExpiryEntry(statements.table, slot, key)),
  ];
}

/** Expiry entries of rows as they are now. One that is missed names nothing any more, and the sweep removes it in its time. */
async function findEntries({ session, statements }: FillTable, slot: SlotId, names: readonly SlotRowName[]) {
  const paging = { rowsMax: 2 * names.length + 1, after: null };
  const { rows } = await session.readQuorum(readSlotAges(statements.table, slot, names), paging);
  const wanted = new Set(names.map(textOf));
  return rows
    .map(parseAge)
    .filter(({ name }) => wanted.has(textOf(name)))
    .map(entryKeyOf)
    .filter((key) => key !== null);
}

/** A text that is only this name's. */
function textOf({ of, name }: SlotRowName): string {
  return `${of} ${name}`;
}

/** Null for a document, which does not expire. */
function entryKeyOf({ name: { of, name }, atMs, isDeleted }: RowAge): string | null {
  if (of === "record") return expiryKeyOf({ what: "record", atMs, name });
  return isDeleted ? expiryKeyOf({ what: "tombstone", atMs, name }) : null;
}

/** Up to where clean-ups of this process have come, by slot, move and epoch: all rows before have been removed. */
export type CleaningPositions = Map<string, SlotRowName>;

/** A step of clean-up. */
export interface CleaningStep {
  readonly address: SlotAddress;
  readonly left: MoveEpoch;
  readonly rowsMax: number;
}

/**
 * Removes the next rows as ranges: single deletions would lie in the way of every later read. A range removes nothing but what was
 * found, for nobody writes into a slot while the guard holds.
 */
export async function cleanCassandraSlot(
  table: FillTable,
  { address, left, rowsMax }: CleaningStep,
  positions: CleaningPositions,
): Promise<SlotCleaning> {
  const { slot, collection } = address;
  const place = `${collection} ${slot} ${left.epoch} ${left.move}`;
  const ownership = await readOwnership(table, slot);
  if (!mayCleanUp(ownership, left)) return refuse(ownership, () => positions.delete(place));
  const source = { session: table.session, table: table.statements.table };
  const after = positions.get(place) ?? null;
  const { names, isEnd } = await readNames(source, { slot, after }, rowsMax);
  const guarded: Guarded = {
    slot,
    guard: guardCleaning(source.table, slot, ownership),
    may: (now) => now.state === ownership.state && mayCleanUp(now, left),
  };
  const batch = isEnd ? removeWholeSlot(source.table, slot) : rangesOf(source.table, slot, names);
  const refusal = await send(table, guarded, batch);
  if (refusal !== null) return refuse(refusal, () => positions.delete(place));
  const last = names.at(-1);
  if (isEnd || last === undefined) positions.delete(place);
  else positions.set(place, last);
  return { kind: "cleaned", rows: names.length, more: !isEnd };
}

function refuse(ownership: Ownership, forget: () => void): SlotCleaning {
  forget();
  return { kind: "refused", ownership };
}

function rangesOf(table: string, slot: SlotId, names: readonly SlotRowName[]): readonly Statement[] {
  const kinds = [names.filter(({ of }) => of === "key"), names.filter(({ of }) => of === "record")];
  return kinds.flatMap((some) => {
    const [first] = some;
    const last = some.at(-1);
    return first === undefined || last === undefined ? [] : [removeSlotRange(table, slot, { first, last })];
  });
}

/** What a batch is sent under. `may`: whether the guard holds for these columns. */
interface Guarded {
  readonly slot: SlotId;
  readonly guard: Statement;
  readonly may: (ownership: Ownership) => boolean;
}

/** Null once it is applied; else the ownership columns that forbid it. Rejects as `unknown` when nobody can tell. */
async function send(
  table: FillTable,
  { slot, guard, may }: Guarded,
  changes: readonly Statement[],
): Promise<Ownership | null> {
  let doubt: unknown = new StoreError("busy", `the ownership of slot "${slot}" changes all the time`);
  for (let sending = 1; sending <= SENDINGS_MAX; sending += 1) {
    if (sending > 1) await sleep(Math.random() * PAUSE_MS_MAX);
    try {
      const { isApplied } = await table.session.compareAndSet([guard, ...changes]);
      if (isApplied) return null;
    } catch (error) {
      if (!isUnknown(error)) throw error;
      doubt = error;
      continue;
    }
    const ownership = await readOwnership(table, slot);
    if (!may(ownership)) return ownership;
  }
  throw doubt;
}
