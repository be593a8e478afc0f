/**
 * `zgate verify`: whether every slot has exactly one owner, and rows lie only where they may, over all shards and beside live
 * traffic. It must not change anything, nor report what is merely under way.
 */
import { Argument, Command } from "commander";
import type { CollectionName } from "../../router/ids.ts";
import { parseTypedRange } from "../../router/move-plan.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure, refusedBecause } from "../failure.ts";
import { listenForInterruption } from "../interruption.ts";
import { print } from "../moves/carry-out.ts";
import { addOperatorOptions, demandCollection, type Operator, type OperatorFlags, withOperator } from "../operator.ts";
import { collectionName } from "../option-values.ts";
import { createProgress, groupDigits } from "../progress.ts";
import { verifyInParts } from "../verify/verify-range.ts";

interface VerifyFlags extends OperatorFlags {
  readonly start?: string;
  readonly end?: string;
}

/** The command. */
export function verifyCommand(context: CommandContext): Command {
  const command = new Command("verify")
    .description("check over all shards that each slot has one owner, and rows lie only where they may")
    .addArgument(new Argument("<collection>", "for example products").argParser(collectionName))
    .option("--start <key>", "begin here")
    .option("--end <key>", "end here, itself not in it")
    .addHelpText(
      "after",
      "\nExit code 1 when something is wrong. Has each shard look through the names of all its rows in the range, while clients go\nfirst. When it is interrupted, or a shard does not answer, it says what it has found and where to go on.",
    );
  const json = "print {collection, slots, rows, compared: {slots, rows}, findings: [{slot, kind, detail}], next}";
  addOperatorOptions(command, json).action((collection: CollectionName, flags: VerifyFlags) =>
    withOperator(context, flags, (operator) => run(context, operator, { collection, flags })),
  );
  return addExamples(command, [
    ["zgate verify products", "all of it"],
    ["zgate verify products --start g --end m", "a part"],
  ]);
}

interface Wish {
  readonly collection: CollectionName;
  readonly flags: VerifyFlags;
}

async function run(context: CommandContext, operator: Operator, { collection, flags }: Wish): Promise<void> {
  const { terminal } = context;
  const configured = demandCollection(operator, collection);
  const range = parseTypedRange(configured.placement, { start: flags.start ?? "", end: flags.end ?? null });
  if (!range.ok) throw refusedBecause(range);
  const progress = createProgress(terminal, operator.nowMs);
  const request = { collection: configured, range: range.value };
  const interruption = listenForInterruption();
  const watching = { show: progress.update, signal: interruption.signal };
  const { verdict, failure } = await verifyInParts(operator, request, watching).finally(() => {
    interruption.release();
    progress.clear();
  });
  const { slots, rows, compared, findings, next } = verdict;
  if (flags.json === true) terminal.out(JSON.stringify(verdict));
  else {
    print(
      terminal,
      findings.map(({ slot, kind, detail }) => `${JSON.stringify(slot)}  ${kind}: ${detail}`),
    );
    const left = `${groupDigits(compared.rows)} rows left behind in ${groupDigits(compared.slots)} slots compared`;
    terminal.out(`${collection}: ${groupDigits(slots)} slots checked, ${groupDigits(rows)} rows in them, ${left}`);
  }
  const count = `${findings.length} ${findings.length === 1 ? "difference" : "differences"}`;
  if (failure !== null && next !== null) {
    const end = flags.end === undefined ? "" : ` --end ${quoteArgument(flags.end)}`;
    const soFar = findings.length === 0 ? "" : `; ${count} until then`;
    const hint = `go on with \`zgate verify ${collection} --start ${quoteArgument(next)}${end}\``;
    throw new CliFailure(`${failure}${soFar}`, { hint, isTold: true });
  }
  if (findings.length > 0) {
    throw new CliFailure(count, {
      hint: `docs/moves.md says what each finding means, \`zgate doctor ${collection}\` what can be done about ownership`,
      isTold: true,
    });
  }
}

/** As a shell takes it for one word, whatever is in it. */
function quoteArgument(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
