/**
 * The plan of a move: from the map, the wanted range and what both shards say of its slots to one object that a dry run prints and
 * the catalog is given, or to the reason why there is none. It must not ask anybody; whoever plans brings the answers.
 */
import { parseKeyBound } from "./canonical-key.ts";
import { EPOCH_RUNS_MAX, type EpochRun, runsOfEpochs } from "./epoch-runs.ts";
import { type CollectionName, type MapVersion, quote, type ShardId, type SlotId } from "./ids.ts";
import type { Ownership } from "./ownership.ts";
import type { SlotReport } from "./ownership-wire.ts";
import { type MoveRequest, type PlanRefusal, planMove } from "./plan.ts";
import { contains, describeRange, intersect, type KeyRange, parseBoundary, parseRange } from "./range.ts";
import { accepted, type Result, refused } from "./result.ts";
import type { MapRange, MapRules, ShardMap } from "./shard-map.ts";
import { type Placement, prefixesOf, slotsOfPrefix } from "./slot.ts";

/** Why a move is not planned. */
export type MovePlanRefusal =
  | PlanRefusal
  | "NOT_CANONICAL"
  | "SEVERAL_SOURCES"
  | "SLOTS_MISSING"
  | "SLOT_NOT_OWNED"
  | "SLOT_MOVING"
  | "DESTINATION_AHEAD"
  | "DESTINATION_FULL"
  | "TOO_MANY_EPOCHS";

/** What is to move, checked against the map alone. `slots` are all of the range, in order. */
export interface MoveTarget extends KeyRange {
  readonly collection: CollectionName;
  readonly from: ShardId;
  readonly to: ShardId;
  readonly parent: MapVersion;
  readonly slots: readonly SlotId[];
}

/**
 * A move to be made. `rows` (documents, tombstones, idempotency records) and `bytes` are those of the source when it was asked; `largest`
 * is the slot with most rows, null where there are none.
 */
export interface MovePlan extends KeyRange {
  readonly collection: CollectionName;
  readonly from: ShardId;
  readonly to: ShardId;
  readonly parent: MapVersion;
  readonly slots: number;
  readonly rows: number;
  readonly bytes: number;
  readonly epochs: readonly EpochRun[];
  readonly largest: { readonly slot: SlotId; readonly rows: number } | null;
}

/** The slots of a range at both sides, each in slot order. `freeBytes`: what the destination can still take; null if it cannot tell. */
export interface MoveSides {
  readonly source: readonly SlotReport[];
  readonly destination: readonly SlotReport[];
  readonly freeBytes: number | null;
}

