/**
 * What `shard drain` and `reverse` share: several moves, printed, started, or followed to their ends, one after the other. It must
 * not plan: what a dry run prints is carried out.
 */
import type { Move } from "../../shards/catalog/port.ts";
import { CliFailure } from "../failure.ts";
import type { Operator } from "../operator.ts";
import { type CarryingOut, print } from "./carry-out.ts";
import { shortId } from "./find-move.ts";
import { reportLines, reportOf } from "./move-report.ts";
import { describePlan, type PlannedMove } from "./plan-move.ts";
import { startAll } from "./start-all.ts";
import { createScreen, followMove, hasEnded } from "./watch-move.ts";

/** Prints the plans, starts them, or follows them to their ends; for programs a line each. Throws `CliFailure`. */
export async function carryOutAll(
  operator: Operator,
  plans: readonly PlannedMove[],
  world: CarryingOut,
): Promise<void> {
  const { flags, terminal } = world;
  const isJson = flags.json === true;
  if (!isJson) print(terminal, plans.flatMap(describePlan));
  if (flags.dryRun === true) {
    const documents = plans.map((plan) => JSON.stringify(plan));
    return print(terminal, isJson ? documents : ["nothing was changed"]);
  }
  const started: Move[] = [];
  await startAll(operator, plans, (move, plan) => {
    started.push(move);
    tellStart(world, move, plan);
  }).catch((error: unknown) => {
    // Programs that wait have not been told of those that go on.
    if (isJson && flags.wait === true) for (const move of started) report(world, move);
    throw error;
  });
  if (flags.wait === true) await waitForAll(operator, started, world);
}

function tellStart({ flags, terminal }: CarryingOut, { id }: Move, plan: PlannedMove): void {
  if (flags.json !== true) terminal.out(`move ${id} is in the catalog; \`zgate watch ${shortId(id)}\` shows it`);
  else if (flags.wait !== true) terminal.out(JSON.stringify({ id, ...plan }));
}

async function waitForAll(operator: Operator, moves: readonly Move[], world: CarryingOut): Promise<void> {
  const seen: Move[] = [];
  for (const move of moves) {
    const now = await lookAt(operator, move, { seen, world });
    report(world, now);
    seen.push(now);
  }
  if (!seen.every(hasEnded)) {
    throw new CliFailure("not waiting any longer; the moves go on", { hint: "`zgate moves` shows them", isTold: true });
  }
  const aborted = seen.filter(({ state }) => state === "aborted").length;
  if (aborted > 0) throw new CliFailure(`${aborted} of ${moves.length} moves were aborted`, { isTold: true });
}

/** Whoever has stopped waiting for one does not wait for the others. */
async function lookAt(
  operator: Operator,
  move: Move,
  { seen, world: { terminal } }: { readonly seen: readonly Move[]; readonly world: CarryingOut },
): Promise<Move> {
  if (!seen.every(hasEnded)) return (await operator.catalog.move(move.id)) ?? move;
  return followMove(operator, move.id, createScreen(terminal, terminal.note, operator.nowMs));
}

function report({ flags, terminal }: CarryingOut, move: Move): void {
  if (flags.json === true) terminal.out(JSON.stringify(reportOf(move)));
  else if (hasEnded(move)) print(terminal, reportLines(move));
}
