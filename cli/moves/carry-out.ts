/**
 * What `move` and `reverse` share: the options of a move, its dry run, its start, and waiting for its end. It must not plan: the
 * very plan that a dry run prints is carried out.
 */
import { type Command, Option } from "commander";
import type { Move, MoveSettings } from "../../shards/catalog/port.ts";
import { CliFailure } from "../failure.ts";
import { addOperatorOptions, type Operator, type OperatorFlags } from "../operator.ts";
import { byteRate, durationOrNothingMs, limitOf, rowRate, type TypedLimit, wholeNumber } from "../option-values.ts";
import type { Terminal } from "../terminal.ts";
import { shortId } from "./find-move.ts";
import { reportLines, reportOf } from "./move-report.ts";
import { describePlan, type PlannedMove, planMove, startMove, type WantedMove } from "./plan-move.ts";
import { createScreen, followMove, hasEnded } from "./watch-move.ts";

/** Options of a move as given. */
export interface MoveFlags extends OperatorFlags {
  readonly parallel: number;
  readonly rate: TypedLimit;
  readonly byteRate: TypedLimit;
  readonly retention: number;
  readonly dryRun?: true;
  readonly wait?: true;
}

const PARALLEL = 4;
/** Most slots of one move that are under way at once. */
export const PARALLEL_MAX = 64;
const RETENTION = "24h";
const NO_LIMIT: TypedLimit = "none";

const JSON_HELP =
  "print the plan (--dry-run; expected: {ms, basis} or null), {id, ...plan}, or at the end, or when it is interrupted (--wait), {id, state, collection, start, end, from, to, slots, rows, bytes, pauseMs: {p50, p99, max, cutovers}, durationMs}";

/** The options that say how a move is to run. */
export function addMoveOptions(command: Command): Command {
  command
    .option("--parallel <n>", "slots under way at once", wholeNumber(1, PARALLEL_MAX), PARALLEL)
    .addOption(
      new Option("--rate <rows/s>", "at most so many rows a second, or none").argParser(rowRate).default(NO_LIMIT),
    )
    .addOption(
      new Option("--byte-rate <size/s>", "at most so many bytes a second, or none")
        .argParser(byteRate)
        .default(NO_LIMIT),
    )
    .addOption(
      new Option("--retention <time>", "how long the source keeps its rows afterwards")
        .argParser(durationOrNothingMs)
        .default(durationOrNothingMs(RETENTION), RETENTION),
    )
    .option("--dry-run", "print what would be done, and do nothing")
    .option("--wait", "follow it to its end; exit code 1 unless it is done");
  return addOperatorOptions(command, JSON_HELP);
}

/** The options as a move has them. */
export function settingsOf({ parallel, rate, byteRate: bytes, retention }: MoveFlags): MoveSettings {
  return { parallel, rowsPerSecond: limitOf(rate), bytesPerSecond: limitOf(bytes), retentionMs: retention };
}

/** How a move is carried out, and where that is told. */
export interface CarryingOut {
  readonly flags: MoveFlags;
  readonly terminal: Terminal;
}

/** Plans a move and carries it out. Throws `CliFailure`. */
export async function carryOut(operator: Operator, wanted: WantedMove, world: CarryingOut): Promise<void> {
  await carryOutPlan(operator, await planMove(operator, wanted), world);
}

/** Prints the plan, starts it, or follows it to its end. Throws `CliFailure`. */
export async function carryOutPlan(
  operator: Operator,
  plan: PlannedMove,
  { flags, terminal }: CarryingOut,
): Promise<void> {
  const isJson = flags.json === true;
  if (flags.dryRun === true) {
    if (isJson) return terminal.out(JSON.stringify(plan));
    return print(terminal, [...describePlan(plan), "nothing was changed"]);
  }
  const move = await startMove(operator, plan);
  if (!isJson) print(terminal, [...describePlan(plan), startedLine(move)]);
  if (flags.wait === true) return waitForEnd(operator, move, { isJson, terminal });
  if (isJson) terminal.out(JSON.stringify({ id: move.id, ...plan }));
}

/** Printed before anybody waits: whoever stops waiting needs the id. */
function startedLine({ id, to }: Move): string {
  const short = shortId(id);
  const next = `${to} carries it out by itself; \`zgate watch ${short}\` shows it, \`zgate abort ${short}\` takes it back`;
  return `move ${id} is in the catalog: ${next}`;
}

async function waitForEnd(
  operator: Operator,
  { id }: Move,
  { isJson, terminal }: { readonly isJson: boolean; readonly terminal: Terminal },
): Promise<void> {
  const end = await followMove(operator, id, createScreen(terminal, terminal.note, operator.nowMs));
  if (isJson) terminal.out(JSON.stringify(reportOf(end)));
  else if (hasEnded(end)) print(terminal, reportLines(end));
  if (!hasEnded(end)) {
    throw new CliFailure(`not waiting any longer; the move goes on`, {
      hint: `\`zgate watch ${shortId(id)}\` shows it`,
      isTold: true,
    });
  }
  if (end.state !== "done") throw new CliFailure(`the move was aborted`, { isTold: true });
}

/** Lines of a result. */
export function print(terminal: Terminal, lines: readonly string[]): void {
  for (const line of lines) terminal.out(line);
}
