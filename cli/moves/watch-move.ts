/**
 * Follows a move in the catalog until it ends: a view that is rewritten on a terminal, plain lines elsewhere. It must not touch the
 * move; whoever stops looking changes nothing.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Move } from "../../shards/catalog/port.ts";
import { CliFailure } from "../failure.ts";
import { listenForInterruption } from "../interruption.ts";
import type { Operator } from "../operator.ts";
import type { Terminal } from "../terminal.ts";
import { addSample, lineOf, linesOf, type MoveView, type PaceSample, viewOf } from "./move-view.ts";

/** Draws what is seen; `clear` takes it away, so that other output can follow. */
export interface MoveScreen {
  readonly draw: (view: MoveView) => void;
  readonly clear: () => void;
}

const POLL_MS = 500;
const PLAIN_LINE_MS_MIN = 5000;

/** Whether a move has come to its end. */
export function hasEnded({ state }: Pick<Move, "state">): boolean {
  return state === "done" || state === "aborted";
}

/** Follows the move. Resolves to its end, or to what it is now when a signal ended the looking. */
export async function followMove(
  { catalog, nowMs }: Pick<Operator, "catalog" | "nowMs">,
  id: string,
  screen: MoveScreen,
): Promise<Move> {
  const { signal, release } = listenForInterruption();
  let samples: readonly PaceSample[] = [];
  try {
    for (;;) {
      const move = await catalog.move(id);
      if (move === null) throw new CliFailure(`the catalog has no move ${id} any more`);
      if (hasEnded(move) || signal.aborted) return move;
      samples = addSample(samples, move);
      screen.draw(viewOf(move, samples, nowMs()));
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    screen.clear();
    release();
  }
}

/** A screen for the person watching. Where lines cannot be rewritten, `print` gets one when something has changed, not too often. */
export function createScreen(terminal: Terminal, print: (line: string) => void, nowMs: () => number): MoveScreen {
  return terminal.progress.isInteractive ? rewritten(terminal.progress) : plain(print, nowMs);
}

const COLUMNS = 80;
const ROWS = 24;

function rewritten(progress: Terminal["progress"]): MoveScreen {
  const { stream } = progress;
  let shown: readonly string[] = [];
  const clearing = (): string => {
    const { columns, rows } = sizeOf(progress);
    // A window that has become narrower shows in several lines what was one.
    const height = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil([...line].length / columns)), 0);
    return height > 0 ? `\u001b[${Math.min(height, rows)}A\u001b[J` : "";
  };
  const draw = (view: MoveView): void => {
    const { columns, rows } = sizeOf(progress);
    const lines = cutTo(
      linesOf(view).flatMap((line) => folded(line, columns - 1)),
      rows - 1,
    );
    stream.write(`${clearing()}${lines.join("\n")}\n`);
    shown = lines;
  };
  const clear = (): void => {
    stream.write(clearing());
    shown = [];
  };
  return { draw, clear };
}

/** Terminals that do not know their size say 0. */
function sizeOf({ columns, rows }: Terminal["progress"]): { readonly columns: number; readonly rows: number } {
  return { columns: columns > 0 ? columns : COLUMNS, rows: rows > 0 ? rows : ROWS };
}

/** A line in as many as it needs, at commas and wide gaps; what has none is cut. */
function folded(line: string, width: number): readonly string[] {
  if ([...line].length <= width) return [line];
  const begin = line.slice(0, width);
  const at = Math.max(begin.lastIndexOf(", "), begin.lastIndexOf("  "));
  if (at <= FOLD_INDENT.length) return [[...line].slice(0, width).join("")];
  return [line.slice(0, at + 1).trimEnd(), ...folded(`${FOLD_INDENT}${line.slice(at + 2)}`, width)];
}

const FOLD_INDENT = "  ";

/** What has left the screen at its top could not be rewritten. */
function cutTo(lines: readonly string[], heightMax: number): readonly string[] {
  if (lines.length <= heightMax) return lines;
  const shown = Math.max(0, heightMax - 1);
  return [...lines.slice(0, shown), `… ${lines.length - shown} more lines`];
}

function plain(print: (line: string) => void, nowMs: () => number): MoveScreen {
  let [lastAtMs, lastRevision] = [Number.NEGATIVE_INFINITY, 0];
  const draw = (view: MoveView): void => {
    const isNews = view.move.revision !== lastRevision;
    if (!isNews || nowMs() - lastAtMs < PLAIN_LINE_MS_MIN) return;
    [lastAtMs, lastRevision] = [nowMs(), view.move.revision];
    print(lineOf(view));
  };
  return { draw, clear: () => undefined };
}
