// Log lines that come in numbers: which of them are written together, and when.
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createLogger, LineBuffer } from "../../../shards/log.ts";

function createScene() {
  const written: string[] = [];
  const lines = new LineBuffer((text) => written.push(text));
  return { written, lines, log: createLogger({ shard: "shard-1" }, lines.add) };
}

const eventsIn = (text: string): readonly string[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).event);

test("lines of one turn are one write, in their order, and those of the next another", async () => {
  const { written, log } = createScene();
  for (const event of ["one", "two", "three"]) log("info", event);
  expect(written).toEqual([]);
  await nextTurn();
  log("info", "four");
  await nextTurn();
  expect(written.map(eventsIn)).toEqual([["one", "two", "three"], ["four"]]);
});

test("a write is no larger than what a pipe takes in one piece, unless one line is", () => {
  const { written, lines, log } = createScene();
  for (const length of [1500, 1500, 1500, 9000, 10]) log("info", "é".repeat(length / 2));
  lines.flush();
  expect(written.map((text) => eventsIn(text).map((event) => Buffer.byteLength(event)))).toEqual([
    [1500, 1500],
    [1500],
    [9000],
    [10],
  ]);
});

test("a flush writes at once what there is, and nothing twice", async () => {
  const { written, lines, log } = createScene();
  log("info", "one");
  lines.flush();
  expect(written.map(eventsIn)).toEqual([["one"]]);
  log("info", "two");
  lines.flush();
  lines.flush();
  await nextTurn();
  expect(written.map(eventsIn)).toEqual([["one"], ["two"]]);
});
