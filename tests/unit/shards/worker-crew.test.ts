// What the workers of a shard are told, and when. The workers are fakes that hear and say messages.
import type { Worker } from "node:cluster";
import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { FIRST_OWNER } from "../../../router/ownership.ts";
import { WorkerCrew } from "../../../shards/cluster/worker-crew.ts";

const LIMITS = { delayMsFirst: 1, delayMsMax: 1, deathsMax: 3, windowMs: 1000, healthyMs: 1000 };

/** A crew of fakes; `heard` are the orders by worker. */
function createCrew(size: number) {
  const [logged, fatal]: [string[], string[]] = [[], []];
  const workers: (EventEmitter & { readonly heard: unknown[] })[] = [];
  const fork = (): Worker => {
    const heard: unknown[] = [];
    const fake = Object.assign(new EventEmitter(), {
      id: workers.length + 1,
      heard,
      isConnected: () => true,
      send: (order: unknown) => heard.push(order),
    });
    workers.push(fake);
    return fake as unknown as Worker;
  };
  const crew = new WorkerCrew({
    size,
    fork,
    limits: LIMITS,
    stopMsMax: 1000,
    nowMs: () => 0,
    log: (_level, event) => logged.push(event),
    onReady: () => undefined,
    onFatal: (error) => fatal.push(error.code),
  });
  crew.start();
  const stop = async (): Promise<void> => {
    const stopped = crew.stop();
    for (const worker of workers) worker.emit("exit", 0, null);
    await stopped;
  };
  return { crew, workers, stop, logged, fatal };
}

const STANDING = { lost: ["carts"], unsettled: [] };

test("a worker that gets ready after the standing was told hears it again", async () => {
  const { crew, workers, stop } = createCrew(2);
  const [early, late] = workers;
  early?.emit("message", { type: "ready" });
  crew.tell(STANDING);
  // What was sent before a worker listens is lost.
  late?.heard.splice(0);
  late?.emit("message", { type: "ready" });
  expect(late?.heard).toEqual([{ type: "standing", standing: STANDING }]);
  expect(early?.heard).toEqual([{ type: "sweep" }, { type: "standing", standing: STANDING }]);
  await stop();
});

test("as long as nothing was told, a worker that gets ready hears no standing", async () => {
  const { workers, stop } = createCrew(1);
  workers[0]?.emit("message", { type: "ready" });
  expect(workers[0]?.heard).toEqual([{ type: "sweep" }]);
  await stop();
});

test("news that one worker has heard reaches all the others", async () => {
  const { workers, stop } = createCrew(3);
  const news = { type: "news", collection: "products", slot: "la", destination: FIRST_OWNER };
  workers[1]?.emit("message", news);
  workers[1]?.emit("message", { ...news, slot: 7 });
  workers[1]?.emit("message", { ...news, destination: { state: "MINE" } });
  const heard = [news, { ...news, destination: null }];
  expect(workers.map((worker) => worker.heard)).toEqual([heard, [], heard]);
  await stop();
});

/** The latest worker dies again and again, as often as the limits count. */
async function dieTooOften(workers: readonly EventEmitter[]): Promise<void> {
  for (let deaths = 1; deaths <= LIMITS.deathsMax; deaths += 1) {
    const count = workers.length;
    workers.at(-1)?.emit("exit", 1, null);
    if (deaths < LIMITS.deathsMax) await expect.poll(() => workers.length).toBe(count + 1);
  }
}

test("workers that cannot begin end a shard of which nobody serves", async () => {
  const { workers, stop, fatal } = createCrew(1);
  await dieTooOften(workers);
  expect(fatal).toEqual(["CRASH_LOOP"]);
  await stop();
});

test("workers that cannot begin do not end those that serve: they are tried again, later", async () => {
  const { workers, stop, fatal, logged } = createCrew(2);
  workers[0]?.emit("message", { type: "ready" });
  await dieTooOften(workers);
  expect(fatal).toEqual([]);
  expect(logged).toContain("worker-crash-loop");
  const count = workers.length;
  await expect.poll(() => workers.length, { timeout: 5000 }).toBe(count + 1);
  await stop();
});
