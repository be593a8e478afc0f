/**
 * From what an operator types to the plan that is printed or carried out: asks catalog and shards, and lets the router decide.
 * It must not change anything before the plan is whole.
 */
import { randomUUID } from "node:crypto";
import type { CollectionName, ShardId } from "../../router/ids.ts";
import { estimateMove, type MoveEstimate, type MoveExperience } from "../../router/move-estimate.ts";
import { limitedDurationMs, type MovePlan, parseTypedRange, planTransfer, targetMove } from "../../router/move-plan.ts";
import { describeRange, type KeyRange } from "../../router/range.ts";
import type { Move, MoveSettings } from "../../shards/catalog/port.ts";
import { CliFailure, refusedBecause } from "../failure.ts";
import { demandCollection, demandMap, type Operator, rulesOf } from "../operator.ts";
import { clockText, groupDigits } from "../progress.ts";
import { heldBy, refuseHeld } from "./live-moves.ts";
import { experienceOf } from "./move-view.ts";

/** A wanted move. */
export interface WantedMove extends KeyRange {
  readonly collection: CollectionName;
  readonly to: ShardId;
  readonly settings: MoveSettings;
}

/**
 * The whole plan. `shortestMs`: as fast as the limits allow; null without limits. `expected`: about how long, and what says so; null when
 * nothing does.
 */
export interface PlannedMove extends MovePlan {
  readonly settings: MoveSettings;
  readonly shortestMs: number | null;
  readonly expected: MoveEstimate | null;
}

/** Plans. `promised`: bytes of the destination that other plans will take. Throws `CliFailure` with the reason when the move cannot be. */
export async function planMove(operator: Operator, wanted: WantedMove, promised = 0): Promise<PlannedMove> {
  const { collection, settings, to, start, end } = wanted;
  const configured = demandCollection(operator, collection);
  const typed = parseTypedRange(configured.placement, { start, end });
  if (!typed.ok) throw refusedPlan(typed);
  // Before the map and the columns: what these say in the middle of another move is true, and explains nothing.
  await refuseHeld(operator.catalog, collection, typed.value);
  const map = await demandMap(operator, collection);
  const target = targetMove(map, { start, end, to }, rulesOf(operator, configured));
  if (!target.ok) throw refusedPlan(target);
  const { from } = target.value;
  const range = { start: target.value.start, end: target.value.end };
  const [source, destination, room] = await Promise.all([
    operator.shards.slots(from, { collection, range, depth: "weight" }),
    operator.shards.slots(to, { collection, range, depth: "columns" }),
    operator.shards.freeBytes(to),
  ]);
  const freeBytes = room === null ? null : Math.max(0, room - promised);
  const plan = planTransfer(target.value, { source, destination, freeBytes });
  if (!plan.ok) throw refusedPlan(plan);
  const expected = estimateMove(plan.value, settings, await experiences(operator, collection));
  return { ...plan.value, settings, shortestMs: limitedDurationMs(plan.value, settings), expected };
}

/** So many moves of a collection are looked through for such as were like the one that is planned. */
const ENDED_MAX = 100;

async function experiences({ catalog }: Operator, collection: CollectionName): Promise<readonly MoveExperience[]> {
  const ended = await catalog.moves(collection, { limit: ENDED_MAX, state: "done" });
  return ended.map(experienceOf).filter((experience) => experience !== null);
}

const HINTS: Readonly<{ [reason: string]: string }> = {
  SLOT_MOVING: "`zgate doctor` says what becomes of it",
  SLOT_NOT_OWNED: "`zgate doctor` says who owns it",
  DESTINATION_AHEAD: "`zgate doctor` says more; was a store restored from an old backup?",
  DESTINATION_FULL: "make room there, move a smaller range, or move to another shard",
  UNKNOWN_SHARD: "a shard has to be in the configuration first: `zgate shard add`",
};

