/**
 * `zgate moves`: the moves that the catalog knows, and one of them in full. It must not change any.
 */
import { Command } from "commander";
import { describeRange } from "../../router/range.ts";
import type { Move } from "../../shards/catalog/port.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { print } from "../moves/carry-out.ts";
import { findMove, shortId } from "../moves/find-move.ts";
import { addSample, linesOf, progressOf, viewOf } from "../moves/move-view.ts";
import { describeLimits, durationText } from "../moves/plan-move.ts";
import { addOperatorOptions, demandCollection, type Operator, type OperatorFlags, withOperator } from "../operator.ts";
import { wholeNumber } from "../option-values.ts";
import { tableLines } from "../table.ts";

interface MovesFlags extends OperatorFlags {
  readonly limit: number;
}

const LIMIT = 20;
const LIMIT_MAX = 1000;

/** The command. */
export function movesCommand(context: CommandContext): Command {
  const { terminal } = context;
  const command = new Command("moves")
    .description("list moves, newest first; `moves show ID` shows one in full")
    .argument("[collection]", 'a collection, none for all, or "show"')
    .argument("[id]", "with show: the move, or the beginning of its id")
    .option("--limit <n>", "at most so many", wholeNumber(1, LIMIT_MAX), LIMIT);
  addOperatorOptions(command, "print a move a line, its progress parsed").action(
    (first: string | undefined, id: string | undefined, flags: MovesFlags) =>
      withOperator(context, flags, async (operator) => {
        const chosen = first === "show" ? [await shown(operator, id)] : await listed(operator, { first, id, flags });
        if (flags.json === true) return print(terminal, chosen.map(jsonOf));
        if (first !== "show") return print(terminal, table(chosen));
        for (const move of chosen) print(terminal, describe(move, operator.nowMs()));
      }),
  );
  return addExamples(command, [
    ["zgate moves", "the latest of all collections"],
    ["zgate moves products --limit 100", "of one"],
    ["zgate moves show 1f3a", "one in full: progress, settings, who and when"],
  ]);
}

function shown({ catalog }: Operator, id: string | undefined): Promise<Move> {
  if (id !== undefined) return findMove(catalog, id);
  throw new CliFailure("expected the id of a move: zgate moves show ID", { exitCode: 2 });
}

interface ListWish {
  readonly first: string | undefined;
  readonly id: string | undefined;
  readonly flags: MovesFlags;
}

async function listed(operator: Operator, { first, id, flags }: ListWish): Promise<readonly Move[]> {
  if (id !== undefined)
    throw new CliFailure(`expected one collection, got also ${JSON.stringify(id)}`, { exitCode: 2 });
  const { limit } = flags;
  if (first === undefined) return operator.catalog.moves(null, { limit });
  const { name } = demandCollection(operator, first);
  return operator.catalog.moves(name, { limit });
}

function jsonOf(move: Move): string {
  return JSON.stringify({ ...move, progress: progressOf(move) });
}

function table(moves: readonly Move[]): readonly string[] {
  const rows = moves.map((move) => {
    const progress = progressOf(move);
    const slots = progress === null ? "" : `${progress.decided}/${progress.slots}`;
    const when = new Date(move.createdAtMs).toISOString();
    return [shortId(move.id), move.state, move.collection, describeRange(move), move.from, move.to, slots, when];
  });
  return tableLines(["id", "state", "collection", "keys", "from", "to", "slots", "created"], rows);
}

function describe(move: Move, nowMs: number): readonly string[] {
  const { settings } = move;
  return [
    ...linesOf(viewOf(move, addSample([], move), nowMs)),
    `id ${move.id}, planned from map version ${move.parent} by ${move.actor} at ${new Date(move.createdAtMs).toISOString()}`,
    `${settings.parallel} slots at once, ${describeLimits(settings)}, rows kept for ${durationText(settings.retentionMs)}`,
  ];
}