/** How fast a move may go; null for no limit. */
export interface MoveLimits {
  readonly rowsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

/** What a byte of a row takes on the destination's disk at worst: in its table, in indexes, and in the log of writes until that is written back. */
const BYTES_PER_BYTE = 3;

/** Room that so many bytes of rows need at a destination, in bytes. */
export function roomFor(bytes: number): number {
  return bytes * BYTES_PER_BYTE;
}

/** Most slots, or parts of a range, that a refusal names. */
const NAMED_MAX = 5;

/** A place to cut as people type it, and as maps say it. It has to be canonical: a person who types `M` means what begins with `m`. */
export function parseCut(placement: Placement, text: string): Result<string, "NOT_A_BOUNDARY" | "NOT_CANONICAL"> {
  const boundary = parseBoundary(placement, text);
  if (boundary.ok) return boundary;
  const canonical = parseKeyBound(text);
  if (!canonical.ok || canonical.value === text) return boundary;
  return refused("NOT_CANONICAL", `${quote(text)} is not canonical: write ${quote(canonical.value)}`);
}

/** A range as people type it: see `parseCut`. */
export function parseTypedRange(
  placement: Placement,
  { start, end }: KeyRange,
): Result<KeyRange, "NOT_A_BOUNDARY" | "NOT_CANONICAL" | "EMPTY_RANGE"> {
  const first = parseCut(placement, start);
  if (!first.ok) return first;
  const last = end === null ? accepted(null) : parseCut(placement, end);
  if (!last.ok) return last;
  return parseRange(placement, { start: first.value, end: last.value });
}

/** Checks a wanted move against the map. */
export function targetMove(map: ShardMap, wanted: MoveRequest, rules: MapRules): Result<MoveTarget, MovePlanRefusal> {
  const typed = parseTypedRange(rules.placement, wanted);
  if (!typed.ok) return typed;
  const plan = planMove(map, wanted, rules);
  if (!plan.ok) return plan;
  const { parent } = plan.value;
  const range = typed.value;
  const parts = partsOf(map, range);
  const from = soleSource(parts);
  if (from === null) return refused("SEVERAL_SOURCES", describeParts(parts, range, wanted.to));
  const slots = slotsIn(rules.placement, range);
  return accepted({ ...range, collection: map.collection, from, to: wanted.to, parent, slots });
}

/** The plan, once both shards have told of the slots. */
export function planTransfer(target: MoveTarget, sides: MoveSides): Result<MovePlan, MovePlanRefusal> {
  const { slots, ...where } = target;
  const refusal =
    missingSlots(target, target.from, sides.source) ??
    missingSlots(target, target.to, sides.destination) ??
    unownedSlots(target, sides.source) ??
    slotsAhead(target, sides);
  if (refusal !== null) return refusal;
  const epochs = runsOfEpochs(sides.source.map(({ ownership }) => ownership.epoch + 1));
  if (epochs.length > EPOCH_RUNS_MAX) {
    const count = `${describeRange(target)} has ${epochs.length} runs of slots with equal epochs`;
    return refused("TOO_MANY_EPOCHS", `${count}, a move can hold ${EPOCH_RUNS_MAX}; move a smaller range`);
  }
  const rows = sides.source.reduce((sum, report) => sum + rowsOf(report), 0);
  const bytes = sides.source.reduce((sum, report) => sum + (report.bytes ?? 0), 0);
  if (sides.freeBytes !== null && sides.freeBytes < roomFor(bytes)) {
    const needed = `expected room for ${roomFor(bytes)} bytes at ${target.to}, ${BYTES_PER_BYTE} times what is in ${describeRange(target)}`;
    return refused("DESTINATION_FULL", `${needed}; it has ${sides.freeBytes}`);
  }
  const fullest = sides.source.reduce((most, report) => (rowsOf(report) > rowsOf(most) ? report : most), NOTHING);
  const largest = fullest.slot === null ? null : { slot: fullest.slot, rows: rowsOf(fullest) };
  return accepted({ ...where, slots: slots.length, rows, bytes, epochs, largest });
}

const NOTHING: { readonly slot: SlotId | null; readonly rows?: number } = { slot: null };

function rowsOf({ rows = 0 }: { readonly rows?: number }): number {
  return rows;
}

/** Whether there are any. */
export function isLimited({ rowsPerSecond, bytesPerSecond }: MoveLimits): boolean {
  return rowsPerSecond !== null || bytesPerSecond !== null;
}

/** How long the limits alone make a move last, in milliseconds; null when it has none. It cannot be faster than that. */
export function limitedDurationMs(plan: Pick<MovePlan, "rows" | "bytes">, limits: MoveLimits): number | null {
  const byRows = limits.rowsPerSecond === null ? null : (plan.rows * 1000) / limits.rowsPerSecond;
  const byBytes = limits.bytesPerSecond === null ? null : (plan.bytes * 1000) / limits.bytesPerSecond;
  return byRows === null && byBytes === null ? null : Math.ceil(Math.max(byRows ?? 0, byBytes ?? 0));
}

/** All slots of a range, in order. */
export function slotsIn(placement: Placement, range: KeyRange): readonly SlotId[] {
  const prefixes = prefixesOf(placement).filter((prefix) => contains(range, prefix));
  return prefixes.flatMap((prefix) => slotsOfPrefix(placement, prefix));
}

/** A range as shards own it, in order; neighbouring ranges of one shard are one part. */
export function partsOf(map: ShardMap, range: KeyRange): readonly MapRange[] {
  const parts: MapRange[] = [];
  for (const owned of map.ranges) {
    const part = intersect(owned, range);
    if (part === null) continue;
    const last = parts.at(-1);
    if (last?.shard === owned.shard) parts[parts.length - 1] = { ...last, end: part.end };
    else parts.push({ ...part, shard: owned.shard });
  }
  return parts;
}

/** That something has to move is known: where there is one owner, it is not the destination. */
function soleSource([first, ...others]: readonly MapRange[]): ShardId | null {
  return first === undefined || others.length > 0 ? null : first.shard;
}

function describeParts(parts: readonly MapRange[], range: KeyRange, to: ShardId): string {
  const wanted = `expected ${describeRange(range)} to be owned by one shard other than ${to}`;
  const first = parts.slice(0, NAMED_MAX).map((part) => `${describeRange(part)} at ${part.shard}`);
  return `${wanted}; move its parts one by one: ${first.join(", ")}${moreText(parts)}`;
}

type Refusal = ReturnType<typeof refused<MovePlanRefusal>>;

function missingSlots(target: MoveTarget, shard: ShardId, reports: readonly SlotReport[]): Refusal | null {
  const isWhole = reports.length === target.slots.length && reports.every(({ slot }, at) => slot === target.slots[at]);
  if (isWhole) return null;
  const expected = `expected the ${target.slots.length} slots of ${describeRange(target)}`;
  return refused("SLOTS_MISSING", `${expected} from ${shard}, got ${reports.length}, or others`);
}

function unownedSlots({ from }: MoveTarget, source: readonly SlotReport[]): Refusal | null {
  const others = source.filter(({ ownership }) => ownership.state !== "OWNER");
  if (others.length === 0) return null;
  const moving = others.filter(({ ownership }) => isMoving(ownership));
  if (moving.length === 0) {
    return refused("SLOT_NOT_OWNED", `expected ${from} to own every slot, but ${named(others)}`);
  }
  return refused("SLOT_MOVING", `expected no slot in the middle of another move, but at ${from} ${named(moving)}`);
}

/** GONE may mean that the slot has another owner for good, and the map is late. */
function isMoving({ state }: Ownership): boolean {
  return state === "FENCED" || state === "RECEIVING";
}

/** An epoch that is not below the one to come could never be begun; it means that a store came back older than it was. */
function slotsAhead({ to }: MoveTarget, { source, destination }: MoveSides): Refusal | null {
  const ahead = destination.filter(({ ownership }, index) => {
    // Both sides have told of the same slots.
    const owned = Number(source[index]?.ownership.epoch);
    return ownership.epoch > owned || ownership.state === "OWNER" || ownership.state === "FENCED";
  });
  if (ahead.length === 0) return null;
  return refused("DESTINATION_AHEAD", `expected ${to} to be behind the owner in every slot, but there ${named(ahead)}`);
}

function named(reports: readonly SlotReport[]): string {
  const first = reports.slice(0, NAMED_MAX).map(({ slot, ownership: { state, epoch, move } }) => {
    const of = move === null ? "" : ` (move ${move})`;
    return `${quote(slot)} is ${state} at epoch ${epoch}${of}`;
  });
  return first.join(", ") + moreText(reports);
}

/** Behind those that are named. */
function moreText({ length }: readonly unknown[]): string {
  return length > NAMED_MAX ? `, and ${length - NAMED_MAX} more` : "";
}
