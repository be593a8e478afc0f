/**
 * The driver's settings, all of those that matter for safety set and none left to a default: what a request may wait
 * for, and that nothing but a read is ever sent again. It must not open a connection.
 */
import { auth, type DseClientOptions, policies, type QueryOptions, types } from "cassandra-driver";
import type { CassandraSettings } from "./settings.ts";

/** The five ways to ask. */
export type RequestKind = "serial-read" | "quorum-read" | "conditional-write" | "write" | "schema";

/** How long an answer may take, in milliseconds. */
export interface AnswerTimeouts {
  /** Below the servers' read_request_timeout (5 s). A read is sent at most twice. */
  readonly readMs: number;
  /**
   * Above the servers' write_request_timeout (2 s) and cas_contention_timeout (1.8 s): what they say of a write that they gave up
   * tells more than silence, for one that others were in the way of may be sent again.
   */
  readonly writeMs: number;
  /** All nodes take part in a change of the schema. */
  readonly schemaMs: number;
}

/** As `address:port`, where a node is to be reached that calls itself `address`. */
export type TranslateAddress = (address: string, port: number) => string;

/** What a session is opened with, as far as the driver is concerned. */
export interface ConnectionOptions {
  readonly settings: CassandraSettings;
  readonly keyspace: string | null;
  readonly translateAddress: TranslateAddress | null;
}

const CONNECT_TIMEOUT_MS = 2_000;
/** Idle connections are asked this often whether they are alive. */
const HEARTBEAT_MS = 5_000;
/**
 * For what has no timeout of its own: preparing, heartbeats, the driver's own questions. A heartbeat without an answer ends
 * the connection and all that waits on it, a long change of the schema too: so a node may pause for longer than a request.
 */
const OTHER_TIMEOUT_MS = 5_000;
const RECONNECTION_MS = { base: 200, max: 5_000 };
/** Requests without an answer after which a connection is given up: a paused node must not hold many. */
const UNANSWERED_MAX = 16;
const SCHEMA_AGREEMENT_SECONDS_MAX = 20;
/** A dozen statements for each collection; beyond it each request would prepare its statement anew. */
const PREPARED_MAX = 5_000;

/** Options of the driver's client. */
export function clientOptions(options: ConnectionOptions): DseClientOptions {
  const { settings, keyspace } = options;
  return {
    contactPoints: [...settings.contactPoints],
    localDataCenter: settings.datacenter,
    ...(keyspace === null ? {} : { keyspace }),
    ...(settings.credentials === null ? {} : { authProvider: authProvider(settings.credentials) }),
    ...(settings.tls === null ? {} : { sslOptions: tlsOptions(settings.tls) }),
    applicationName: "zgate",
    // Whole numbers beyond 2^53 stay exact, and a value that is missing is an error, not a column left as it was.
    encoding: { useBigIntAsLong: true, useUndefinedAsUnset: false },
    policies: clientPolicies(options),
    pooling: { heartBeatInterval: HEARTBEAT_MS, warmup: true },
    maxPrepared: PREPARED_MAX,
    prepareOnAllHosts: true,
    rePrepareOnUp: true,
    protocolOptions: {
      port: portOf(settings.contactPoints),
      maxVersion: types.protocolVersion.v4,
      maxSchemaAgreementWaitSeconds: SCHEMA_AGREEMENT_SECONDS_MAX,
    },
    socketOptions: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      readTimeout: OTHER_TIMEOUT_MS,
      defunctReadTimeoutThreshold: UNANSWERED_MAX,
    },
    monitorReporting: { enabled: false },
  };
}

/** Nodes that are found through others are reached at the contact points' port. */
function portOf(contactPoints: readonly string[]): number {
  const [first = ""] = contactPoints;
  return Number(first.slice(first.lastIndexOf(":") + 1));
}

function authProvider({ user, password }: NonNullable<CassandraSettings["credentials"]>): auth.AuthProvider {
  return new auth.PlainTextAuthProvider(user, password);
}

/** The driver's own default accepts any certificate. The node's name is checked against the address it is reached at. */
function tlsOptions({
  ca,
  cert,
  key,
}: NonNullable<CassandraSettings["tls"]>): NonNullable<DseClientOptions["sslOptions"]> {
  return {
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
  };
}

function clientPolicies({ settings, translateAddress }: ConnectionOptions): NonNullable<DseClientOptions["policies"]> {
  const chosen = {
    loadBalancing: new policies.loadBalancing.DefaultLoadBalancingPolicy({ localDc: settings.datacenter }),
    reconnection: new policies.reconnection.ExponentialReconnectionPolicy(RECONNECTION_MS.base, RECONNECTION_MS.max),
    retry: new ReadOnlyRetry(),
    speculativeExecution: new policies.speculativeExecution.NoSpeculativeExecutionPolicy(),
    ...(translateAddress === null ? {} : { addressResolution: translatorOf(translateAddress) }),
  };
  // No timestamps by the clients' clocks: they differ. The driver takes null for that; its types do not know.
  Reflect.set(chosen, "timestampGeneration", null);
  return chosen;
}

/** What the driver is told about one request. `isIdempotent` is said of reads only. */
export function requestOptions(kind: RequestKind, timeouts: AnswerTimeouts): QueryOptions {
  const { quorum, serial } = types.consistencies;
  const common = { prepare: true, autoPage: false, logged: false, serialConsistency: serial };
  switch (kind) {
    case "serial-read":
      // Without pages: each page would be a read of its own, and what changes in between would be mixed.
      return { ...common, consistency: serial, fetchSize: 0, isIdempotent: true, readTimeout: timeouts.readMs };
    case "quorum-read":
      return { ...common, consistency: quorum, isIdempotent: true, readTimeout: timeouts.readMs };
    case "conditional-write":
    case "write":
      return { ...common, consistency: quorum, isIdempotent: false, readTimeout: timeouts.writeMs };
    case "schema":
      return { ...common, consistency: quorum, prepare: false, isIdempotent: false, readTimeout: timeouts.schemaMs };
    default:
      return kind satisfies never;
  }
}

/** A read is tried once more, by another node and as it was asked. Nothing else is, and no error is ever passed over. */
export class ReadOnlyRetry extends policies.retry.RetryPolicy {
  override onReadTimeout(info: policies.retry.OperationInfo): policies.retry.DecisionInfo {
    return this.#decide(info);
  }

  override onUnavailable(info: policies.retry.OperationInfo): policies.retry.DecisionInfo {
    return this.#decide(info);
  }

  override onRequestError(info: policies.retry.OperationInfo): policies.retry.DecisionInfo {
    return this.#decide(info);
  }

  /** The servers call it so, too, when a SERIAL read has met others in its partition for too long. */
  override onWriteTimeout(info: policies.retry.OperationInfo): policies.retry.DecisionInfo {
    return this.#decide(info);
  }

  /** With the request's own consistency: the error may name another one, QUORUM for the reading part of a SERIAL read. */
  #decide({ executionOptions, nbRetry }: policies.retry.OperationInfo): policies.retry.DecisionInfo {
    if (nbRetry > 0 || !executionOptions.isIdempotent()) return this.rethrowResult();
    return this.retryResult(executionOptions.getConsistency(), false);
  }
}

/** A copy of the driver's translator that answers with `translate`: the driver insists on its own class. */
function translatorOf(translate: TranslateAddress): policies.addressResolution.AddressTranslator {
  const translator = policies.defaultAddressTranslator();
  translator.translate = (address: string, port: number, callback: (endPoint: string) => void): void =>
    callback(translate(address, port));
  return translator;
}
