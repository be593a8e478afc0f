/**
 * Whether a slot's ownership over all shards is as it should be: exactly one owner, rows only where they may be, the map in step.
 * It must not read; whoever asks brings columns that held at one moment.
 */
import { quote, type ShardId, type SlotId } from "./ids.ts";
import { type MisplacedKey, NONE_MISPLACED } from "./misplaced-key.ts";
import { inspect } from "./move-invariants.ts";
import type { SlotReport } from "./ownership-wire.ts";
import { diagnose, type MoveLife, type SlotSides } from "./slot-diagnosis.ts";

/**
 * What is wrong. `undecided`: a move has stopped half-way. `stray-rows`: at a shard that never held the slot. `misplaced-rows`: their
 * keys belong elsewhere, so that nobody finds them. `map-differs`: the map names another shard than the owner; requests find their way
 * all the same.
 */
export type AuditKind =
  | "two-owners"
  | "no-owner"
  | "undecided"
  | "store-lost"
  | "invariant"
  | "stray-rows"
  | "misplaced-rows"
  | "map-differs"
  | "rows-differ";

/** One thing that is wrong with one slot. `detail` is for people. */
export interface AuditFinding {
  readonly slot: SlotId;
  readonly kind: AuditKind;
  readonly detail: string;
}

/** A slot as all shards tell of it, and what the catalog says. `isMoving`: a live move holds the slot. */
export interface AuditedSlot {
  readonly slot: SlotId;
  readonly reports: ReadonlyMap<ShardId, SlotReport>;
  readonly mapOwner: ShardId;
  readonly isMoving: boolean;
}

/** Findings about one slot; none when all is well, or under way. */
export function auditSlot(audited: AuditedSlot): readonly AuditFinding[] {
  const sides = sidesOf(audited);
  const owners = ownersOf(sides);
  const life: MoveLife = audited.isMoving ? { kind: "driven", isAborting: false } : { kind: "unknown" };
  const open = diagnose(sides, () => life);
  const finding = (kind: AuditKind, detail: string): AuditFinding => ({ slot: audited.slot, kind, detail });
  const lost = open.filter(({ remedy }) => remedy === "restore-store");
  if (lost.length > 0) return lost.map(({ waitsFor }) => finding("store-lost", `waits for ${waitsFor}`));
  if (owners.length > 1) return [finding("two-owners", `${owners.join(" and ")} both own it`)];
  const stuck = audited.isMoving ? [] : open;
  const undecided = stuck.map(({ move, waitsFor }) => finding("undecided", `move ${move.move} waits for ${waitsFor}`));
  return [
    ...undecided,
    ...(owners.length === 0 && open.length === 0 ? [finding("no-owner", describeStates(sides))] : []),
    ...broken(sides).map((detail) => finding("invariant", detail)),
    ...strays(audited).map((detail) => finding("stray-rows", detail)),
    ...misplaced(audited).map((detail) => finding("misplaced-rows", detail)),
    ...otherInMap(audited, owners[0]).map((detail) => finding("map-differs", detail)),
  ];
}

/** Who says that it owns the slot. */
export function ownersOf({ columns }: SlotSides): readonly ShardId[] {
  return [...columns].filter(([, { state }]) => state === "OWNER").map(([shard]) => shard);
}

/** The columns alone. */
export function sidesOf({ slot, reports }: Pick<AuditedSlot, "slot" | "reports">): SlotSides {
  return { slot, columns: new Map([...reports].map(([shard, { ownership }]) => [shard, ownership])) };
}

function broken({ columns }: SlotSides): readonly string[] {
  const copies = [...columns].map(([shard, ownership]) => ({ shard, ownership, content: "" }));
  // A shard that was not asked cannot be judged.
  const known = copies.filter(({ ownership: { to } }) => to === null || columns.has(to));
  return inspect({ copies: known, moves: [] }).map(({ invariant, detail }) => `${invariant}: ${detail}`);
}

function strays({ reports }: AuditedSlot): readonly string[] {
  return [...reports].flatMap(([shard, { ownership, rows = 0 }]) =>
    ownership.state === "NONE" && rows > 0 ? [`${rows} rows at ${shard}, which never held it`] : [],
  );
}

/** Wherever they lie: no move takes rows of another slot along. */
function misplaced({ reports }: AuditedSlot): readonly string[] {
  return [...reports].flatMap(([shard, report]) => {
    const { rows, named } = report.misplaced ?? NONE_MISPLACED;
    if (rows === 0) return [];
    const keys = named.map(describeMisplaced);
    const more = rows > keys.length ? `, and ${rows - keys.length} more` : "";
    return [`${rows === 1 ? "1 row" : `${rows} rows`} at ${shard}: ${keys.join(", ")}${more}`];
  });
}

function describeMisplaced({ key, belongsTo }: MisplacedKey): string {
  return `${quote(key)} ${belongsTo === null ? "is not canonical" : `belongs to the slot ${quote(belongsTo)}`}`;
}

function otherInMap({ mapOwner, isMoving }: AuditedSlot, owner: ShardId | undefined): readonly string[] {
  return isMoving || owner === undefined || owner === mapOwner
    ? []
    : [`the map says ${mapOwner}, the owner is ${owner}`];
}

function describeStates({ columns }: SlotSides): string {
  return [...columns].map(([shard, { state, epoch }]) => `${state} at epoch ${epoch} at ${shard}`).join(", ");
}