function refusedPlan(refusal: { readonly reason: string; readonly detail: string }): CliFailure {
  const hint = HINTS[refusal.reason];
  return refusedBecause(refusal, hint === undefined ? {} : { hint });
}

/** Puts the plan into the catalog, where the destination finds it. Throws `CliFailure` when it does not fit any more. */
export async function startMove({ catalog, author }: Operator, plan: PlannedMove): Promise<Move> {
  const { collection, start, end, from, to, parent, epochs, settings } = plan;
  const intent = { id: randomUUID(), collection, start, end, from, to, parent, epochs, settings };
  const creation = await catalog.createMove(intent, author());
  switch (creation.kind) {
    case "created":
      return creation.move;
    case "overlaps":
      throw heldBy(creation.move);
    case "map-changed":
      throw new CliFailure(`the map has changed while the move was planned: it is at version ${creation.current} now`, {
        hint: "run the same command again",
        reason: "MAP_CHANGED",
      });
    default:
      return creation satisfies never;
  }
}

/** Clients of a slot wait while its rows are compared; from so many rows on that may exceed the 2 s for which they are held. */
const LARGE_SLOT_ROWS = 50_000;
const LARGE_SLOT = "its clients wait while they are compared, and may get 503 SLOT_MOVING";

/** A plan for people, a line each. */
export function describePlan(plan: PlannedMove): readonly string[] {
  const { collection, from, to, parent, slots, rows, bytes, settings, largest } = plan;
  const isLarge = largest !== null && largest.rows >= LARGE_SLOT_ROWS;
  return [
    `move ${collection} ${describeRange(plan)} from ${from} to ${to}, map version ${parent}`,
    `  ${groupDigits(slots)} slots, ${groupDigits(rows)} rows, ${bytesText(bytes)}`,
    ...(isLarge
      ? [`  the slot ${JSON.stringify(largest.slot)} has ${groupDigits(largest.rows)} of them: ${LARGE_SLOT}`]
      : []),
    `  ${settings.parallel} slots at once, ${describeLimits(settings)}`,
    `  expected time: ${describeEstimate(plan)}`,
    `  the rows stay at ${from} for ${durationText(settings.retentionMs)} afterwards`,
  ];
}

/** What it stands on is said with it: moves beside clients take longer than others. */
function describeEstimate({ expected, collection, from, to }: PlannedMove): string {
  if (expected === null) return `unknown (no move of ${collection} without a limit is done yet)`;
  const { ms, basis } = expected;
  const time = clockText(ms / 1000);
  if (basis.kind === "limits") return `at least ${time}, by the limit`;
  const moves = basis.moves === 1 ? "move" : `${basis.moves} moves`;
  const where = basis.kind === "same-shards" ? `from ${from} to ${to}` : "between any shards";
  return `about ${time}, by the last ${moves} of ${collection} ${where}`;
}

/** The limits of a move for people. */
export function describeLimits({ rowsPerSecond, bytesPerSecond }: MoveSettings): string {
  const limits = [
    ...(rowsPerSecond === null ? [] : [`${groupDigits(rowsPerSecond)} rows/s`]),
    ...(bytesPerSecond === null ? [] : [`${bytesText(bytesPerSecond)}/s`]),
  ];
  return limits.length === 0 ? "no limit" : `at most ${limits.join(" and ")}`;
}

const UNITS_MS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

/** A setting in the unit that people gave it in: `24h`, `90s`. */
export function durationText(ms: number): string {
  const unit = UNITS_MS.find(([name, unitMs]) => ms >= unitMs && ms % unitMs === 0 && (name !== "d" || ms > unitMs));
  if (ms === 0) return "0s";
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}

const KIBIBYTE = 1024;

/** `512 B`, `3.4 KiB`, `12.0 MiB`, `1.5 GiB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= KIBIBYTE && unit < units.length - 1) {
    value /= KIBIBYTE;
    unit += 1;
  }
  return `${unit === 0 ? String(Math.round(value)) : value.toFixed(1)} ${units[unit] ?? ""}`;
}
