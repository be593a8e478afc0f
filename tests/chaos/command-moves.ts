/**
 * Moves by `zgate move --wait`, now and then with a `zgate watch` beside it, as processes of their own: half of them are killed in the
 * middle of the move, which has to go on; the others are held to what they say in the end.
 * It must not help a move whose command was killed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { MoveReport } from "../../cli/moves/move-report.ts";
import { hasEnded } from "../../cli/moves/watch-move.ts";
import type { Operator } from "../../cli/operator.ts";
import type { CollectionConfig } from "../../config/config.ts";
import type { ShardId } from "../../router/ids.ts";
import type { KeyRange } from "../../router/range.ts";
import type { Move } from "../../shards/catalog/port.ts";
import type { Random } from "../history/random.ts";
import type { Command, CommandEnd, CommandLine } from "./command-line.ts";

/** A range and who is to have it. */
export interface WantedRange extends KeyRange {
  readonly to: ShardId;
}

/** What these moves stand on. */
export interface CommandedWork {
  readonly operator: Pick<Operator, "catalog">;
  readonly collection: Pick<CollectionConfig, "name">;
  readonly commands: CommandLine;
  readonly random: Random;
  readonly count: (name: string) => void;
  readonly signal: AbortSignal;
}

/** What is counted here. */
export const COMMAND_COUNTS = {
  reported: "command has reported",
  refused: "command was refused",
  killed: "command killed in its move",
  wentOn: "move went on without its command",
} as const;

const LOOK_MS = 50;

/** A move that takes longer is left to itself. */
const MOVE_MS_MAX = 30_000;

/** Newest moves of the collection among which one's own is. */
const LATEST = 4;

/** Resolves to the end of the move; null when there was none, or it takes too long. Rejects with `CatalogError`. */
export async function moveByCommand(work: CommandedWork, wanted: WantedRange): Promise<Move | null> {
  const { commands, collection, random, count } = work;
  const startedAtMs = Date.now();
  const running = [commands("move", collection.name, ...optionsOf(wanted), "--retention", "2s", "--wait")];
  const [command] = running;
  if (command === undefined) throw new Error("broken assumption: a command was started");
  try {
    const move = await untilBegun(work, { wanted, command, startedAtMs });
    if (move === null) {
      if (command.hasEnded()) requireReasons(await command.ended);
      count(COMMAND_COUNTS.refused);
      return null;
    }
    if (random.chance(0.5)) running.push(commands("watch", move.id));
    return random.chance(0.5) ? await killInTheMiddle(work, move, running) : await hearOut(work, move, running);
  } finally {
    await Promise.all(running.map((each) => each.kill()));
  }
}

/** In one word each: a bound may begin with a dash. */
function optionsOf({ start, end, to }: WantedRange): readonly string[] {
  return [`--start=${start}`, ...(end === null ? [] : [`--end=${end}`]), `--to=${to}`];
}

interface Begun {
  readonly wanted: WantedRange;
  readonly command: Command;
  readonly startedAtMs: number;
}

/** The move in the catalog, whether it goes on or not; null when the command has ended without one. */
async function untilBegun(work: CommandedWork, { wanted, command, startedAtMs }: Begun): Promise<Move | null> {
  const { operator, collection, signal } = work;
  const isOwn = ({ start, end, to, createdAtMs }: Move): boolean =>
    start === wanted.start && end === wanted.end && to === wanted.to && createdAtMs >= startedAtMs;
  while (!signal.aborted) {
    // Before the look, which is then the last one.
    const isLast = command.hasEnded();
    const own = (await operator.catalog.moves(collection.name, { limit: LATEST })).find(isOwn);
    if (own !== undefined || isLast) return own ?? null;
    await sleep(LOOK_MS);
  }
  return null;
}

/** Some at once, some when the destination has told of progress. */
async function killInTheMiddle(work: CommandedWork, { id }: Move, commands: readonly Command[]): Promise<Move | null> {
  const { random, count } = work;
  const isPatient = random.chance(0.5);
  const seen = await look(work, id, (move) => hasEnded(move) || !isPatient || move.progress !== null);
  await Promise.all(commands.map((command) => command.kill()));
  const isInMiddle = seen !== null && !hasEnded(seen);
  if (isInMiddle) count(COMMAND_COUNTS.killed);
  const end = await look(work, id, hasEnded);
  if (isInMiddle && end?.state === "done") count(COMMAND_COUNTS.wentOn);
  return end;
}

/** Waits for the commands' own words, and compares them with the catalog's. */
async function hearOut(work: CommandedWork, { id }: Move, commands: readonly Command[]): Promise<Move | null> {
  const end = await look(work, id, hasEnded);
  if (end === null) return null;
  for (const command of commands) {
    const { code, stdout, stderr } = await command.ended;
    requireReasons({ code, stdout, stderr });
    const last = stdout.trim().split("\n").at(-1) ?? "";
    const report = last === "" ? null : (JSON.parse(last) as MoveReport);
    // The catalog or a shard may have been away while it looked.
    const isSilent = code !== 0 && report?.state !== "aborted";
    if (!isSilent && (report?.id !== id || report.state !== end.state)) {
      throw new Error(`broken assumption: the move ${id} is ${end.state}, but its command said "${last}", ${stderr}`);
    }
    work.count(isSilent ? COMMAND_COUNTS.refused : COMMAND_COUNTS.reported);
  }
  return end;
}

async function look(
  { operator, signal }: CommandedWork,
  id: string,
  isEnough: (move: Move) => boolean,
): Promise<Move | null> {
  const deadlineMs = performance.now() + MOVE_MS_MAX;
  while (performance.now() < deadlineMs && !signal.aborted) {
    const move = await operator.catalog.move(id);
    if (move === null) throw new Error(`broken assumption: the catalog knows move ${id}`);
    if (isEnough(move)) return move;
    await sleep(LOOK_MS);
  }
  return null;
}

/** A command fails with a sentence, never with a stack. */
function requireReasons({ code, stderr }: CommandEnd): void {
  const isExplained = code === 0 || (stderr.trim() !== "" && !/^\s+at /m.test(stderr));
  if (!isExplained) throw new Error(`broken assumption: a command that fails says why; exit code ${code}: ${stderr}`);
}
