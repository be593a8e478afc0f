// What a move leaves to clients, on a clock that only work and sleeps advance.
import { expect, test } from "vitest";
import { ClientTraffic } from "../../../shards/client-traffic.ts";
import { Courtesy, type MoveCourtesy } from "../../../shards/mover/courtesy.ts";

const never = new AbortController().signal;

interface Scene {
  readonly requests?: number;
  readonly delayMs?: number;
  readonly isStoreInside?: boolean;
}

function createScene({ requests = 0, delayMs = 0, isStoreInside = true }: Scene) {
  let nowMs = 0;
  const clock = {
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  const courtesy = new Courtesy({
    ...{ clock, monotonicMs: () => nowMs, isStoreInside },
    ...{ load: { delayMs: () => delayMs }, traffic: { requestsPerSecond: () => requests } },
  });
  /** How long the rest after so much work is. */
  const workFor = async (workMs: number, signal = never, polite: MoveCourtesy = courtesy): Promise<number> => {
    const rest = polite.begin();
    nowMs += workMs;
    const endedAtMs = nowMs;
    await rest(signal);
    return nowMs - endedAtMs;
  };
  return { courtesy, workFor };
}

test("rests are shorter where the store works elsewhere", async () => {
  const inside = await createScene({ requests: 1000 }).workFor(10);
  const elsewhere = await createScene({ requests: 1000, isStoreInside: false }).workFor(10);
  expect(elsewhere).toBeGreaterThan(10);
  expect(elsewhere).toBeLessThan(inside);
});

test("without clients nobody rests", async () => {
  expect(await createScene({}).workFor(50)).toBe(0);
});

test("among clients a rest is longer than the work before it, among few it is shorter", async () => {
  const many = await createScene({ requests: 1000 }).workFor(10);
  expect(many).toBeGreaterThan(10);
  expect(await createScene({ requests: 1000 }).workFor(20)).toBe(2 * many);
  expect(await createScene({ requests: 50 }).workFor(10)).toBe(many);
  expect(await createScene({ requests: 5 }).workFor(10)).toBe(many / 10);
});

test("pieces are smaller the more clients there are, but not where the store works elsewhere", () => {
  const piece = (scene: Scene): number => createScene(scene).courtesy.pieceRows();
  const [alone, few, many] = [piece({}), piece({ requests: 10 }), piece({ requests: 1000 })];
  expect(few).toBeLessThan(alone);
  expect(many).toBeLessThan(few);
  expect(many).toBeGreaterThan(0);
  expect(piece({ requests: 1000, isStoreInside: false })).toBe(alone);
});

test("who is in a hurry does not rest, and takes pieces that are not the smallest", async () => {
  const { courtesy, workFor } = createScene({ requests: 1000, delayMs: 100 });
  const alone = createScene({}).courtesy;
  expect(courtesy.inHurry().pieceRows()).toBeGreaterThan(courtesy.pieceRows());
  expect(courtesy.inHurry().pieceRows()).toBeLessThan(alone.pieceRows());
  expect(alone.inHurry().pieceRows()).toBe(alone.pieceRows());
  expect(await workFor(10, never, courtesy.inHurry())).toBe(0);
  expect(await workFor(10)).toBeGreaterThan(0);
});

test("a process that gets late to its work is left alone for longer, up to a bound", async () => {
  expect(await createScene({ delayMs: 5 }).workFor(20)).toBe(0);
  const some = await createScene({ delayMs: 30 }).workFor(20);
  expect(some).toBeGreaterThan(0);
  expect(await createScene({ delayMs: 60 }).workFor(20)).toBeGreaterThan(some);
  expect(await createScene({ delayMs: 10_000 }).workFor(1000)).toBeLessThanOrEqual(1000);
});

test("late or not, a small piece has no long rest, or many of them would never come to an end", async () => {
  const latest = { requests: 1000, delayMs: 10_000 };
  const rest = await createScene(latest).workFor(2);
  expect(rest).toBeGreaterThan(await createScene({ requests: 1000 }).workFor(2));
  expect(rest).toBeLessThan(100);
  expect(await createScene(latest).workFor(0.2)).toBeCloseTo(rest / 10);
});

test("several at once rest one after the other: together they take no more than one", async () => {
  let nowMs = 0;
  const sleeps: number[] = [];
  const clock = { sleep: async (ms: number) => void sleeps.push(ms) };
  const courtesy = new Courtesy({
    ...{ clock, monotonicMs: () => nowMs, isStoreInside: true },
    ...{ load: { delayMs: () => 0 }, traffic: { requestsPerSecond: () => 1000 } },
  });
  const rests = [courtesy.begin(), courtesy.begin(), courtesy.begin()];
  nowMs = 2;
  await Promise.all(rests.map((rest) => rest(never)));
  const [first = 0, second = 0] = sleeps;
  expect(second).toBe(2 * first);
  expect(sleeps.slice(2).reduce((sum, ms) => sum + ms, 0)).toBe(3 * first);
});

test("nobody who is told to stop rests on", async () => {
  const over = new AbortController();
  over.abort();
  expect(await createScene({ requests: 1000 }).workFor(50, over.signal)).toBe(0);
});

test("the traffic is that of the last moment", () => {
  let nowMs = 5000;
  const traffic = new ClientTraffic(() => nowMs);
  expect(traffic.requestsPerSecond()).toBe(0);
  for (let count = 0; count < 100; count += 1) {
    traffic.note();
    nowMs += 10;
  }
  expect(traffic.requestsPerSecond()).toBeGreaterThan(80);
  expect(traffic.requestsPerSecond()).toBeLessThan(120);
  nowMs += 600;
  expect(traffic.requestsPerSecond()).toBeLessThan(80);
  nowMs += 1000;
  expect(traffic.requestsPerSecond()).toBe(0);
  traffic.note();
  expect(traffic.requestsPerSecond()).toBeGreaterThan(0);
  nowMs += 60_000;
  expect(traffic.requestsPerSecond()).toBe(0);
});
