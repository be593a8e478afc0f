/**
 * The way back of a move that has ended: what of its range is at its destination, a move for each part. After an abort these may be
 * many, between others that never went over. It must not bring back what somebody has moved on since.
 */
import { partsOf, roomFor } from "../../router/move-plan.ts";
import type { KeyRange } from "../../router/range.ts";
import type { Move, MoveSettings } from "../../shards/catalog/port.ts";
import { demandMap, type Operator } from "../operator.ts";
import { type PlannedMove, planMove } from "./plan-move.ts";

/** At least one plan. Throws `CliFailure` with the reason when a part cannot be moved back. */
export async function planReverse(
  operator: Operator,
  move: Move,
  settings: MoveSettings,
): Promise<readonly PlannedMove[]> {
  const { collection, from: to } = move;
  const parts = await partsToReturn(operator, move);
  const plans: PlannedMove[] = [];
  for (const { start, end } of parts) {
    const promised = plans.reduce((sum, plan) => sum + roomFor(plan.bytes), 0);
    plans.push(await planMove(operator, { collection, start, end, to, settings }, promised));
  }
  return plans;
}

/** The whole range where nothing of it is at the destination, or something is at a third shard: its plan says what is to be said. */
async function partsToReturn(operator: Operator, move: Move): Promise<readonly KeyRange[]> {
  const parts = partsOf(await demandMap(operator, move.collection), move);
  const isElsewhere = parts.some(({ shard }) => shard !== move.from && shard !== move.to);
  const own = parts.filter(({ shard }) => shard === move.to);
  return isElsewhere || own.length === 0 ? [move] : own;
}
