/**
 * `zgate throttle`: how fast a move may go, while it goes. It must not change where it goes.
 */
import { Command, Option } from "commander";
import type { Move, MoveSettings } from "../../shards/catalog/port.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { PARALLEL_MAX } from "../moves/carry-out.ts";
import { changeMove, findMove, shortId } from "../moves/find-move.ts";
import { describeLimits } from "../moves/plan-move.ts";
import { hasEnded } from "../moves/watch-move.ts";
import { addOperatorOptions, type OperatorFlags, withOperator } from "../operator.ts";
import { byteRate, limitOf, rowRate, type TypedLimit, wholeNumber } from "../option-values.ts";

interface ThrottleFlags extends OperatorFlags {
  readonly rate?: TypedLimit;
  readonly byteRate?: TypedLimit;
  readonly parallel?: number;
}

/** The command. */
export function throttleCommand(context: CommandContext): Command {
  const { terminal } = context;
  const command = new Command("throttle")
    .description("change how fast a move may go while it runs")
    .argument("<id>", "the move, or the beginning of its id")
    .addOption(new Option("--rate <rows/s>", "at most so many rows a second, or none").argParser(rowRate))
    .addOption(new Option("--byte-rate <size/s>", "at most so many bytes a second, or none").argParser(byteRate))
    .option("--parallel <n>", "slots under way at once", wholeNumber(1, PARALLEL_MAX));
  addOperatorOptions(command, "print {id, settings}").action((text: string, flags: ThrottleFlags) =>
    withOperator(context, flags, async (operator) => {
      const { id } = await findMove(operator.catalog, text);
      const { settings } = await changeMove(operator, id, (move) => ({ settings: throttled(move, flags) }));
      if (flags.json === true) return terminal.out(JSON.stringify({ id, settings }));
      terminal.out(`move ${id}: ${settings.parallel} slots at once, ${describeLimits(settings)}`);
    }),
  );
  return addExamples(command, [
    ["zgate throttle 1f3a --rate 500", "at most 500 rows a second from now on"],
    ["zgate throttle 1f3a --rate none --parallel 8", "as fast as it can"],
  ]);
}

function throttled(move: Move, { rate, byteRate: bytes, parallel }: ThrottleFlags): MoveSettings {
  if (rate === undefined && bytes === undefined && parallel === undefined) {
    throw new CliFailure("expected --rate, --byte-rate or --parallel", { exitCode: 2 });
  }
  if (hasEnded(move)) throw new CliFailure(`move ${shortId(move.id)} has ended: it is ${move.state}`);
  return {
    ...move.settings,
    ...(rate === undefined ? {} : { rowsPerSecond: limitOf(rate) }),
    ...(bytes === undefined ? {} : { bytesPerSecond: limitOf(bytes) }),
    ...(parallel === undefined ? {} : { parallel }),
  };
}
