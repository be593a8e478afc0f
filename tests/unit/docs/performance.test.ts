// The figures in docs/performance.md are those of the committed baselines, and a baseline is always of one suite.
// Must not measure anything.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";

const BENCH = fileURLToPath(new URL("../../../bench/main.ts", import.meta.url));

// A process of its own each time, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

it("docs/performance.md shows the figures of the baselines", () => {
  const { status, stderr } = spawnSync(process.execPath, [BENCH, "--check"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

it.each([
  ["a bench that there is not", ["no-such-bench"], /no bench "no-such-bench".*cassandra-get/],
  ["a baseline of some benches only", ["routing", "--baseline"], /all benches of one suite/],
  ["a baseline of two suites", ["embedded", "cassandra", "--baseline"], /all benches of one suite/],
])("the bench refuses %s before it starts anything", (_name, args, message) => {
  const { status, stderr } = spawnSync(process.execPath, [BENCH, ...args], { encoding: "utf8" });
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
});
