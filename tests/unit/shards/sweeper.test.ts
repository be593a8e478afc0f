// The sweeper: bounded steps, the retention times of each collection, and that a failing store does not end it.
import { expect, test } from "vitest";
import type { CollectionConfig } from "../../../config/config.ts";
import { parseConfig } from "../../../config/config.ts";
import { StoreError, type SweepRequest } from "../../../shards/store/port.ts";
import { runSweeper } from "../../../shards/sweeper.ts";
import { twoShardConfig } from "../../e2e/shard-process.ts";

const DAY_MS = 86_400_000;
const collections: readonly CollectionConfig[] = [
  ...parseConfig(twoShardConfig([1001, 1002]), "test").collections.values(),
].slice(0, 2);

/** Runs the sweeper until the clock reaches `untilMs`; every sweep takes its outcome from `sweep`. */
async function run(untilMs: number, sweep: (request: SweepRequest, clock: { pass(ms: number): void }) => boolean) {
  const pausesMs: number[] = [];
  const stop = new AbortController();
  const requests: SweepRequest[] = [];
  const logged: string[] = [];
  let nowMs = 0;
  const clock = {
    nowMs: () => nowMs,
    pass: (ms: number) => {
      nowMs += ms;
    },
    sleep: async (ms: number) => {
      pausesMs.push(ms);
      nowMs += ms;
      if (nowMs >= untilMs) stop.abort();
    },
  };
  const store = {
    sweep: async (request: SweepRequest) => {
      requests.push(request);
      return { records: 1, tombstones: 0, more: sweep(request, clock) };
    },
  };
  await runSweeper({ store, collections, clock, log: (_level, event) => logged.push(event) }, stop.signal);
  return { requests, logged, pausesMs };
}

test("a minute after the start and a hundred times in a retention, each collection with its own retention times", async () => {
  const { requests } = await run(DAY_MS / 100 + 120_000, () => false);
  expect(requests.map(({ collection }) => collection)).toEqual(["products", "carts", "products", "carts"]);
  expect(requests[0]).toMatchObject({ recordsBeforeMs: 60_000 - DAY_MS, tombstonesBeforeMs: 60_000 - DAY_MS });
  expect(requests[2]?.recordsBeforeMs).toBeCloseTo(60_000 + DAY_MS / 100 - DAY_MS, -3);
});

test("pauses four times as long as a step took", async () => {
  const { pausesMs } = await run(62_000, (request, clock) => {
    clock.pass(100);
    return request.collection === "products";
  });
  expect(pausesMs.slice(1, 5)).toEqual([400, 400, 400, 400]);
});

test("goes on in steps while there is more", async () => {
  let left = 3;
  const { requests } = await run(120_000, ({ collection }) => collection === "products" && (left -= 1) > 0);
  expect(requests.filter(({ collection }) => collection === "products")).toHaveLength(3);
  const many = await run(240_000, ({ collection }) => collection === "products" && (left += 1) < 1000);
  expect(many.requests.filter(({ collection }) => collection === "products")).toHaveLength(1000);
});

test("a collection without end keeps no other from its turn, nor the sweeper from stopping", async () => {
  let left = 3;
  const { requests } = await run(120_000, ({ collection }) => collection === "products" || (left -= 1) > 0);
  const order = requests.map(({ collection }) => collection);
  expect(order.slice(0, 7)).toEqual(["products", "carts", "products", "carts", "products", "carts", "products"]);
  expect(requests.at(-1)?.recordsBeforeMs).toBeGreaterThan(119_000 - DAY_MS);
});

test("a failing store is logged and asked again in the next round", async () => {
  const { requests, logged } = await run(DAY_MS / 100 + 120_000, ({ collection }) => {
    if (collection === "products") throw new StoreError("busy", "locked");
    return false;
  });
  expect(requests).toHaveLength(4);
  expect(logged).toEqual(["sweep-failed", "sweep-failed"]);
});
