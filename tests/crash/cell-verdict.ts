// What must be true of a cell, by the columns of both shards, the catalog's move and the map: at the moment of the crash, and at the end.
// Must not ask anybody.
import type { ShardId, SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import { rangeOf, type ShardMap } from "../../router/shard-map.ts";
import { diagnose, type MoveLife } from "../../router/slot-diagnosis.ts";
import { destinationStand, type SlotMove } from "../../router/slot-stand.ts";
import type { Move } from "../../shards/catalog/port.ts";
import type { Cell, Finish, Group, Victim } from "./cells.ts";
import { DESTINATION, type ShardName, SOURCE } from "./crash-pair.ts";

/** A slot at both shards. */
export interface Columns {
  readonly source: Ownership;
  readonly destination: Ownership;
}

export type EndState = "done" | "aborted";

/** A cell's slot as the move knows it. */
export interface CellSlot {
  readonly slot: SlotId;
  readonly move: SlotMove;
}

/** Steps of a move that is being aborted already when the crash comes. */
export function isAbortStep({ step }: Pick<Cell, "step">): boolean {
  return step === "abort" || step === "restore";
}

/** A cell at the moment of its crash. */
interface Struck {
  readonly cell: Cell;
  readonly group: Pick<Group, "victim" | "finish">;
  readonly left: Columns;
  readonly move: SlotMove;
}

/** How the move may end, by the columns that the crash has left. */
export function allowedEnds({ cell, group: { victim, finish }, left, move }: Struck): readonly EndState[] {
  if (isAbortStep(cell)) return ["aborted"];
  if (finish !== "abort") return ["done"];
  switch (destinationStand(move, left.destination)) {
    case "owner":
      return ["done"];
    case "sealed":
      // Whoever waits for the slot may decide it.
      return ["done", "aborted"];
    default:
      return isRunnerDead(victim, finish) ? ["aborted"] : ["done", "aborted"];
  }
}

/** Whether those who drove the moves are gone for good. */
export function isRunnerDead(victim: Victim, finish: Finish): boolean {
  return finish !== "takeover" && (victim === "runner" || victim === "destination");
}

/** Faults of the doctor's answer about what the crash has left: it has to name the owner that the columns prove, and a way on. */
export function judgeDiagnosis({ slot, move }: CellSlot, left: Columns, life: MoveLife): readonly string[] {
  const columns = new Map<ShardId, Ownership>([
    [move.source, left.source],
    [move.destination, left.destination],
  ]);
  const isDecided = destinationStand(move, left.destination) === "owner";
  const owner = isDecided ? move.destination : move.source;
  const open = diagnose({ slot, columns }, () => life);
  if (isDecided && open.length > 0) return [`the doctor thinks that the decided slot waits for ${open[0]?.waitsFor}`];
  return open.flatMap((diagnosis) => [
    ...(diagnosis.owner === owner ? [] : [`the doctor names ${String(diagnosis.owner)}, the owner is ${owner}`]),
    ...(diagnosis.remedy === "restore-store" ? [`the doctor thinks that a store is lost: ${diagnosis.stage}`] : []),
  ]);
}

/** What was found at the end. */
export interface EndFound {
  readonly cell: Cell;
  readonly columns: Columns;
  readonly move: Move | null;
  readonly map: ShardMap;
  readonly allowed: readonly EndState[];
}

/** Who owns the slot; null unless it is exactly one. */
export function ownerOf({ source, destination }: Columns): ShardName | null {
  const isAtSource = source.state === "OWNER";
  if (isAtSource === (destination.state === "OWNER")) return null;
  return isAtSource ? SOURCE : DESTINATION;
}

/** Faults of the end: one owner, and catalog and map in step with it. */
export function judgeEnd({ cell, columns, move, map, allowed }: EndFound): readonly string[] {
  const faults: string[] = [];
  const owner = ownerOf(columns);
  const states = `source ${columns.source.state} ${columns.source.epoch}, destination ${columns.destination.state} ${columns.destination.epoch}`;
  const state = move?.state ?? "forgotten";
  if (owner === null) faults.push(`there is not one owner: ${states}`);
  const isGood = state === "done" ? isDone(columns) : state === "aborted" ? isAborted(columns) : false;
  if (!isGood) faults.push(`the move is ${state}, but ${states}`);
  if (!allowed.some((end) => end === state)) faults.push(`the move is ${state}, expected ${allowed.join(" or ")}`);
  const mapped = rangeOf(map, cell.prefix).shard;
  if (mapped !== owner) faults.push(`the map names ${mapped}, the owner is ${String(owner)}`);
  return faults;
}

function isDone({ source, destination }: Columns): boolean {
  return source.state === "GONE" && source.epoch === 2 && destination.state === "OWNER" && destination.epoch === 2;
}

function isAborted({ source, destination }: Columns): boolean {
  return source.state === "OWNER" && source.epoch === 3 && destination.state === "ABORTED" && destination.epoch === 2;
}
