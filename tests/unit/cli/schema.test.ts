// `zgate schema` where there is nothing to connect to. On real engines: tests/engines/cassandra-schema-command.test.ts.
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { runProgram } from "../../../cli/program.ts";
import type { Terminal } from "../../../cli/terminal.ts";

async function run(...args: readonly string[]) {
  const lines: string[] = [];
  const notes: string[] = [];
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal: Terminal = {
    out: (line) => lines.push(line),
    note: (line) => notes.push(line),
    raw: (text) => Promise.resolve(void lines.push(text)),
    paint: (_style, text) => text,
    stay: () => undefined,
    progress: { stream, isInteractive: false, columns: 80 },
  };
  return { code: await runProgram(["schema", ...args], { terminal, env: {} }), lines, notes };
}

test.each(["plan", "apply"])("%s has nothing to do for embedded stores", async (action) => {
  expect(await run(action)).toEqual({
    code: 0,
    lines: [],
    notes: ["nothing to do: embedded stores and the embedded catalog make their tables themselves"],
  });
});

test("a program is told the same", async () => {
  const { code, lines } = await run("plan", "--json");
  expect([code, lines]).toEqual([0, ['{"shards":[],"catalog":null}']]);
});

test("a shard that is not there is a usage fault", async () => {
  const { code, notes } = await run("plan", "--shard", "shard-99");
  expect(code).toBe(2);
  expect(notes[0]).toMatch(/^zgate: there is no shard "shard-99"; the configuration has shard-1/);
});

test.each([["fly"], ["plan", "--shard", "Not A Shard"], []])("%j is a usage fault", async (...args) => {
  expect((await run(...args)).code).toBe(2);
});
