// The figures in docs/performance.md are those of the committed baseline.
// Must not measure anything.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const BENCH = fileURLToPath(new URL("../../../bench/main.ts", import.meta.url));

it("docs/performance.md shows the figures of bench/baseline.json", () => {
  const { status, stderr } = spawnSync(process.execPath, [BENCH, "--check"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});
