/**
 * `zgate watch`: a move while it goes on. It must not touch the move: Ctrl-C ends the view alone.
 */
import { Command } from "commander";
import { addExamples, type CommandContext } from "../command-context.ts";
import { print } from "../moves/carry-out.ts";
import { findMove, shortId } from "../moves/find-move.ts";
import { reportLines, reportOf } from "../moves/move-report.ts";
import type { MoveView } from "../moves/move-view.ts";
import { createScreen, followMove, hasEnded, type MoveScreen } from "../moves/watch-move.ts";
import { addOperatorOptions, type OperatorFlags, withOperator } from "../operator.ts";
import type { Terminal } from "../terminal.ts";

const JSON_HELP =
  "print {id, state, progress, fraction, rowsPerSecond, etaMs} a line each time something has changed, and the report of `move --wait` at the end";

/** The command. */
export function watchCommand(context: CommandContext): Command {
  const { terminal } = context;
  const command = new Command("watch")
    .description("show a move until it ends; Ctrl-C ends the view, not the move")
    .argument("<id>", "the move, or the beginning of its id");
  addOperatorOptions(command, JSON_HELP).action((id: string, flags: OperatorFlags) =>
    withOperator(context, flags, async (operator) => {
      const move = await findMove(operator.catalog, id);
      const isJson = flags.json === true;
      const screen = isJson ? jsonScreen(terminal) : createScreen(terminal, terminal.out, operator.nowMs);
      const end = await followMove(operator, move.id, screen);
      if (!hasEnded(end)) return terminal.note(`the move goes on; \`zgate watch ${shortId(move.id)}\` shows it again`);
      if (isJson) return terminal.out(JSON.stringify(reportOf(end)));
      print(terminal, reportLines(end));
    }),
  );
  return addExamples(command, [
    ["zgate watch 1f3a", "the move whose id begins so"],
    ["zgate watch 1f3a --json | jq .fraction", "for programs"],
  ]);
}

function jsonScreen(terminal: Terminal): MoveScreen {
  let revision = 0;
  const draw = ({ move, progress, fraction, rowsPerSecond, etaMs }: MoveView): void => {
    if (move.revision === revision) return;
    revision = move.revision;
    terminal.out(JSON.stringify({ id: move.id, state: move.state, progress, fraction, rowsPerSecond, etaMs }));
  };
  return { draw, clear: () => undefined };
}
