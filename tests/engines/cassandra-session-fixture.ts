/**
 * What the suites on sessions share: a keyspace with one table, sessions on it, and proxies in front of its nodes.
 * It must not hold an expectation.
 */
import { type CassandraLog, openSession, type SessionOptions } from "../../shards/cassandra/driver-session.ts";
import type { CassandraSession, Statement } from "../../shards/cassandra/session.ts";
import { createDocumentTable, createKeyspace } from "../../shards/cassandra/tables.ts";
import { settingsFor } from "./cassandra-keyspaces.ts";
import type { CassandraAddress } from "./engines.ts";
import { TcpProxy } from "./tcp-proxy.ts";

/** The one table, as a store's. */
export const TABLE = "c_things";

/** A keyspace of a suite's own. */
export interface SessionBed {
  readonly keyspace: string;
  /** In the keyspace; closed at the end. */
  open(more?: Partial<SessionOptions>): Promise<CassandraSession>;
  dispose(): Promise<void>;
}

/** What a bed stands on. */
export interface BedOptions {
  readonly address: CassandraAddress;
  readonly replicas: number;
}

/** Makes the keyspace and the table. */
export async function createBed(options: BedOptions): Promise<SessionBed> {
  const settings = settingsFor(options);
  const keyspace = `${settings.keyspacePrefix}session`;
  const admin = await openSession({ settings, keyspace: null });
  await admin.changeSchema(createKeyspace(keyspace, settings.replication));
  await admin.changeSchema(createDocumentTable(keyspace, TABLE));
  const opened: CassandraSession[] = [];
  return {
    keyspace,
    open: async (more = {}) => {
      const session = await openSession({ settings, keyspace, ...more });
      opened.push(session);
      return session;
    },
    dispose: async () => {
      await Promise.all(opened.map((session) => session.close()));
      await admin.changeSchema(`DROP KEYSPACE ${keyspace}`);
      await admin.close();
    },
  };
}

/** A proxy in front of each node; sessions that go through them. */
export interface Proxied {
  readonly proxies: readonly TcpProxy[];
  readonly options: Required<Pick<SessionOptions, "settings" | "translateAddress">>;
  stop(): Promise<void>;
}

/** Nodes tell their own addresses; they are translated to the proxies'. */
export async function createProxied(options: BedOptions): Promise<Proxied> {
  const { contactPoints } = options.address;
  const proxies = await Promise.all(contactPoints.map((point) => TcpProxy.start(point)));
  const byNode = new Map(contactPoints.map((point, index) => [point, proxies[index]?.address ?? point]));
  const port = Number(contactPoints[0]?.split(":")[1]);
  return {
    proxies,
    options: {
      settings: { ...settingsFor(options), contactPoints: proxies.map(({ address }) => address) },
      translateAddress: (address) => byNode.get(`${address}:${port}`) ?? `${address}:${port}`,
    },
    stop: async () => {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    },
  };
}

/** Lines that a session logged. */
export function createLog(): { readonly log: CassandraLog; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  return { lines, log: (level, event, fields) => void lines.push({ level, event, ...fields }) };
}

/** One of them. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A document that must not be there yet. */
export function insertOf(key: string, json = "{}"): Statement {
  return {
    cql: `UPDATE ${TABLE} SET op = ?, json = ?, at_ms = ? WHERE slot = 'aa' AND kind = 0 AND key = ? IF op = ?`,
    parameters: ["op-1", json, 1n, key, null],
  };
}

/** A document, whatever was there. */
export function plainInsertOf(key: string): Statement {
  const cql = `INSERT INTO ${TABLE} (slot, kind, key, json) VALUES ('aa', 0, ?, '{}') USING TIMESTAMP 1`;
  return { cql, parameters: [key] };
}

/** Its columns. */
export function selectOf(key: string): Statement {
  return { cql: `SELECT op, json, at_ms FROM ${TABLE} WHERE slot = 'aa' AND kind = 0 AND key = ?`, parameters: [key] };
}
