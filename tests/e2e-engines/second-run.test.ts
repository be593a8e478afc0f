// The end-to-end tests once more, on Cassandra and DynamoDB. What is not here tests no store: signatures, hostile requests
// and command lines are the same on any; shard-cluster, start-instance and start-death are about SQLite's files, locks and
// processes, and up-on-engines.test.ts is about those of the engines.
// Moves on engines are also in crash-matrix.test.ts and, under load, in tests/chaos.
// Of an instance that grows, the directory that was made with a number of shards stays on SQLite: up-on-engines.test.ts adds
// a shard to one, which saves two starts of Cassandra.
// Must not hold tests of its own.
import { describe } from "vitest";
import { ENGINES } from "../e2e/storage.ts";

/** Each declares its tests when it is loaded, inside the suite that loads it. */
const FILES: readonly (readonly [name: string, load: () => Promise<unknown>])[] = [
  ["a shard's documents", () => import("../e2e/shard-documents.test.ts")],
  ["a shard's idempotency", () => import("../e2e/shard-idempotency.test.ts")],
  ["a shard's ownership", () => import("../e2e/shard-ownership.test.ts")],
  ["a shard's moves", () => import("../e2e/shard-moves.test.ts")],
  ["a gateway's surface", () => import("../e2e/gateway-surface.test.ts")],
  ["a gateway's moves", () => import("../e2e/gateway-moves.test.ts")],
  ["lists of moving stripes", () => import("../e2e/striped-moves.test.ts")],
  ["imports", () => import("../e2e/import-command.test.ts")],
  ["commands that move ranges", () => import("../e2e/move-commands.test.ts")],
  ["an instance that grows", () => import("../e2e/grown-instance.test.ts")],
  ["a gateway's failures", () => import("../e2e/gateway-failures.test.ts")],
];

for (const [name, load] of FILES) {
  describe.skipIf(ENGINES === null)(`${name}, on engines`, async () => {
    await load();
  });
}
