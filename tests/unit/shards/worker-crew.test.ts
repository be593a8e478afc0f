// What the workers of a shard are told, and when. The workers are fakes that hear and say messages.
import type { Worker } from "node:cluster";
import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { WorkerCrew } from "../../../shards/cluster/worker-crew.ts";

const LIMITS = { delayMsFirst: 1, delayMsMax: 1, deathsMax: 3, windowMs: 1000, healthyMs: 1000 };

/** A crew of fakes; `heard` are the orders by worker. */
function createCrew(size: number) {
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
    log: () => undefined,
    onReady: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  });
  crew.start();
  const stop = async (): Promise<void> => {
    const stopped = crew.stop();
    for (const worker of workers) worker.emit("exit", 0, null);
    await stopped;
  };
  return { crew, workers, stop };
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
