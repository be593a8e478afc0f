/**
 * `zgate resume`: what a move waits for, and how it goes on. There is nothing to start: the destination's workers take up every live
 * move by themselves. It must not change anything.
 */
import { Command } from "commander";
import type { ShardId } from "../../router/ids.ts";
import type { Move } from "../../shards/catalog/port.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { print } from "../moves/carry-out.ts";
import { findMove, shortId } from "../moves/find-move.ts";
import { SILENT_MS, viewOf, waitParts } from "../moves/move-view.ts";
import { hasEnded } from "../moves/watch-move.ts";
import { addOperatorOptions, type Operator, type OperatorFlags, withOperator } from "../operator.ts";

interface Standing {
  readonly driven: boolean;
  readonly waitsFor: readonly string[];
}

const OVER: Standing = { driven: false, waitsFor: [] };

/** The command. */
export function resumeCommand(context: CommandContext): Command {
  const { terminal } = context;
  const command = new Command("resume")
    .description("say how a move goes on, and what it waits for; exit code 1 when it cannot go on")
    .argument("<id>", "the move, or the beginning of its id");
  addOperatorOptions(command, "print {id, state, driven, waitsFor: []}, of an ended move too").action(
    (text: string, flags: OperatorFlags) =>
      withOperator(context, flags, async (operator) => {
        const move = await findMove(operator.catalog, text);
        if (flags.json !== true) refuse(move);
        const { driven, waitsFor } = hasEnded(move) ? OVER : await standingOf(operator, move);
        if (flags.json === true) terminal.out(JSON.stringify({ id: move.id, state: move.state, driven, waitsFor }));
        else print(terminal, describe(move, { driven, waitsFor }));
        refuse(move);
        if (waitsFor.length > 0)
          throw new CliFailure("the move waits", { hint: "it goes on by itself once that is there" });
      }),
  );
  return addExamples(command, [["zgate resume 1f3a", "why it stands still, if it does"]]);
}

function refuse({ id, state }: Move): void {
  if (hasEnded({ state })) throw new CliFailure(`move ${shortId(id)} has ended: it is ${state}`);
  if (state !== "aborting") return;
  throw new CliFailure(`move ${shortId(id)} is being aborted, and that cannot be taken back`, {
    hint: `\`zgate watch ${shortId(id)}\` shows its end; then move the range anew`,
  });
}

async function standingOf(operator: Operator, move: Move): Promise<Standing> {
  const { silentMs } = viewOf(move, [], operator.nowMs());
  const driven = silentMs !== null && silentMs <= SILENT_MS;
  return { driven, waitsFor: await reasonsToWait(operator, move) };
}

/** Both sides have to answer, and a worker of the destination has to be at it. */
async function reasonsToWait(operator: Operator, move: Move): Promise<readonly string[]> {
  const silent = await Promise.all([move.from, move.to].map((shard) => unreachable(operator, move, shard)));
  return [...silent.flat(), ...waitParts(viewOf(move, [], operator.nowMs()))];
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

function describe({ id, to }: Move, { driven, waitsFor }: Standing): readonly string[] {
  const state = driven ? `${to} is at it` : `${to} takes it up within some seconds of being up`;
  return [
    `move ${shortId(id)} is running: ${state}; nothing has to be done`,
    ...waitsFor.map((reason) => `waits: ${reason}`),
  ];
}
