// What the driver's control connection does when it is lost in the middle of being made.
// Must not need a server: cassandra-session-faults.test.ts has real ones.
import { setImmediate as turn } from "node:timers/promises";
import { Client } from "cassandra-driver";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { guardControlConnection } from "../../../shards/cassandra/control-connection.ts";

interface Control {
  connection: object | null;
  _isShuttingDown: boolean;
  _refresh: (hosts?: unknown) => Promise<void>;
}

/** A client of the driver that is not connected, its control connection, and what was told of it. */
function setUp(refresh: (control: Control) => Promise<void>) {
  const client = new Client({ contactPoints: ["127.0.0.1"], localDataCenter: "dc1" });
  const control: Control = Reflect.get(client, "controlConnection");
  expect(control._refresh).toBeTypeOf("function");
  const attempts = vi.fn<() => Promise<void>>(() => refresh(control));
  control._refresh = attempts;
  const failures: unknown[] = [];
  guardControlConnection(client, (error) => failures.push(error));
  return { control, attempts, failures };
}

const lost = new TypeError("Cannot read properties of null (reading 'once')");

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout"] }));
afterEach(() => void vi.useRealTimers());

describe("a control connection", () => {
  it("that fails in an unknown way is told of, tried again, and ends no process", async () => {
    let isFirst = true;
    const { control, attempts, failures } = setUp(async (refreshed) => {
      if (!isFirst) refreshed.connection = {};
      else {
        isFirst = false;
        throw lost;
      }
    });
    await control._refresh();
    expect([failures, attempts.mock.calls.length]).toEqual([[lost], 1]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([attempts.mock.calls.length, control.connection]).toEqual([2, {}]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(attempts).toHaveBeenCalledTimes(2);
  });

  it("is left to the driver when the driver knows the failure", async () => {
    const { control, attempts, failures } = setUp(() => Promise.resolve());
    await control._refresh();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([failures, attempts.mock.calls.length]).toEqual([[], 1]);
  });

  it("is not tried again beside an attempt that goes on", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let isFirst = true;
    const { control, attempts, failures } = setUp(async (refreshed) => {
      if (isFirst) {
        isFirst = false;
        await promise;
        refreshed.connection = {};
      } else throw lost;
    });
    const first = control._refresh();
    await control._refresh();
    await vi.advanceTimersByTimeAsync(10_000);
    resolve();
    await first;
    await turn();
    await vi.advanceTimersByTimeAsync(10_000);
    expect([failures, attempts.mock.calls.length]).toEqual([[lost], 2]);
  });

  it("of a client that closes stays closed", async () => {
    const { control, attempts } = setUp(() => Promise.reject(lost));
    control._isShuttingDown = true;
    await control._refresh();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(attempts).toHaveBeenCalledTimes(1);
  });
});
