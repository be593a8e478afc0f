/**
 * The session over cassandra-driver. It must not send anything twice that changes something, nor let an error of the
 * driver out untranslated.
 */
import { Client, type types } from "cassandra-driver";
import { clusterStatusOf } from "./cluster-status.ts";
import { guardControlConnection } from "./control-connection.ts";
import { cassandraErrorOf, type RequestNature } from "./driver-failure.ts";
import {
  type AnswerTimeouts,
  clientOptions,
  type RequestKind,
  requestOptions,
  type TranslateAddress,
} from "./driver-options.ts";
import { type GateLimits, RequestGate, type Standing } from "./request-gate.ts";
import {
  CassandraError,
  type CassandraSession,
  type ClusterStatus,
  type Columns,
  type CompareAndSet,
  type Paging,
  type ResultPage,
  type Statement,
  type Urgency,
} from "./session.ts";
import type { CassandraSettings } from "./settings.ts";

/** Writes one log line; `event` is a stable word for programs. */
export type CassandraLog = (
  level: "info" | "warn" | "error",
  event: string,
  fields: Readonly<Record<string, string | number | boolean | null>>,
) => void;

/** Bounds of one process's requests. */
export interface SessionLimits extends GateLimits, AnswerTimeouts {}

/** What suits a shard's worker. A read is sent at most twice, so it ends after `waitMsMax + 2 * readMs`. */
export const SESSION_LIMITS: SessionLimits = {
  inFlightMax: 256,
  reservedMax: 32,
  waitingMax: 2_048,
  waitMsMax: 1_000,
  readMs: 2_000,
  writeMs: 2_500,
  schemaMs: 30_000,
};

/** What a session is opened with. */
export interface SessionOptions {
  readonly settings: CassandraSettings;
  /** Where names without a keyspace are looked up; it must exist. Null before there is one. */
  readonly keyspace: string | null;
  readonly limits?: Partial<SessionLimits>;
  readonly log?: CassandraLog;
  /** From 0 to 1; decides which requests are traced. */
  readonly random?: () => number;
  readonly translateAddress?: TranslateAddress;
}

/** Connects. Rejects with a CassandraError: `unavailable` when no node answers, `broken` when none lets us in. */
export async function openSession(options: SessionOptions): Promise<CassandraSession> {
  const { settings, keyspace, translateAddress = null } = options;
  const limits = { ...SESSION_LIMITS, ...options.limits };
  const client = new Client(clientOptions({ settings, keyspace, translateAddress }));
  const log = options.log ?? (() => undefined);
  client.on("log", (level: string, source: string, message: string) => {
    // Of the servers' own warnings the session tells by itself, with the kind of request.
    if (message.startsWith("Received warning")) return;
    if (level === "error" || level === "warning") log("warn", "cassandra-driver", { source, message });
  });
  guardControlConnection(client, (error) => log("warn", "cassandra-control-connection", { message: String(error) }));
  try {
    await client.connect();
  } catch (error) {
    await client.shutdown().catch(() => undefined);
    throw withAdvice(cassandraErrorOf(error, "read"));
  }
  return new DriverSession({ client, settings, limits, log, random: options.random ?? Math.random });
}

function withAdvice(error: CassandraError): CassandraError {
  if (!/^Keyspace '.*' does not exist$/.test(error.message)) return error;
  return new CassandraError("broken", `${error.message}; run \`zgate schema apply\``, { cause: error.cause });
}

interface DriverSessionOptions {
  readonly client: Client;
  readonly settings: CassandraSettings;
  readonly limits: SessionLimits;
  readonly log: CassandraLog;
  readonly random: () => number;
}

class DriverSession implements CassandraSession {
  readonly #client: Client;
  readonly #settings: CassandraSettings;
  readonly #limits: SessionLimits;
  readonly #log: CassandraLog;
  readonly #random: () => number;
  readonly #gate: RequestGate;
  #closing: Promise<void> | null = null;

  constructor({ client, settings, limits, log, random }: DriverSessionOptions) {
    this.#client = client;
    this.#settings = settings;
    this.#limits = limits;
    this.#log = log;
    this.#random = random;
    this.#gate = new RequestGate(limits);
  }

  async readSerial(statement: Statement, urgency: Urgency = "usual"): Promise<readonly Columns[]> {
    const result = await this.#execute("serial-read", statement, { urgency });
    return rowsOf(result);
  }

  async readQuorum(statement: Statement, { rowsMax, after, partitions: weight }: Paging): Promise<ResultPage> {
    const page = { weight, ...(after === null ? { fetchSize: rowsMax } : { fetchSize: rowsMax, pageState: after }) };
    const result = await this.#execute("quorum-read", statement, page);
    return { rows: rowsOf(result), next: result.pageState ?? null };
  }

