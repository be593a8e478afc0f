// Faults of processes over the embedded store: workers and clients killed and stopped under load, clocks apart.
// Must not need anything but this machine's own Node.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findFreePorts } from "../e2e/free-ports.ts";
import { createShardFiles, type ShardFiles, TEST_SIGNING_KEYS, twoShardConfig } from "../e2e/shard-process.ts";
import { createRandom } from "../history/random.ts";
import { cleanUpAtLast } from "./last-resort.ts";
import { Load } from "./load.ts";
import { until, untilGrown } from "./patience.ts";
import { readRunOptions } from "./run-options.ts";
import { judgeRun } from "./run-verdict.ts";
import { ShardCrew } from "./shard-crew.ts";

const { seed } = readRunOptions(process.env, { operations: 0, minutes: 2 });
console.info(`faults on SQLite: ZGATE_SEED=${seed}`);
const random = createRandom(seed);
const directory = mkdtempSync(join(tmpdir(), "zgate-faults-"));

/** Longer than a client waits for an answer. */
const STOPPED_MS = 10_000;

let files: ShardFiles;
let crew: ShardCrew;
let load: Load;

const answered = (): number => load.answered();

beforeAll(async () => {
  cleanUpAtLast(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  const port = await findFreePorts(2);
  const configText = twoShardConfig([port, port + 1]);
  files = await createShardFiles({ configText, directory: join(directory, "shards") });
  crew = await ShardCrew.start({ files, ports: [port, port + 1], workers: 2, clockSkewMs: 15_000 });
  const origins = crew.origins();
  const sizes = { processes: 2, clientsPerProcess: 12 };
  load = new Load({ ...sizes, seed, configText, origins, signingKeys: TEST_SIGNING_KEYS, directory });
  await untilGrown(answered, 300, "the load is running");
});

afterAll(async () => {
  load.destroy();
  await crew.destroy();
  rmSync(directory, { recursive: true, force: true });
});

test("kill -9 of workers under load: some outcomes stay unknown, the shard goes on", async () => {
  const before = load.count("unknown");
  for (let round = 0; round < 4; round += 1) {
    await crew.killWorker(await crew.pickWorker(random));
    await untilGrown(answered, 200, "other workers go on");
  }
  expect(load.count("unknown")).toBeGreaterThan(before);
});

test("SIGSTOP of a worker for longer than its clients wait: late writes are late, not lost", async () => {
  const worker = await crew.pickWorker(random);
  const before = load.count("unknown");
  process.kill(worker, "SIGSTOP");
  await sleep(STOPPED_MS);
  await until(() => load.count("unknown") > before, "its clients have given up");
  process.kill(worker, "SIGCONT");
  await untilGrown(answered, 300, "the load goes on");
});

test("kill -9 of a process of clients: what it had under way is unknown", async () => {
  await load.killOne();
  await untilGrown(answered, 300, "the others and its successor go on");
});

test("clocks of clients 32 s apart, and of workers: who is too far off is refused, the others go on", async () => {
  const before = load.count("refused: 401");
  load.setClocks([-16_000, 16_000]);
  await untilGrown(answered, 300, "clients go on");
  await untilGrown(() => load.count("refused: 401"), 1, "some are refused");
  expect(load.count("refused: 401")).toBeGreaterThan(before);
  load.setClocks([0]);
  await untilGrown(answered, 200, "all go on");
});

test("the whole history is that of a register for each key", async () => {
  await load.stop();
  const verdict = await judgeRun(load, seed);
  console.info(verdict.summary);
  expect(verdict.failures).toEqual([]);
});
