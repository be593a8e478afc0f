// How a move is drawn: rewritten on a terminal, as seldom lines elsewhere. Must not wait.
import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { linesOf, viewOf } from "../../../cli/moves/move-view.ts";
import { createScreen } from "../../../cli/moves/watch-move.ts";
import type { Terminal } from "../../../cli/terminal.ts";
import { liveMove, movedSoFar, T0 } from "./move-fixture.ts";

function screenOf(progress: Partial<Terminal["progress"]>) {
  const written: string[] = [];
  const lines: string[] = [];
  let nowMs = T0;
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written.push(String(chunk));
      done();
    },
  });
  const terminal: Terminal = {
    ...{ out: () => undefined, note: () => undefined, raw: () => Promise.resolve(), stay: () => undefined },
    paint: (_style, text) => text,
    // The same object: a window may change its size.
    progress: Object.assign(progress, { stream, isInteractive: true, columns: 200, rows: 100, ...progress }),
  };
  const screen = createScreen(
    terminal,
    (line) => lines.push(line),
    () => nowMs,
  );
  return { screen, written, lines, pass: (ms: number) => (nowMs += ms) };
}

const begun = viewOf(movedSoFar(50_000, { rows: 5000, decided: 50 }), [], T0 + 50_000);
const waiting = viewOf(liveMove(), [], T0);

describe("a terminal", () => {
  it("shows each view in the place of the one before, and nothing in the end", () => {
    const { screen, written } = screenOf({});
    screen.draw(waiting);
    screen.draw(begun);
    screen.clear();
    screen.clear();
    const text = (view: typeof begun): string => `${linesOf(view).join("\n")}\n`;
    expect(written.filter((chunk) => chunk !== "")).toEqual([
      text(waiting),
      `\u001b[${linesOf(waiting).length}A\u001b[J${text(begun)}`,
      `\u001b[${linesOf(begun).length}A\u001b[J`,
    ]);
  });

  it.each([
    [40, 39],
    [0, 79],
  ])("of %i columns gets no line that would wrap, and all that is in them", (columns, most) => {
    const { screen, written } = screenOf({ columns });
    screen.draw(begun);
    const lengths = written
      .join("")
      .trimEnd()
      .split("\n")
      .map((line) => line.length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(most);
    const words = (text: string): readonly string[] => text.split(/[\s,]+/);
    const progressLine = linesOf(begun)[1] ?? "";
    expect(progressLine.length).toBeGreaterThan(79);
    expect(words(written.join(""))).toEqual(expect.arrayContaining([...words(progressLine)]));
    expect(progressLine).toContain("left");
  });
});

describe("a window", () => {
  it("that becomes narrower is filled anew, and what was drawn before is removed as it is shown by then", () => {
    const size = { columns: 200, rows: 100 };
    const { screen, written } = screenOf(size);
    const before = linesOf(begun);
    screen.draw(begun);
    size.columns = 40;
    screen.draw(begun);
    const shownAs = before.reduce((sum, line) => sum + Math.ceil(Math.max(1, line.length) / 40), 0);
    expect(shownAs).toBeGreaterThan(before.length);
    const [, second = ""] = written;
    expect(second.startsWith(`\u001b[${shownAs}A\u001b[J`)).toBe(true);
    expect(
      Math.max(
        ...second
          .split("\n")
          .slice(1)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(39);
  });
});

describe("a terminal with few rows", () => {
  it("gets no more lines than it can rewrite, and is told how many are left out", () => {
    const all = linesOf(begun);
    const { screen, written } = screenOf({ rows: all.length });
    screen.draw(begun);
    screen.draw(begun);
    const shown = `${[...all.slice(0, -2), "… 2 more lines"].join("\n")}\n`;
    expect(written).toEqual([shown, `\u001b[${all.length - 1}A\u001b[J${shown}`]);
  });

  it("of unknown height counts as one of 24", () => {
    const { screen, written } = screenOf({ rows: 0 });
    screen.draw(begun);
    expect(written.join("").split("\n").length - 1).toBe(Math.min(23, linesOf(begun).length));
  });
});

describe("a log", () => {
  it("gets a line when something has changed, but not all the time", () => {
    const { screen, written, lines, pass } = screenOf({ isInteractive: false });
    const later = (revision: number) => ({ ...begun, move: { ...begun.move, revision } });
    screen.draw(waiting);
    screen.draw(later(7));
    pass(5000);
    screen.draw(later(8));
    pass(5000);
    screen.draw(later(8));
    expect(lines).toHaveLength(2);
    expect(written).toEqual([]);
  });
});