  async compareAndSet(statements: readonly Statement[]): Promise<CompareAndSet> {
    return compareAndSetOf(rowsOf(await this.#apply("conditional-write", statements)));
  }

  async write(statements: readonly Statement[]): Promise<void> {
    await this.#apply("write", statements);
  }

  async changeSchema(cql: string): Promise<void> {
    const result = await this.#execute("schema", { cql, parameters: [] });
    if (Reflect.get(result.info, "isSchemaInAgreement") !== false) return;
    throw new CassandraError("unknown", `the nodes do not agree on the schema yet after: ${cql}`);
  }

  /** The driver calls a node up once anything of it answers; for requests it takes a connection of their own. */
  status(): ClusterStatus {
    const { datacenter } = this.#settings;
    const state = this.#client.getState();
    const nodes = this.#client.hosts.values().map((host) => {
      const isConnected = host.datacenter !== datacenter || state.getOpenConnections(host) > 0;
      return { address: host.address, datacenter: host.datacenter, isUp: host.isUp() && isConnected };
    });
    return clusterStatusOf(nodes, this.#settings);
  }

  nodesByDatacenter(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { datacenter } of this.#client.hosts.values()) counts.set(datacenter, (counts.get(datacenter) ?? 0) + 1);
    return counts;
  }

  close(): Promise<void> {
    this.#closing ??= this.#gate.idle().then(() => this.#client.shutdown());
    return this.#closing;
  }

  #execute(
    kind: RequestKind,
    statement: Statement,
    { urgency, weight, ...page }: Wishes = {},
  ): Promise<types.ResultSet> {
    return this.#send({ kind, statements: [statement], urgency, weight }, (traceQuery) =>
      this.#client.execute(statement.cql, [...statement.parameters], {
        ...requestOptions(kind, this.#limits),
        ...page,
        traceQuery,
      }),
    );
  }

  async #apply(kind: "conditional-write" | "write", statements: readonly Statement[]): Promise<types.ResultSet> {
    const [first] = statements;
    if (first === undefined) throw new CassandraError("broken", "a write of no statements");
    if (statements.length === 1) return this.#execute(kind, first);
    const queries = statements.map(({ cql, parameters }) => ({ query: cql, params: [...parameters] }));
    return this.#send({ kind, statements }, (traceQuery) =>
      this.#client.batch(queries, { ...requestOptions(kind, this.#limits), traceQuery }),
    );
  }

  async #send(
    { kind, statements, ...standing }: Sending,
    send: (isTraced: boolean) => Promise<types.ResultSet>,
  ): Promise<types.ResultSet> {
    if (this.#closing !== null) throw new CassandraError("unavailable", "the session is closed");
    checkParameters(statements);
    const isTraced = this.#settings.traceFraction > 0 && this.#random() < this.#settings.traceFraction;
    const startedAt = performance.now();
    const result = await this.#gate
      .run(() => send(isTraced), standing)
      .catch((error: unknown) => {
        throw cassandraErrorOf(error, NATURES[kind]);
      });
    if (isTraced) this.#logTrace(kind, result, performance.now() - startedAt);
    for (const warning of result.info.warnings ?? [])
      this.#log("warn", "cassandra-warning", { request: kind, warning });
    return result;
  }

  #logTrace(kind: RequestKind, { info }: types.ResultSet, durationMs: number): void {
    const trace = String(info.traceId);
    this.#log("info", "cassandra-trace", { request: kind, trace, node: info.queriedHost, durationMs });
  }
}

interface Sending extends Standing {
  readonly kind: RequestKind;
  readonly statements: readonly Statement[];
}

interface Wishes extends Standing {
  readonly fetchSize?: number;
  readonly pageState?: string;
}

const NATURES: Readonly<Record<RequestKind, RequestNature>> = {
  "serial-read": "read",
  "quorum-read": "read",
  "conditional-write": "write",
  write: "write",
  schema: "schema",
};

/** A value that is missing would be bound as null, and a condition on null means something. */
function checkParameters(statements: readonly Statement[]): void {
  for (const { cql, parameters } of statements) {
    const missing = parameters.indexOf(undefined);
    if (missing >= 0) throw new CassandraError("broken", `parameter ${missing + 1} is undefined: ${cql}`);
  }
}

/** The driver leaves `rows` out of a result that has no columns. */
function rowsOf(result: types.ResultSet): readonly Columns[] {
  return result.rows ?? [];
}

/** The driver's own `wasApplied()` takes an empty result for a success; the servers' word is the column. */
function compareAndSetOf(rows: readonly Columns[]): CompareAndSet {
  const applied = rows[0]?.["[applied]"];
  if (applied === true) return { isApplied: true, rows: [] };
  if (applied === false) return { isApplied: false, rows };
  throw new CassandraError("unknown", "the servers did not say whether the conditional write was applied");
}
