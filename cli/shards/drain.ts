/**
 * Empties a shard: one move for each of its ranges, spread over the other shards by what lies in them. It must not wait for one
 * move before it starts the next: they touch different slots.
 */
import type { ShardId } from "../../router/ids.ts";
import { roomFor } from "../../router/move-plan.ts";
import { describeRange } from "../../router/range.ts";
import type { MoveSettings } from "../../shards/catalog/port.ts";
import { CliFailure } from "../failure.ts";
import { type PlannedMove, planMove } from "../moves/plan-move.ts";
import type { Operator } from "../operator.ts";
import { type Holding, holdingsOf } from "./holdings.ts";

/** Which shard, where to (null: to all others), and how. */
export interface DrainRequest {
  readonly shard: ShardId;
  readonly to: ShardId | null;
  readonly settings: MoveSettings;
}

/** A move for every range. Throws `CliFailure` when one of them cannot be planned. */
export async function planDrain(operator: Operator, request: DrainRequest): Promise<readonly PlannedMove[]> {
  const loads = new Map(targetsOf(operator, request).map((shard) => [shard, 0]));
  const plans: PlannedMove[] = [];
  for (const { collection, ranges, moves } of await holdingsOf(operator, request.shard)) {
    refuseLive(collection.name, moves);
    for (const { start, end } of ranges) {
      const to = leastOf(loads);
      const wanted = { collection: collection.name, start, end, to, settings: request.settings };
      const promised = plans.reduce((sum, plan) => (plan.to === to ? sum + roomFor(plan.bytes) : sum), 0);
      const plan = await planMove(operator, wanted, promised);
      loads.set(to, (loads.get(to) ?? 0) + plan.rows);
      plans.push(plan);
    }
  }
  return plans;
}

function targetsOf({ config }: Operator, { shard, to }: DrainRequest): readonly ShardId[] {
  const others = [...config.shards.values()].map(({ id }) => id).filter((id) => id !== shard);
  if (to === null && others.length > 0) return others;
  if (to !== null && others.includes(to)) return [to];
  if (to !== null && !config.shards.has(to)) {
    throw new CliFailure(`there is no shard "${to}" in the configuration`, {
      hint: `configured are: ${[...config.shards.keys()].join(", ")}`,
    });
  }
  throw new CliFailure(
    to === null ? `there is no shard but ${shard}` : `expected another shard than ${to}, which is to be emptied`,
    {
      hint: "`zgate shard add` says how to add one",
    },
  );
}

/** Refuses where there is any. Throws `CliFailure`. */
function refuseLive(collection: string, moves: Holding["moves"]): void {
  const [live] = moves;
  if (live === undefined) return;
  throw new CliFailure(`${collection}: move ${live.id} of ${describeRange(live)} is ${live.state}`, {
    hint: "wait for its end, or abort it",
    reason: "MOVE_UNDER_WAY",
  });
}

function leastOf(loads: ReadonlyMap<ShardId, number>): ShardId {
  const [first, ...others] = [...loads];
  if (first === undefined) throw new Error("broken assumption: nowhere to move to");
  return others.reduce((least, load) => (load[1] < least[1] ? load : least), first)[0];
}
