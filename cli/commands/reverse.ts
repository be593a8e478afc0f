/**
 * `zgate reverse`: moves the range of a move back to where it came from, as a new move. It must not undo: what was written since
 * comes along.
 */
import { Command } from "commander";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { addMoveOptions, carryOut, type MoveFlags, settingsOf } from "../moves/carry-out.ts";
import { findMove, shortId } from "../moves/find-move.ts";
import { hasEnded } from "../moves/watch-move.ts";
import { withOperator } from "../operator.ts";

/** The command. */
export function reverseCommand(context: CommandContext): Command {
  const command = new Command("reverse")
    .description("move the range of an ended move back, with all that was written since")
    .argument("<id>", "the move, or the beginning of its id");
  addMoveOptions(command).action((id: string, flags: MoveFlags) =>
    withOperator(context, flags, async (operator) => {
      const move = await findMove(operator.catalog, id);
      if (!hasEnded(move)) {
        throw new CliFailure(`move ${shortId(move.id)} is ${move.state}: only what has ended can be reversed`, {
          hint: `\`zgate abort ${shortId(move.id)}\` stops it where it is`,
        });
      }
      const { collection, start, end, from } = move;
      const wanted = { collection, start, end, to: from, settings: settingsOf(flags) };
      await carryOut(operator, wanted, { flags, terminal: context.terminal });
    }),
  );
  return addExamples(command, [
    ["zgate reverse 1f3a --dry-run", "what it would take"],
    ["zgate reverse 1f3a --wait", "do it, and show it until it is done"],
  ]);
}
