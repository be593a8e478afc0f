// How fast copies may go, on a clock that only sleeps advance.
import { describe, expect, test } from "vitest";
import { RateLimit, type RateLimits } from "../../../shards/mover/rate-limit.ts";

const NO_LIMITS: RateLimits = { rowsPerSecond: null, bytesPerSecond: null };

function createScene(limits: Partial<RateLimits>) {
  let nowMs = 1000;
  const sleepers: { readonly atMs: number; wake(): void }[] = [];
  const clock = {
    nowMs: () => nowMs,
    sleep: (ms: number) => new Promise<void>((wake) => void sleepers.push({ atMs: nowMs + ms, wake })),
  };
  const limit = new RateLimit(clock, { ...NO_LIMITS, ...limits });
  /** Lets time pass until `ms` from now, waking each sleeper in its turn. */
  const pass = async (ms: number): Promise<void> => {
    const untilMs = nowMs + ms;
    for (;;) {
      // Whoever was woken comes as far as the next sleep.
      for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
      sleepers.sort((left, right) => left.atMs - right.atMs);
      const next = sleepers[0];
      if (next === undefined || next.atMs > untilMs) break;
      sleepers.shift();
      nowMs = next.atMs;
      next.wake();
    }
    nowMs = untilMs;
  };
  return { limit, pass, nowMs: () => nowMs };
}

const never = new AbortController().signal;

/** Takes chunk after chunk until told to stop; how many rows it has got. */
function takeAll(limit: RateLimit, { rows, bytes }: { readonly rows: number; readonly bytes: number }, signal = never) {
  let taken = 0;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await limit.take({ rows, bytes }, signal);
      taken += rows;
      // Without a limit nobody would ever let go.
      await new Promise(setImmediate);
    }
  };
  void run();
  return () => taken;
}

describe("a rate", () => {
  test.each<[string, Partial<RateLimits>, { rows: number; bytes: number }, number]>([
    ["of rows, in small chunks", { rowsPerSecond: 1000 }, { rows: 10, bytes: 1 }, 10_000],
    ["of rows, in chunks larger than a second's worth", { rowsPerSecond: 100 }, { rows: 250, bytes: 1 }, 1000],
    ["of bytes", { bytesPerSecond: 10_000 }, { rows: 1, bytes: 100 }, 1000],
    ["of both, the tighter one", { rowsPerSecond: 1000, bytesPerSecond: 500 }, { rows: 10, bytes: 10 }, 5000],
  ])("%s holds on average", async (_name, limits, chunk, rows) => {
    const over = new AbortController();
    const { limit, pass } = createScene(limits);
    const taken = takeAll(limit, chunk, over.signal);
    await pass(10_000);
    over.abort();
    await pass(1000);
    expect(taken()).toBeGreaterThan(rows * 0.95 - chunk.rows);
    expect(taken()).toBeLessThan(rows * 1.05 + 2 * chunk.rows);
  });

  test("is shared by all slots", async () => {
    const { limit, pass } = createScene({ rowsPerSecond: 1000 });
    const over = new AbortController();
    const taken = [1, 2, 3, 4].map(() => takeAll(limit, { rows: 20, bytes: 1 }, over.signal));
    await pass(10_000);
    over.abort();
    const each = taken.map((count) => count());
    expect(each.reduce((sum, count) => sum + count, 0)).toBeLessThan(10_600);
    expect(Math.min(...each)).toBeGreaterThan(2000);
    await pass(1000);
  });

  test("may be changed for whoever waits already: tightened, and lifted", async () => {
    const { limit, pass } = createScene({ rowsPerSecond: 1000 });
    const over = new AbortController();
    const taken = takeAll(limit, { rows: 10, bytes: 1 }, over.signal);
    await pass(1000);
    const before = taken();
    limit.change({ ...NO_LIMITS, rowsPerSecond: 10 });
    await pass(5000);
    expect(taken() - before).toBeLessThan(90);
    over.abort();
    let isThere = false;
    void limit
      .take({ rows: 1_000_000, bytes: 1 }, never)
      .then(() => limit.take({ rows: 1, bytes: 1 }, never))
      .then(() => {
        isThere = true;
      });
    await pass(1000);
    expect(isThere).toBe(false);
    limit.change(NO_LIMITS);
    await pass(200);
    expect(isThere).toBe(true);
  });

  test("keeps nobody who is told to stop", async () => {
    const { limit, pass } = createScene({ rowsPerSecond: 1 });
    const over = new AbortController();
    await limit.take({ rows: 1000, bytes: 1 }, over.signal);
    let isThere = false;
    void limit.take({ rows: 1, bytes: 1 }, over.signal).then(() => {
      isThere = true;
    });
    await pass(500);
    expect(isThere).toBe(false);
    over.abort();
    await pass(200);
    expect(isThere).toBe(true);
  });
});
