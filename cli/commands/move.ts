/**
 * `zgate move`: gives a range of keys to another shard while it is in use. It must not move anything itself: the destination does,
 * by what is in the catalog.
 */
import { Argument, Command, Option } from "commander";
import type { CollectionName, ShardId } from "../../router/ids.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { addMoveOptions, carryOut, type MoveFlags, settingsOf } from "../moves/carry-out.ts";
import { withOperator } from "../operator.ts";
import { collectionName, shardId } from "../option-values.ts";

interface RangeFlags extends MoveFlags {
  readonly start?: string;
  readonly end?: string;
  readonly to: ShardId;
}

const ABOUT = `
The range has to lie on slot boundaries (a refusal names the nearest) and to be at one shard. Reads and writes go on; writers of
the slot that changes hands wait some milliseconds. The command may be killed at any time, the move goes on.`;

/** The command. */
export function moveCommand(context: CommandContext): Command {
  const command = new Command("move")
    .description("move a range of keys to another shard while it is in use")
    .addArgument(new Argument("<collection>", "for example products").argParser(collectionName))
    .option("--start <key>", 'where the range begins; "" (or left out) is before every key')
    .option("--end <key>", "where it ends, itself not in it; left out: after every key")
    .addOption(new Option("--to <shard>", "who is to own it").argParser(shardId).makeOptionMandatory())
    .addHelpText("after", ABOUT);
  addMoveOptions(command).action((collection: CollectionName, flags: RangeFlags) => {
    const { start, end, to } = flags;
    if (start === undefined && end === undefined) {
      throw new CliFailure("expected --start, --end or both", {
        hint: `\`--start ""\` moves the whole collection`,
        exitCode: 2,
      });
    }
    const wanted = { collection, start: start ?? "", end: end ?? null, to, settings: settingsOf(flags) };
    return withOperator(context, flags, (operator) =>
      carryOut(operator, wanted, { flags, terminal: context.terminal }),
    );
  });
  return addExamples(command, [
    ["zgate move products --start g --end m --to shard-2 --dry-run", "what it would take"],
    ["zgate move products --start g --end m --to shard-2 --wait", "do it, and show it until it is done"],
    ["zgate move products --start g --end m --to shard-2 --rate 2000", "gently"],
  ]);
}
