/**
 * `zgate abort`: takes back what of a move is not decided yet. It must not touch slots itself: the destination does, by what is in
 * the catalog.
 */
import { Command } from "commander";
import type { Move } from "../../shards/catalog/port.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { changeMove, findMove, shortId } from "../moves/find-move.ts";
import { hasEnded } from "../moves/watch-move.ts";
import { addOperatorOptions, type OperatorFlags, withOperator } from "../operator.ts";

const ABOUT = `
Slots that the destination owns already stay there, and the map will say so. The others go back to the source at once. To
bring back the ones that went over: \`zgate reverse\`.`;

/** The command. */
export function abortCommand(context: CommandContext): Command {
  const { terminal } = context;
  const command = new Command("abort")
    .description("stop a move: slots that are not decided stay with the source")
    .argument("<id>", "the move, or the beginning of its id")
    .addHelpText("after", ABOUT);
  addOperatorOptions(command, "print {id, state}").action((text: string, flags: OperatorFlags) =>
    withOperator(context, flags, async (operator) => {
      const { id } = await findMove(operator.catalog, text);
      const { state, to } = await changeMove(operator, id, stopped);
      if (flags.json === true) return terminal.out(JSON.stringify({ id, state }));
      terminal.out(
        `move ${id} is ${state}: ${to} takes back what is not decided; \`zgate watch ${shortId(id)}\` shows it`,
      );
    }),
  );
  return addExamples(command, [["zgate abort 1f3a", "the move whose id begins so"]]);
}

function stopped(move: Move): { readonly state: "aborting" } {
  if (!hasEnded(move)) return { state: "aborting" };
  throw new CliFailure(`move ${shortId(move.id)} has ended: it is ${move.state}`, {
    hint: `\`zgate reverse ${shortId(move.id)}\` moves its range back`,
  });
}
