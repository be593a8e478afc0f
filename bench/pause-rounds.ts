/**
 * A range that goes to the other shard and back, over and over, while clients write and read in each of its slots, until they have been
 * there for enough cutovers. It must not judge the pauses.
 */
import type { BenchContext } from "./bench.ts";
import { clientKeysOf, type Lot } from "./lots.ts";
import { MOVE_SHARDS } from "./move-config.ts";
import type { MoveGround } from "./move-ground.ts";
import { describeFailures, startClients } from "./move-load.ts";
import type { MoveClient, MoveLoadReport } from "./move-load-plan.ts";
import { type FinishedMove, moveRange } from "./move-run.ts";
import { percentile } from "./statistics.ts";

/** Now and then a move is faster than the clients, and one of its cutovers is not met. */
const MISSED = 1.1;

/** Clients that follow a move, whatever the size of its range: enough to keep two cores busy, and twice the slots that move at once. */
const FOLLOWERS = 8;

/** One each way, for the code of a source and of a destination in either shard. */
export const WARM_MOVES = 2;

/** What clients of moving slots are counted under. */
const MOVING = "moving";

/** What is to move, and how long. */
export interface PauseSpec {
  readonly lot: Lot;
  readonly cutoversMin: number;
  readonly movesMax: number;
  /** So many moves come first and do not count: fresh processes run code that is not compiled yet. */
  readonly warmMoves?: number;
  /** Others, at work at the same time. */
  readonly others?: readonly MoveClient[];
}

/** All moves of a range. */
export interface PauseRounds {
  /** For each move, the pauses of its cutovers as clients saw them, in milliseconds. */
  readonly pausesMs: readonly (readonly number[])[];
  readonly moves: readonly FinishedMove[];
  readonly report: MoveLoadReport;
}

/** At the first owner again, or not, when it is over. */
export async function movePauses(context: BenchContext, ground: MoveGround, spec: PauseSpec): Promise<PauseRounds> {
  const { lot, cutoversMin, movesMax, warmMoves = 0, others = [] } = spec;
  const clients = await startClients(context, ground, [...followersOf(lot), ...others]);
  const movesMin = Math.min(movesMax, Math.ceil((cutoversMin * MISSED) / lot.slots));
  const all: FinishedMove[] = [];
  while (all.length < warmMoves + movesMin) {
    const to = MOVE_SHARDS[(all.length + 1) % 2] ?? MOVE_SHARDS[0];
    const { collection, start, end } = lot;
    all.push(await moveRange(ground, { collection, start, end, to }));
    const number = all.length - warmMoves;
    const name = number > 0 ? `move ${number} of ${movesMin}` : "warming up";
    context.report(`${name}: ${all.at(-1)?.durationMs.toFixed(0)} ms`);
  }
  const moves = all.slice(warmMoves);
  const report = await clients.report([]);
  const pausesMs = moves.map(({ fromMs, toMs }) =>
    report.cutovers.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs + LATE_MS).map(({ pauseMs }) => pauseMs),
  );
  const counted = pausesMs.flat();
  const figures = [0.5, 0.99, 1].map((share) => percentile(counted, share).toFixed(1)).join(", ");
  context.report(`${counted.length} cutovers: p50, p99, max ${figures} ms${describeFailures(report)}`);
  return { pausesMs, moves, report };
}

/** The last clients to come back may do so a little after the move's end. */
const LATE_MS = 200;

/**
 * Each client is at one slot at a time and goes ahead of the move to another one when its own has gone over. Where there are fewer slots
 * than clients, several share one, with a document each.
 */
export function followersOf(lot: Lot): readonly MoveClient[] {
  const step = Math.min(lot.slots, FOLLOWERS);
  return Array.from({ length: FOLLOWERS }, (_, number) => {
    const keys = clientKeysOf(lot, Math.floor(number / step)).filter((_key, index) => index % step === number % step);
    return { group: MOVING, collection: lot.collection, keys, thinkMs: 0 };
  });
}
