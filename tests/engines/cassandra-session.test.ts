// The session on real servers, each hazard of the driver by name. Broken networks are in cassandra-session-faults.test.ts.
import { Client, types } from "cassandra-driver";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { CassandraSession } from "../../shards/cassandra/session.ts";
import { createDocumentTable } from "../../shards/cassandra/tables.ts";
import { settingsFor } from "./cassandra-keyspaces.ts";
import {
  createBed,
  createLog,
  insertOf,
  plainInsertOf,
  type SessionBed,
  selectOf,
  TABLE,
} from "./cassandra-session-fixture.ts";
import { describeOnEngines } from "./engines.ts";

const ALL = { rowsMax: 100, after: null };

describeOnEngines("a Cassandra session", ({ single }) => {
  let bed: SessionBed;
  let session: CassandraSession;

  beforeAll(async () => {
    bed = await createBed({ address: single, replicas: 1 });
    session = await bed.open();
  });
  afterAll(() => bed.dispose());

  describe("values", () => {
    test("a bigint beyond 2^53 comes back exactly", async () => {
      const exact = 2n ** 62n + 1n;
      const set = {
        cql: `UPDATE ${TABLE} SET own_epoch = ? WHERE slot = ? IF own_epoch = ?`,
        parameters: [exact, "bb", null],
      };
      expect(await session.compareAndSet([set])).toEqual({ isApplied: true, rows: [] });
      const read = { cql: `SELECT own_epoch FROM ${TABLE} WHERE slot = ?`, parameters: ["bb"] };
      expect(await session.readSerial(read)).toMatchObject([{ own_epoch: exact }]);
    });

    test("a number where a bigint belongs is an error, and is not sent", async () => {
      const wrong = { ...insertOf("number"), parameters: ["op-1", "{}", 1, "number", null] };
      await expect(session.compareAndSet([wrong])).rejects.toThrow(/bigint/i);
      expect(await session.readSerial(selectOf("number"))).toEqual([]);
    });

    test("undefined is an error, and is not sent: neither as null nor as a column left alone", async () => {
      const wrong = { ...insertOf("undefined"), parameters: ["op-1", undefined, 1n, "undefined", null] };
      await expect(session.compareAndSet([wrong])).rejects.toMatchObject({ kind: "broken" });
      expect(await session.readSerial(selectOf("undefined"))).toEqual([]);
    });
  });

  describe("a conditional write", () => {
    test("that is not applied brings the columns of the condition", async () => {
      expect(await session.compareAndSet([insertOf("one")])).toEqual({ isApplied: true, rows: [] });
      const { isApplied, rows } = await session.compareAndSet([insertOf("one")]);
      expect(isApplied).toBe(false);
      expect(rows).toMatchObject([{ "[applied]": false, op: "op-1" }]);
    });

    test("of several statements is applied as one, or not at all", async () => {
      await session.compareAndSet([insertOf("two")]);
      const { isApplied, rows } = await session.compareAndSet([insertOf("three"), insertOf("two")]);
      expect(isApplied).toBe(false);
      expect(rows.map((row) => row["op"])).toContain("op-1");
      expect(await session.readSerial(selectOf("three"))).toEqual([]);
      expect(await session.compareAndSet([insertOf("three"), insertOf("four")])).toMatchObject({ isApplied: true });
    });

    test("without an answer about its condition is unknown: an empty result is no success", async () => {
      await expect(session.compareAndSet([plainInsertOf("unconditional")])).rejects.toMatchObject({ kind: "unknown" });
    });

    test("of nothing is refused", async () => {
      await expect(session.compareAndSet([])).rejects.toMatchObject({ kind: "broken" });
    });
  });

  describe("a read", () => {
    /** More than the driver brings at once by default. */
    const ROWS = 5_100;

    beforeAll(async () => {
      const cql = `INSERT INTO ${TABLE} (slot, kind, key) VALUES ('many', 0, ?) IF NOT EXISTS`;
      const keys = Array.from({ length: ROWS }, (_, index) => String(index).padStart(6, "0"));
      for (let at = 0; at < ROWS; at += 850) {
        await session.compareAndSet(keys.slice(at, at + 850).map((key) => ({ cql, parameters: [key] })));
      }
    });

    test("at SERIAL is never cut at a page", async () => {
      const statement = { cql: `SELECT key FROM ${TABLE} WHERE slot = ? AND kind = 0`, parameters: ["many"] };
      expect(await session.readSerial(statement)).toHaveLength(ROWS);
    });

    test("at QUORUM comes in pages that miss nothing", async () => {
      const statement = { cql: `SELECT key FROM ${TABLE} WHERE slot = ? AND kind = 0`, parameters: ["many"] };
      const keys: unknown[] = [];
      const lengths: number[] = [];
      let after: string | null = null;
      do {
        const page = await session.readQuorum(statement, { rowsMax: 2_000, after });
        keys.push(...page.rows.map((row) => row["key"]));
        lengths.push(page.rows.length);
        after = page.next;
      } while (after !== null);
      expect(new Set(keys).size).toBe(ROWS);
      expect(lengths).toEqual([2_000, 2_000, 1_100]);
    });
  });

  describe("what the servers refuse", () => {
    test.each([
      ["a syntax error", "SELEC"],
      ["a table that is not there", "SELECT * FROM no_such_table WHERE a = 1"],
      ["a condition on a key", `SELECT * FROM ${TABLE} WHERE json = 'x'`],
    ])("is broken: %s", async (_name, cql) => {
      await expect(session.readQuorum({ cql, parameters: [] }, ALL)).rejects.toMatchObject({ kind: "broken" });
    });
  });

  describe("warnings and traces", () => {
    const tracedSettings = { ...settingsFor({ address: single, replicas: 1 }), traceFraction: 0.5 };

    test("no warning of the servers is lost", async () => {
      const { log, lines } = createLog();
      const logging = await bed.open({ log });
      await logging.readQuorum({ cql: `SELECT count(*) FROM ${TABLE}`, parameters: [] }, ALL);
      expect(lines).toMatchObject([{ level: "warn", event: "cassandra-warning", request: "quorum-read" }]);
      expect(String(lines[0]?.["warning"])).toMatch(/aggregation/i);
    });

    test("traced requests are logged, and were sent as promised", async () => {
      const { log, lines } = createLog();
      const draws = [0.4, 0.6];
      const traced = await bed.open({ log, settings: tracedSettings, random: () => draws.shift() ?? 0 });
      await traced.readSerial(selectOf("trace"));
      expect(lines).toHaveLength(1);
      await traced.readSerial(selectOf("trace"));
      expect(lines).toHaveLength(1);
      await traced.readQuorum(selectOf("trace"), ALL);
      await traced.compareAndSet([insertOf("trace")]);
      await traced.compareAndSet([insertOf("trace-2"), insertOf("trace-3")]);
      await traced.write([plainInsertOf("trace-4")]);
      expect(lines.map((line) => line["request"])).toEqual([
        "serial-read",
        "quorum-read",
        "conditional-write",
        "conditional-write",
        "write",
      ]);
      const sent = await readTraces(lines.map((line) => String(line["trace"])));
      expect(sent).toEqual(["SERIAL", "QUORUM", "QUORUM/SERIAL", "QUORUM/SERIAL", "QUORUM"].map(consistencyOf));
    });
  });

  describe("a prepared statement", () => {
    test("survives that the servers forget it: a read, a write, a batch", async () => {
      await session.readSerial(selectOf("forgotten"));
      await session.compareAndSet([insertOf("forgotten"), insertOf("forgotten-2")]);
      const other = await bed.open();
      await other.changeSchema(`DROP TABLE ${bed.keyspace}.${TABLE}`);
      await other.changeSchema(createDocumentTable(bed.keyspace, TABLE));
      expect(await session.compareAndSet([insertOf("forgotten"), insertOf("forgotten-2")])).toMatchObject({
        isApplied: true,
      });
      expect(await session.compareAndSet([insertOf("forgotten-3")])).toMatchObject({ isApplied: true });
      expect(await session.readSerial(selectOf("forgotten"))).toMatchObject([{ op: "op-1" }]);
    });

    test("survives a change of its table", async () => {
      await session.readSerial(selectOf("changed"));
      const other = await bed.open();
      await other.changeSchema(`ALTER TABLE ${bed.keyspace}.${TABLE} ADD later text`);
      expect(await session.compareAndSet([insertOf("changed")])).toMatchObject({ isApplied: true });
      expect(await session.readSerial(selectOf("changed"))).toMatchObject([{ op: "op-1", json: "{}", at_ms: 1n }]);
    });
  });

  describe("bounds", () => {
    test("beyond what may be under way and wait, a request is busy at once, and is not sent", async () => {
      const bounded = await bed.open({ limits: { inFlightMax: 1, waitingMax: 1 } });
      const outcomes = await Promise.allSettled(
        ["b1", "b2", "b3"].map((key) => bounded.compareAndSet([insertOf(key)])),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
      expect(outcomes[2]).toMatchObject({ reason: { kind: "busy" } });
      expect(await session.readSerial(selectOf("b3"))).toEqual([]);
    });
  });

  describe("opening and closing", () => {
    test("closing waits for what is under way; what comes later is unavailable", async () => {
      const closing = await bed.open();
      const under = closing.compareAndSet([insertOf("closing")]);
      const closed = closing.close();
      await expect(closing.readSerial(selectOf("closing"))).rejects.toMatchObject({ kind: "unavailable" });
      expect(await under).toMatchObject({ isApplied: true });
      await closed;
      await closing.close();
    });

    test("a keyspace that is not there is broken, with what to do", async () => {
      await expect(bed.open({ keyspace: "zgate_no_such_keyspace" })).rejects.toMatchObject({
        kind: "broken",
        message: expect.stringContaining("run `zgate schema apply`"),
      });
    });

    test("a cluster that nobody answers for is unavailable", async () => {
      const address = { contactPoints: ["127.0.0.1:1"], datacenter: "dc1" };
      await expect(bed.open({ settings: settingsFor({ address, replicas: 1 }) })).rejects.toMatchObject({
        kind: "unavailable",
        message: expect.stringContaining("ECONNREFUSED"),
      });
    });

    test("a datacenter that is not there is refused", async () => {
      const address = { ...single, datacenter: "dc9" };
      await expect(bed.open({ settings: settingsFor({ address, replicas: 1 }) })).rejects.toThrow(/dc9/);
    });

    test("a single node that is up is ready", () => {
      expect(session.status()).toEqual({ kind: "ready" });
    });
  });

  /** What the servers noted about traced requests, once they have. Traces have two replicas: one node has no QUORUM. */
  async function readTraces(traces: readonly string[]) {
    const client = new Client({ contactPoints: [...single.contactPoints], localDataCenter: single.datacenter });
    try {
      return await Promise.all(
        traces.map((trace) => vi.waitFor(() => readTrace(client, trace), { timeout: 20_000, interval: 100 })),
      );
    } finally {
      await client.shutdown();
    }
  }
});

/** "QUORUM/SERIAL": committed at the one, decided at the other. */
function consistencyOf(text: string) {
  const [consistency, serial = "SERIAL"] = text.split("/");
  return { consistency, serial };
}

async function readTrace(client: Client, trace: string) {
  const cql = "SELECT parameters FROM system_traces.sessions WHERE session_id = ?";
  const { rows } = await client.execute(cql, [trace], { prepare: true, consistency: types.consistencies.one });
  const parameters: unknown = rows[0]?.["parameters"];
  if (typeof parameters !== "object" || parameters === null) throw new Error(`no trace ${trace} yet`);
  const noted = new Map(Object.entries(parameters));
  return { consistency: noted.get("consistency_level"), serial: noted.get("serial_consistency_level") };
}
