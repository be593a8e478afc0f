// The test projects: what runs where, and what has to be covered. It must not hold test logic.
// Run it through tests/run.ts, which prints the closing line of a run.
import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { SummaryReporter } from "./tests/summary-reporter.ts";

/** Runtime date of the Worker's tests; the same as in wrangler.toml. */
const compatibilityDate = "2026-10-23";

const summaryFile = process.env["ZGATE_TEST_SUMMARY"];
const onNode = { environment: "node", pool: "forks" } as const;

export default defineConfig({
  test: {
    // Files at once, where a project does not say one at a time. Vitest's own choice leaves a processor to itself, half of a small machine.
    maxWorkers: availableParallelism(),
    reporters: summaryFile === undefined ? ["default"] : ["default", new SummaryReporter(summaryFile)],
    projects: [
      {
        test: {
          ...onNode,
          name: "unit",
          include: ["tests/unit/**/*.test.ts", "tests/tidy.test.ts"],
          // Of processor time some need a second, random runs several, and as many files as there are processors run beside each other.
          testTimeout: 60_000,
        },
      },
      {
        // Searches millions of states of the move protocol: a matter of a processor for a minute, and of a gigabyte at most.
        test: {
          ...onNode,
          name: "model",
          include: ["tests/model/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        // Simulates the real code on a clock, stores and a network of its own, in threads on all processors: some minutes of one.
        test: {
          ...onNode,
          name: "sim",
          include: ["tests/sim/**/*.test.ts"],
          testTimeout: 1_800_000,
          hookTimeout: 600_000,
        },
      },
      {
        // One suite per port, run on every implementation.
        test: {
          ...onNode,
          name: "contract",
          include: ["tests/contract/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // In workerd. The plugin itself needs Node's compatibility mode there; tests/tidy.test.ts keeps Node out of edge/.
        plugins: [cloudflareTest({ miniflare: { compatibilityDate } })],
        test: {
          name: "worker",
          include: ["tests/worker/**/*.test.ts"],
          testTimeout: 30_000,
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
      {
        // On real Cassandra and DynamoDB Local, which setup.ts starts: one file at a time, after everything else.
        test: {
          ...onNode,
          name: "engines",
          include: ["tests/engines/**/*.test.ts"],
          globalSetup: "tests/engines/setup.ts",
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Whole systems of several processes on real engines: the end-to-end tests again, and what only engines have.
        test: {
          ...onNode,
          name: "e2e-engines",
          include: ["tests/e2e-engines/**/*.test.ts"],
          globalSetup: "tests/engines/setup.ts",
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Faults under load, on clusters of their own, one file at a time and late: each brings its cluster down.
        test: {
          ...onNode,
          name: "faults",
          include: ["tests/faults/**/*.test.ts"],
          testTimeout: 2_400_000,
          hookTimeout: 900_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // Every step of a move, met by every crash, on real processes: some minutes.
        test: {
          ...onNode,
          name: "crash",
          include: ["tests/crash/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Ranges moving between real shards under load, without and with faults: a run of minutes, and then its checks.
        test: {
          ...onNode,
          name: "chaos",
          include: ["tests/chaos/**/*.test.ts"],
          env: { ZGATE_CHAOS_STORE: "sqlite" },
          testTimeout: 7_200_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
      {
        // The same on three Cassandra nodes and DynamoDB Local, which it starts for itself and stops.
        test: {
          ...onNode,
          name: "chaos-cassandra",
          include: ["tests/chaos/**/*.test.ts"],
          env: { ZGATE_CHAOS_STORE: "cassandra" },
          testTimeout: 7_200_000,
          hookTimeout: 900_000,
          fileParallelism: false,
          sequence: { groupOrder: 5 },
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
