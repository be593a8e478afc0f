// The bound on requests: who runs, who waits, who is refused, and that nobody waits longer than the bound.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RequestGate } from "../../../shards/cassandra/request-gate.ts";
import type { Urgency } from "../../../shards/cassandra/session.ts";

const LIMITS = { inFlightMax: 2, reservedMax: 1, waitingMax: 2, waitMsMax: 1_000 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A gate, and requests that end when told so. */
function setUp() {
  const gate = new RequestGate(LIMITS);
  const started: string[] = [];
  const ends = new Map<string, { readonly resolve: () => void; readonly reject: (error: Error) => void }>();
  const run = (name: string, urgency: Urgency = "usual", weight = 1) =>
    gate.run(
      () => {
        started.push(name);
        return new Promise<string>((resolve, reject) => ends.set(name, { resolve: () => resolve(name), reject }));
      },
      { urgency, weight },
    );
  return {
    gate,
    started,
    run,
    end: (name: string) => ends.get(name)?.resolve(),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  };
}

describe("a gate", () => {
  test("runs as many as it may, and the next in order of arrival", async () => {
    const { started, run, end } = setUp();
    const all = ["a", "b", "c", "d"].map((name) => run(name));
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["a", "b"]);
    end("b");
    await all[1];
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["a", "b", "c"]);
    end("a");
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["a", "b", "c", "d"]);
    for (const name of ["c", "d"]) end(name);
    expect(await Promise.all(all)).toEqual(["a", "b", "c", "d"]);
  });

  test("refuses at once what finds no place to wait", async () => {
    const { started, run } = setUp();
    for (const name of ["a", "b", "c", "d"]) void run(name).catch(() => undefined);
    await expect(run("e")).rejects.toMatchObject({ kind: "busy", message: "2 requests are under way and 2 wait" });
    expect(started).not.toContain("e");
  });

  test("refuses what had no turn in time, and never runs it", async () => {
    const { started, run, end } = setUp();
    for (const name of ["a", "b"]) void run(name);
    const late = run("c").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await late).toMatchObject({ kind: "busy", message: "no turn within 1000 ms" });
    end("a");
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["a", "b"]);
  });

  test("gives the place of the one whose time is up to another", async () => {
    const { started, run, end } = setUp();
    for (const name of ["a", "b"]) void run(name);
    for (const name of ["c", "d"]) void run(name).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    void run("e");
    end("a");
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["a", "b", "e"]);
  });

  test("counts a heavy request as many: it goes like any other, and leaves as much room as it took", async () => {
    const { gate, started, run, end } = setUp();
    const all = [run("light"), run("heavy", "usual", 5), run("third"), run("fourth")];
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["light", "heavy"]);
    end("light");
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["light", "heavy"]);
    end("heavy");
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["light", "heavy", "third", "fourth"]);
    for (const name of ["third", "fourth"]) end(name);
    await Promise.all(all);
    await gate.idle();
  });

  test("passes the turn of a request that fails on", async () => {
    const { started, run, fail } = setUp();
    const failing = run("a").catch((error: unknown) => error);
    for (const name of ["b", "c"]) void run(name);
    fail("a");
    expect(await failing).toMatchObject({ message: "a" });
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["a", "b", "c"]);
  });

  test("is idle when nothing is under way and nothing waits", async () => {
    const { gate, run, end } = setUp();
    await gate.idle();
    for (const name of ["a", "b", "c"]) void run(name);
    let isIdle = false;
    const idle = gate.idle().then(() => {
      isIdle = true;
    });
    for (const name of ["a", "b"]) end(name);
    await vi.advanceTimersByTimeAsync(0);
    expect(isIdle).toBe(false);
    end("c");
    await idle;
  });
});

describe("an urgent request", () => {
  test("runs while usual ones take all their places and wait", async () => {
    const { started, run } = setUp();
    for (const name of ["a", "b", "c", "d"]) void run(name).catch(() => undefined);
    void run("fate", "urgent");
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["a", "b", "fate"]);
  });

  test("goes before the usual ones that wait, and leaves them no place of the reserve", async () => {
    const { started, run, end } = setUp();
    for (const name of ["a", "b", "c", "d"]) void run(name);
    for (const name of ["fate", "second fate"]) void run(name, "urgent");
    end("a");
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["a", "b", "fate", "second fate"]);
    end("fate");
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toHaveLength(4);
    end("b");
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual(["a", "b", "fate", "second fate", "c"]);
  });

  test("is bounded, too: in number and in time", async () => {
    const { started, run } = setUp();
    for (const name of ["a", "b"]) void run(name);
    void run("fate", "urgent");
    const late = ["second", "third"].map((name) => run(name, "urgent").catch((error: unknown) => error));
    await expect(run("fourth", "urgent")).rejects.toMatchObject({ kind: "busy" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await Promise.all(late)).toMatchObject([{ kind: "busy" }, { kind: "busy" }]);
    expect(started).toEqual(["a", "b", "fate"]);
  });
});
