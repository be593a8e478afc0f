/**
 * Whether a move goes on: who drives it, and what it waits for. It must not change anything.
 */
import type { ShardId } from "../../router/ids.ts";
import type { Move } from "../../shards/catalog/port.ts";
import { CliFailure } from "../failure.ts";
import type { Operator } from "../operator.ts";
import { SILENT_MS, viewOf, waitParts } from "./move-view.ts";
import { hasEnded } from "./watch-move.ts";

/** How a move stands. `move`: the record that is judged. `driven`: a worker of its destination was at it a moment ago, and the shard answers. */
export interface Standing {
  readonly move: Move;
  readonly driven: boolean;
  readonly waitsFor: readonly string[];
}

/** Asks both sides, which have to answer, and then the catalog for a worker's sign of life. An ended move waits for nothing. */
export async function standingOf(operator: Operator, asked: Move): Promise<Standing> {
  if (hasEnded(asked)) return { move: asked, driven: false, waitsFor: [] };
  const [from, to] = await Promise.all([
    unreachable(operator, asked, asked.from),
    unreachable(operator, asked, asked.to),
  ]);
  // A shard that is silent takes its time: what was read before has grown old meanwhile, and the move may even have ended.
  const move = (await operator.catalog.move(asked.id)) ?? asked;
  if (hasEnded(move)) return { move, driven: false, waitsFor: [] };
  const view = viewOf(move, [], operator.nowMs());
  const isHeard = view.silentMs !== null && view.silentMs <= SILENT_MS;
  return { move, driven: isHeard && to.length === 0, waitsFor: [...from, ...to, ...waitParts(view)] };
}

async function unreachable({ shards }: Operator, move: Move, shard: ShardId): Promise<readonly string[]> {
  try {
    await shards.slots(shard, { collection: move.collection, range: move, depth: "columns" });
    return [];
  } catch (error) {
    if (error instanceof CliFailure) return [error.message];
    throw error;
  }
}
