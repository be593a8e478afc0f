/**
 * Starts moves that belong together, one behind the other. It must not wait for one before it starts the next: they touch different slots.
 */
import type { Move } from "../../shards/catalog/port.ts";
import { CliFailure } from "../failure.ts";
import { failureText, type Operator } from "../operator.ts";
import { shortId } from "./find-move.ts";
import { type PlannedMove, planMove, startMove } from "./plan-move.ts";

/** Of many small moves some end, and publish maps, while the others are being started. */
const ATTEMPTS_MAX = 20;

/**
 * Starts them, and tells of each at once: what has started goes on when a later one cannot, and then the failure names it. A move that
 * has ended meanwhile has published a map, so the next one may have to be planned again.
 */
export async function startAll(
  operator: Operator,
  plans: readonly PlannedMove[],
  onStart: (move: Move, plan: PlannedMove) => void,
): Promise<void> {
  const moves: Move[] = [];
  for (const plan of plans) {
    const move = await startOne(operator, plan).catch((error: unknown) => {
      const reason = failureText(error);
      if (reason === null || moves.length === 0) throw error;
      throw startedInPart(moves, plans.length, { reason, cause: error });
    });
    moves.push(move);
    onStart(move, plan);
  }
}

/** The moves that were started go on: who is told only of the one that was refused would not know of them. */
function startedInPart(
  moves: readonly Move[],
  plans: number,
  { reason, cause }: { readonly reason: string; readonly cause: unknown },
): CliFailure {
  const ids = moves.map(({ id }) => shortId(id)).join(", ");
  return new CliFailure(`started ${moves.length} of ${plans} moves (${ids}), and not the rest: ${reason}`, {
    hint: "`zgate moves` shows them; run the same command again when they have ended",
    cause,
  });
}

async function startOne(operator: Operator, plan: PlannedMove): Promise<Move> {
  let current = plan;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startMove(operator, current);
    } catch (error) {
      const map = await operator.catalog.current(plan.collection);
      if (attempt >= ATTEMPTS_MAX || map === null || map.version === current.parent) throw error;
      current = await planMove(operator, plan);
    }
  }
}
