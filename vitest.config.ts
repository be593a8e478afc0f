// The test projects: what runs where, and what has to be covered. It must not hold test logic.
// Run it through tests/run.ts, which prints the closing line of a run.
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { SummaryReporter } from "./tests/summary-reporter.ts";

/** Runtime date of the Worker's tests; the same as in wrangler.toml. */
const compatibilityDate = "2026-10-23";

const countsFile = process.env["ZGATE_TEST_COUNTS"];
const onNode = { environment: "node", pool: "forks" } as const;

export default defineConfig({
  test: {
    reporters: countsFile === undefined ? ["default"] : ["default", new SummaryReporter(countsFile)],
    projects: [
      {
        test: {
          ...onNode,
          name: "unit",
          include: ["tests/unit/**/*.test.ts", "tests/tidy.test.ts"],
        },
      },
      {
        // One suite per port, run on every implementation.
        test: {
          ...onNode,
          name: "contract",
          include: ["tests/contract/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        // In workerd. The plugin itself needs Node's compatibility mode there; tests/tidy.test.ts keeps Node out of edge/.
        plugins: [cloudflareTest({ miniflare: { compatibilityDate } })],
        test: {
          name: "worker",
          include: ["tests/worker/**/*.test.ts"],
        },
      },
      {
        // Whole systems of several processes: one file at a time, after everything else.
        test: {
          ...onNode,
          name: "e2e",
          include: ["tests/e2e/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: ["router/**/*.ts"],
      reporter: ["text-summary", ["text", { skipFull: true }]],
      thresholds: { "router/**": { branches: 100 } },
    },
  },
});
