// `zgate schema` where there is nothing to connect to. On real engines: tests/engines/cassandra-schema-command.test.ts.
import { expect, test } from "vitest";
import { runCaptured as run } from "./captured-program.ts";

test.each(["plan", "apply"])("%s has nothing to do for embedded stores", async (action) => {
  expect(await run("schema", action)).toEqual({
    code: 0,
    lines: [],
    notes: ["nothing to do: embedded stores and the embedded catalog make their tables themselves"],
  });
});

test("a program is told the same", async () => {
  const { code, lines } = await run("schema", "plan", "--json");
  expect([code, lines]).toEqual([0, ['{"shards":[],"catalog":null}']]);
});

test("a shard that is not there is a usage fault", async () => {
  const { code, notes } = await run("schema", "plan", "--shard", "shard-99");
  expect(code).toBe(2);
  expect(notes[0]).toMatch(/^zgate: there is no shard "shard-99"; the configuration has shard-1/);
});

test.each([["fly"], ["plan", "--shard", "Not A Shard"], []])("%j is a usage fault", async (...args) => {
  expect((await run("schema", ...args)).code).toBe(2);
});
