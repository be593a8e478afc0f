// The session when the network or a node fails under it: what it may say, what it sends again, and how it comes back.
// A proxy loses replies and cuts connections; the servers behind it go on.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { CassandraSession } from "../../shards/cassandra/session.ts";
import {
  createBed,
  createProxied,
  insertOf,
  type Proxied,
  plainInsertOf,
  type SessionBed,
  selectOf,
} from "./cassandra-session-fixture.ts";
import { describeOnEngines } from "./engines.ts";
import { type ProxyMode, type TcpProxy, UNDELAYED } from "./tcp-proxy.ts";

const PATIENCE = { timeout: 30_000, interval: 50 };

describeOnEngines("a Cassandra session under faults", ({ single, cluster }) => {
  describe("of one node", () => {
    let bed: SessionBed;
    let direct: CassandraSession;
    let proxied: Proxied;
    let proxy: TcpProxy;
    let session: CassandraSession;

    beforeAll(async () => {
      bed = await createBed({ address: single, replicas: 1 });
      direct = await bed.open();
      proxied = await createProxied({ address: single, replicas: 1 });
      proxy = onlyOf(proxied);
    });
    beforeEach(async () => {
      session = await bed.open(proxied.options);
      // Prepared, so that what fails is the request and not its preparation.
      await session.readSerial(selectOf("warm"));
      await session.write([plainInsertOf("warm-write")]);
      await session.compareAndSet([insertOf("warm")]);
      proxy.forget();
    });
    afterEach(() => {
      proxy.mode = "pass";
      proxy.delayMs = UNDELAYED;
    });
    afterAll(async () => {
      await bed.dispose();
      await proxied.stop();
    });

    const writes = {
      "conditional statement": (key: string) => session.compareAndSet([insertOf(key)]),
      "conditional batch": (key: string) => session.compareAndSet([insertOf(key), insertOf(`${key}-2`)]),
      "plain write": (key: string) => session.write([plainInsertOf(key)]),
    };
    const modes: readonly ProxyMode[] = ["hold", "cut"];
    const cases = modes.flatMap((mode) => Object.entries(writes).map(([name, write]) => ({ name, mode, write })));

    test.each(cases)(
      "a $name whose reply is lost ($mode) is unknown, was sent once, and may have been applied",
      async ({ name, mode, write }) => {
        const key = `${name} ${mode}`;
        proxy.mode = mode;
        await expect(write(key)).rejects.toMatchObject({ kind: "unknown" });
        expect(proxy.count("EXECUTE") + proxy.count("BATCH")).toBe(1);
        expect(await direct.readSerial(selectOf(key))).toHaveLength(1);
      },
    );

    test.each(modes)("a read whose reply is lost (%s) is unavailable", async (mode) => {
      proxy.mode = mode;
      await expect(session.readSerial(selectOf("warm"))).rejects.toMatchObject({ kind: "unavailable" });
    });

    test("a write that finds no node up is unavailable, and was not sent", async () => {
      await proxy.down();
      await vi.waitFor(() => expect(session.status().kind).toBe("unreachable"), PATIENCE);
      await expect(session.compareAndSet([insertOf("nobody up")])).rejects.toMatchObject({ kind: "unavailable" });
      await proxy.up();
      await vi.waitFor(() => expect(session.status()).toEqual({ kind: "ready" }), PATIENCE);
      expect(await session.readSerial(selectOf("nobody up"))).toEqual([]);
      expect(await session.compareAndSet([insertOf("nobody up")])).toMatchObject({ isApplied: true });
    });

    test("once a node is back every request is served, also while the driver still asks it what nodes there are", async () => {
      // So that the driver itself, too, finds no node up at first, and goes on with its own questions when one is.
      proxy.delayMs = (body) => (/system\.(local|peers)/.test(body) ? 400 : 30);
      await proxy.down();
      await vi.waitFor(() => expect(session.status().kind).toBe("unreachable"), PATIENCE);
      await proxy.up();
      await vi.waitFor(() => expect(session.status()).toEqual({ kind: "ready" }), PATIENCE);
      for (let read = 0; read < 50; read += 1) expect(await session.readSerial(selectOf("warm"))).toHaveLength(1);
    });

    test("requests that wait for a silent node are answered within their bound, and those behind them are busy", async () => {
      const bounded = await bed.open({ ...proxied.options, limits: { inFlightMax: 2, waitingMax: 2, waitMsMax: 300 } });
      await bounded.readSerial(selectOf("warm"));
      proxy.mode = "hold";
      const startedAt = performance.now();
      const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => bounded.readSerial(selectOf("warm"))));
      const kinds = outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.kind);
      expect(kinds).toEqual(["unavailable", "unavailable", "busy", "busy", "busy"]);
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    });
  });

  describe("of three nodes", () => {
    let bed: SessionBed;
    let proxied: Proxied;
    let session: CassandraSession;

    beforeAll(async () => {
      bed = await createBed({ address: cluster, replicas: 3 });
      proxied = await createProxied({ address: cluster, replicas: 3 });
      session = await bed.open(proxied.options);
      await session.compareAndSet([insertOf("here")]);
      await session.readSerial(selectOf("here"));
    });
    afterAll(async () => {
      await bed.dispose();
      await proxied.stop();
    });

    test("a read that one node leaves without an answer is answered by the next", async () => {
      const [first] = proxied.proxies;
      if (first === undefined) throw new Error("broken assumption: there are proxies");
      first.mode = "hold";
      const rows = await Promise.all(Array.from({ length: 12 }, () => session.readSerial(selectOf("here"))));
      expect(rows.map(([row]) => row?.["op"])).toEqual(Array.from({ length: 12 }, () => "op-1"));
      first.mode = "pass";
    });

    test("one node lost is impaired, also for who connects then, two are unreachable, and each is noticed when it comes back", async () => {
      const [first, second] = proxied.proxies;
      const becomes = (kind: string) => vi.waitFor(() => expect(session.status().kind).toBe(kind), PATIENCE);
      await becomes("ready");
      await first?.down();
      await becomes("impaired");
      expect(session.status()).toMatchObject({ detail: expect.stringContaining(first?.address ?? "no proxy") });
      expect(await session.readSerial(selectOf("here"))).toHaveLength(1);
      const late = await bed.open(proxied.options);
      expect(late.status().kind).toBe("impaired");
      expect(await late.readSerial(selectOf("here"))).toHaveLength(1);
      await second?.down();
      await becomes("unreachable");
      await first?.up();
      await becomes("impaired");
      await second?.up();
      await becomes("ready");
      expect(await session.compareAndSet([insertOf("after")])).toMatchObject({ isApplied: true });
    });

    test("nodes that are elsewhere when they come back are found there by the one that is where it was", async () => {
      const left = await createProxied({ address: cluster, replicas: 3 });
      const [stays] = left.proxies;
      const [staying] = cluster.contactPoints;
      if (stays === undefined) throw new Error("broken assumption: there are proxies");
      let isMoved = false;
      const moving = await bed.open({
        settings: { ...left.options.settings, contactPoints: [stays.address] },
        translateAddress: (address, port) => {
          const { options } = isMoved && `${address}:${port}` !== staying ? proxied : left;
          return options.translateAddress(address, port);
        },
      });
      await left.stop();
      await vi.waitFor(() => expect(moving.status().kind).toBe("unreachable"), PATIENCE);
      isMoved = true;
      await stays.up();
      await vi.waitFor(() => expect(moving.status()).toEqual({ kind: "ready" }), PATIENCE);
      await left.stop();
    });
  });
});

function onlyOf({ proxies }: Proxied): TcpProxy {
  const [proxy] = proxies;
  if (proxy === undefined || proxies.length > 1) throw new Error("broken assumption: one proxy for one node");
  return proxy;
}
