/**
 * Names of what lies in a slot of a SQLite store, by its indexes of names alone, inside a transaction that is already open. It must
 * not leave out what does not belong there: whoever asks wants to find it. Only of tombstones and records under a slot that the placement
 * does not have nobody asks.
 *
 * Documents lie by sort key, without their slot: whatever lies between the bounds of a prefix is told of one of its slots, and what lies
 * below the first prefix of all of that one's.
 */
import type { CanonicalKey, SlotId } from "../../router/ids.ts";
import { type Placement, prefixesOf, prefixOfSlot, type SortKey, slotOf, slotsOfPrefix } from "../../router/slot.ts";
import type { SlotAddress } from "./port.ts";
import { parseRecordId, parseStoredKey, type StoredKey } from "./sqlite-statements.ts";
import type { SlotTables } from "./sqlite-transfer.ts";
import type { SlotNamesPage, SlotRowName, StoredName } from "./transfer.ts";

/** Names looked at in one statement, about two milliseconds: the event loop waits for it. */
const LOOKED_MAX = 1024;

/** Where to go on. A key's place is its sort key, which says more than a key that is none. */
interface Position {
  readonly address: SlotAddress;
  readonly after: SlotRowName | null;
}

/** One page: keys, and once there are no more of them, records. */
export function readSlotNames(tables: SlotTables, { address, after }: Position): SlotNamesPage {
  const keys = after?.of === "record" ? NO_NAMES : readKeys(tables, address, after?.name ?? null);
  if (keys.next !== null) return keys;
  const records = readRecords(tables, address, after?.of === "record" ? after.name : "");
  return { names: [...keys.names, ...records.names], next: records.next };
}

const NO_NAMES: SlotNamesPage = { names: [], next: null };

function readKeys({ statements, placement }: SlotTables, address: SlotAddress, after: SortKey | null): SlotNamesPage {
  const { collection, slot } = address;
  const { start, end } = boundsOf(placement, slot);
  const from = after === null ? "" : behind(after);
  const some = statements.listStoredKeys
    .all(collection, start, from, end, collection, slot, from, LOOKED_MAX)
    .map((columns) => parseStoredKey(columns, placement));
  const names = some.filter(({ key, isTombstone }) => isTombstone || isToldOf(placement, slot, key)).map(nameOf);
  const last = some.at(-1);
  if (last === undefined || some.length < LOOKED_MAX) return { names, next: null };
  return { names, next: { of: "key", name: last.sortKey } };
}

/** The sort key is how to find what has no key. */
function nameOf({ sortKey, key }: StoredKey): StoredName {
  return key === null ? { of: "no-key", name: sortKey } : { of: "key", name: key };
}

function readRecords({ statements }: SlotTables, { collection, slot }: SlotAddress, after: string): SlotNamesPage {
  const names = statements.listRecordIds
    .all(collection, slot, after, LOOKED_MAX)
    .map((columns): SlotRowName => ({ of: "record", name: parseRecordId(columns) }));
  return { names, next: names.length < LOOKED_MAX ? null : (names.at(-1) ?? null) };
}

/** Of the stripes of a prefix each key has its own; what belongs to another prefix, or nowhere, is told of the first one. */
function isToldOf(placement: Placement, slot: SlotId, key: CanonicalKey | null): boolean {
  const belongsTo = key === null ? null : slotOf(placement, key);
  if (placement.stripes === 1 || belongsTo === slot) return true;
  const prefix = prefixOfSlot(placement, slot);
  const isFirst = slotsOfPrefix(placement, prefix)[0] === slot;
  return isFirst && (belongsTo === null || prefixOfSlot(placement, belongsTo) !== prefix);
}

/** SQLite sorts every text below every blob. What is no key may lie above all that are. */
const END_OF_TEXTS = new Uint8Array(1);

interface Bounds {
  readonly start: SortKey;
  readonly end: SortKey | Uint8Array;
}

function boundsOf(placement: Placement, slot: SlotId): Bounds {
  const prefixes = prefixesOf(placement);
  const start = prefixOfSlot(placement, slot);
  const place = prefixes.indexOf(start);
  return { start: place === 0 ? "" : start, end: prefixes[place + 1] ?? END_OF_TEXTS };
}

/** The next text of all. What is no key may hold any symbol. */
function behind(sortKey: SortKey): SortKey {
  return `${sortKey}\u0000`;
}
