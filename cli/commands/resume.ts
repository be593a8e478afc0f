/**
 * `zgate resume`: what a move waits for, and how it goes on. There is nothing to start: the destination's workers take up every live
 * move by themselves. It must not change anything.
 */
import { Command } from "commander";
import type { Move } from "../../shards/catalog/port.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { print } from "../moves/carry-out.ts";
import { findMove, shortId } from "../moves/find-move.ts";
import { type Standing, standingOf } from "../moves/move-standing.ts";
import { hasEnded } from "../moves/watch-move.ts";
import { addOperatorOptions, type OperatorFlags, withOperator } from "../operator.ts";

/** The command. */
export function resumeCommand(context: CommandContext): Command {
  const { terminal } = context;
  const command = new Command("resume")
    .description("say how a move goes on, and what it waits for; exit code 1 when it cannot go on")
    .argument("<id>", "the move, or the beginning of its id");
  addOperatorOptions(command, "print {id, state, driven, waitsFor: []}, of an ended move too").action(
    (text: string, flags: OperatorFlags) =>
      withOperator(context, flags, async (operator) => {
        const found = await findMove(operator.catalog, text);
        if (flags.json !== true) refuse(found);
        const standing = await standingOf(operator, found);
        const { move, driven, waitsFor } = standing;
        if (flags.json === true) terminal.out(JSON.stringify({ id: move.id, state: move.state, driven, waitsFor }));
        refuse(move);
        if (flags.json !== true) print(terminal, describe(standing));
        if (waitsFor.length > 0)
          throw new CliFailure("the move waits", { hint: "it goes on by itself once that is there", isTold: true });
      }),
  );
  return addExamples(command, [["zgate resume 1f3a", "why it stands still, if it does"]]);
}

function refuse({ id, state }: Move): void {
  if (hasEnded({ state })) throw new CliFailure(`move ${shortId(id)} has ended: it is ${state}`, { isTold: true });
  if (state !== "aborting") return;
  throw new CliFailure(`move ${shortId(id)} is being aborted, and that cannot be taken back`, {
    hint: `\`zgate watch ${shortId(id)}\` shows its end; then move the range anew`,
    isTold: true,
  });
}

function describe({ move: { id, to }, driven, waitsFor }: Standing): readonly string[] {
  const state = driven ? `${to} is at it` : `${to} takes it up within some seconds of being up`;
  const demand = waitsFor.length === 0 ? "; nothing has to be done" : "";
  return [`move ${shortId(id)} is running: ${state}${demand}`, ...waitsFor.map((reason) => `waits: ${reason}`)];
}
