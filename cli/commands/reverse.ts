/**
 * `zgate reverse`: moves what of a move's range went over back to where it came from, by new moves. It must not undo: what was written
 * since comes along.
 */
import { Command } from "commander";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { addMoveOptions, carryOutPlan, type MoveFlags, settingsOf } from "../moves/carry-out.ts";
import { carryOutAll } from "../moves/carry-out-all.ts";
import { findMove, shortId } from "../moves/find-move.ts";
import { planReverse } from "../moves/plan-reverse.ts";
import { hasEnded } from "../moves/watch-move.ts";
import { withOperator } from "../operator.ts";

const ABOUT = `
After an abort what went over may be several parts, between others that stayed: each goes back by a move of its own, under the same
options, and --json prints a line for each. A part that is at a third shard since is refused, and nothing is started.`;

/** The command. */
export function reverseCommand(context: CommandContext): Command {
  const command = new Command("reverse")
    .description("move the range of an ended move back, with all that was written since")
    .argument("<id>", "the move, or the beginning of its id")
    .addHelpText("after", ABOUT);
  addMoveOptions(command).action((id: string, flags: MoveFlags) =>
    withOperator(context, flags, async (operator) => {
      const move = await findMove(operator.catalog, id);
      if (!hasEnded(move)) {
        throw new CliFailure(`move ${shortId(move.id)} is ${move.state}: only what has ended can be reversed`, {
          hint: `\`zgate abort ${shortId(move.id)}\` stops it where it is`,
        });
      }
      const plans = await planReverse(operator, move, settingsOf(flags));
      const [plan, ...others] = plans;
      const world = { flags, terminal: context.terminal };
      const isSole = plan !== undefined && others.length === 0;
      await (isSole ? carryOutPlan(operator, plan, world) : carryOutAll(operator, plans, world));
    }),
  );
  return addExamples(command, [
    ["zgate reverse 1f3a --dry-run", "what it would take"],
    ["zgate reverse 1f3a --wait", "do it, and show it until it is done"],
  ]);
}
