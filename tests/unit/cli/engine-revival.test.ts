// How often an engine that ends is started again, and what is said of it.
import { expect, test } from "vitest";
import { EngineRevival } from "../../../cli/supervisor/engine-revival.ts";

const ENDED = "dynamodb ended";

/** An engine that dies as its test says, on a clock that only the test moves. `outcomes`: of each start, a reason to fail or null. */
function world(outcomes: readonly (string | null)[]) {
  const left = [...outcomes];
  const said: string[] = [];
  const pausesMs: number[] = [];
  const serving: string[] = [];
  const over = new AbortController();
  let nowMs = 0;
  const revival = new EngineRevival({
    revive: (name) => {
      const failure = left.shift();
      if (failure === undefined) throw new Error(`${name} is not to be started here`);
      return failure === null ? Promise.resolve() : Promise.reject(new Error(failure));
    },
    pause: (pauseMs) => {
      pausesMs.push(pauseMs);
      return Promise.resolve();
    },
    nowMs: () => nowMs,
    signal: over.signal,
    onServing: (name) => serving.push(name),
    onWarning: (text) => said.push(text),
  });
  const pass = (passingMs: number) => {
    nowMs += passingMs;
  };
  return { revival, said, pausesMs, serving, over, pass };
}

test("an engine that ends is started again, and said to serve when it does", async () => {
  const { revival, said, serving } = world([null]);
  await revival.begin("dynamodb", ENDED);
  expect(said).toEqual(["dynamodb ended; it is started again", "dynamodb serves again"]);
  expect(serving).toEqual(["dynamodb"]);
});

test("one that cannot be started is tried three times with growing pauses, then left to the next start", async () => {
  const { revival, said, pausesMs, serving } = world(["first", "second", "third"]);
  await revival.begin("dynamodb", ENDED);
  expect(said).toEqual([
    "dynamodb ended; it is started again",
    "first; it is started again",
    "second; it is started again",
    "third; it comes back at the next start",
  ]);
  expect(pausesMs).toEqual([1_000, 5_000, 20_000]);
  expect(serving).toEqual([]);
});

test("one that serves for less than a minute each time has three attempts in all", async () => {
  const { revival, said, pass } = world([null, null, null]);
  for (let deaths = 0; deaths < 4; deaths += 1) {
    await revival.begin("dynamodb", ENDED);
    pass(59_999);
  }
  expect(said.at(-1)).toBe("dynamodb ended; it comes back at the next start");
  expect(said.filter((text) => text === "dynamodb serves again")).toHaveLength(3);
});

test("one that has served for a minute begins with all attempts again, and the others have their own", async () => {
  const { revival, said, pausesMs, pass } = world(Array.from({ length: 6 }, () => null));
  for (let deaths = 0; deaths < 5; deaths += 1) {
    await revival.begin("dynamodb", ENDED);
    pass(60_000);
  }
  await revival.begin("cassandra-2", "cassandra-2 ended");
  expect(pausesMs).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 1_000]);
  expect(said.at(-1)).toBe("cassandra-2 serves again");
});

test("the end of the instance ends the attempts, and nothing is said any more", async () => {
  const { revival, said, over } = world(["first"]);
  const reviving = revival.begin("dynamodb", ENDED);
  over.abort();
  await reviving;
  await revival.begin("dynamodb", ENDED);
  expect(said).toEqual(["dynamodb ended; it is started again"]);
});
