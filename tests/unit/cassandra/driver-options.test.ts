// What the driver is told: nothing that matters is left to its defaults, and only reads are ever sent again.
import { policies, types } from "cassandra-driver";
import { describe, expect, test } from "vitest";
import {
  clientOptions,
  ReadOnlyRetry,
  type RequestKind,
  requestOptions,
} from "../../../shards/cassandra/driver-options.ts";
import { SESSION_LIMITS } from "../../../shards/cassandra/driver-session.ts";
import type { CassandraSettings } from "../../../shards/cassandra/settings.ts";

const SETTINGS: CassandraSettings = {
  name: "main",
  contactPoints: ["10.0.0.1:9142", "10.0.0.2:9142"],
  datacenter: "dc1",
  replication: new Map([["dc1", 3]]),
  keyspacePrefix: "zgate_",
  credentials: null,
  tls: null,
  traceFraction: 0,
};

const { readMs, writeMs, schemaMs } = SESSION_LIMITS;
const { quorum, serial } = types.consistencies;

/** Defaults of the servers, in milliseconds: read_request_timeout, write_request_timeout, cas_contention_timeout. */
const SERVERS = { readMs: 5_000, writeMs: 2_000, contentionMs: 1_800 };

/** Longest that a gateway waits for a shard, by default. */
const SHARD_TIMEOUT_MS = 5_000;

function optionsWith(more: Partial<CassandraSettings>) {
  const settings = { ...SETTINGS, ...more };
  return clientOptions({ settings, keyspace: "zgate_s1", translateAddress: null });
}

test("no collection's statements are forgotten as long as there are some hundreds of collections", () => {
  expect(optionsWith({}).maxPrepared).toBeGreaterThanOrEqual(5_000);
});

describe("a request", () => {
  test.each([
    { kind: "serial-read", consistency: serial, isIdempotent: true, prepare: true, readTimeout: readMs },
    { kind: "quorum-read", consistency: quorum, isIdempotent: true, prepare: true, readTimeout: readMs },
    { kind: "conditional-write", consistency: quorum, isIdempotent: false, prepare: true, readTimeout: writeMs },
    { kind: "write", consistency: quorum, isIdempotent: false, prepare: true, readTimeout: writeMs },
    { kind: "schema", consistency: quorum, isIdempotent: false, prepare: false, readTimeout: schemaMs },
  ] as const)("of kind $kind says everything explicitly", ({ kind, ...expected }) => {
    expect(requestOptions(kind, SESSION_LIMITS)).toMatchObject({
      ...expected,
      serialConsistency: serial,
      autoPage: false,
    });
  });

  test("that changes something is never idempotent, so that the driver never sends it again", () => {
    const kinds: readonly RequestKind[] = ["conditional-write", "write", "schema"];
    expect(kinds.map((kind) => requestOptions(kind, SESSION_LIMITS).isIdempotent)).toEqual([false, false, false]);
  });

  test("that reads waits for less than the servers; one that writes until they have said what became of it", () => {
    expect(readMs).toBeLessThan(SERVERS.readMs);
    expect(writeMs).toBeGreaterThanOrEqual(Math.max(SERVERS.writeMs, SERVERS.contentionMs) + 500);
  });

  test("has its resolution before a gateway gives up", () => {
    expect(writeMs + readMs).toBeLessThan(SHARD_TIMEOUT_MS);
    expect(2 * readMs).toBeLessThan(SHARD_TIMEOUT_MS);
  });
});

/** What a policy is told of a request. */
function infoOf(kind: RequestKind, nbRetry: number): policies.retry.OperationInfo {
  const { isIdempotent = false, consistency = types.consistencies.any } = requestOptions(kind, SESSION_LIMITS);
  const executionOptions = Object.create(null, {
    isIdempotent: { value: () => isIdempotent },
    getConsistency: { value: () => consistency },
  });
  return { query: "", executionOptions, nbRetry };
}

const RETHROW = { decision: 0 };

describe("the retry policy", () => {
  const retry = new ReadOnlyRetry();
  const decide = {
    readTimeout: (info: policies.retry.OperationInfo) => retry.onReadTimeout(info),
    unavailable: (info: policies.retry.OperationInfo) => retry.onUnavailable(info),
    requestError: (info: policies.retry.OperationInfo) => retry.onRequestError(info),
    writeTimeout: (info: policies.retry.OperationInfo) => retry.onWriteTimeout(info),
  };

  const EVENTS = ["readTimeout", "unavailable", "requestError", "writeTimeout"] as const;

  test.each(["serial-read", "quorum-read"] as const)(
    "tries a %s once more, by the next node, as it was asked",
    (kind) => {
      for (const event of EVENTS) {
        const { consistency } = requestOptions(kind, SESSION_LIMITS);
        expect(decide[event](infoOf(kind, 0))).toEqual({ decision: 1, consistency, useCurrentHost: false });
        expect(decide[event](infoOf(kind, 1))).toEqual(RETHROW);
      }
    },
  );

  test.each(["conditional-write", "write", "schema"] as const)("never sends a %s again", (kind) => {
    for (const event of EVENTS) {
      expect(decide[event](infoOf(kind, 0))).toEqual(RETHROW);
    }
  });
});

describe("the client", () => {
  test("never asks two nodes at once", () => {
    const { speculativeExecution } = optionsWith({}).policies ?? {};
    expect(speculativeExecution).toBeInstanceOf(policies.speculativeExecution.NoSpeculativeExecutionPolicy);
  });

  test("sends no timestamps of its own clock", () => {
    expect(optionsWith({}).policies?.timestampGeneration).toBeNull();
  });

  test("reads and binds bigint exactly, and binds nothing as unset", () => {
    expect(optionsWith({}).encoding).toEqual({ useBigIntAsLong: true, useUndefinedAsUnset: false });
  });

  test("has a timeout for what has none of its own, below the driver's 12 s", () => {
    expect(optionsWith({}).socketOptions).toMatchObject({ readTimeout: 5_000, connectTimeout: 2_000 });
  });

  test("looks for a lost node at least every 10 s", () => {
    const delays = optionsWith({}).policies?.reconnection?.newSchedule();
    const firsts = Array.from({ length: 50 }, () => Number(delays?.next().value));
    expect(Math.max(...firsts)).toBeLessThanOrEqual(10_000);
  });

  test("reaches the nodes it is told of at the contact points' port, in the datacenter named", () => {
    expect(optionsWith({})).toMatchObject({ localDataCenter: "dc1", protocolOptions: { port: 9142 } });
  });

  test("checks the servers' certificates, which the driver by itself does not", () => {
    const tls = { ca: "CA", cert: null, key: null };
    expect(optionsWith({ tls }).sslOptions).toEqual({ rejectUnauthorized: true, minVersion: "TLSv1.2", ca: "CA" });
    expect(optionsWith({ tls: { ca: null, cert: "C", key: "K" } }).sslOptions).toMatchObject({ cert: "C", key: "K" });
    expect(optionsWith({})).not.toHaveProperty("sslOptions");
  });

  test("logs in only where there is somebody to log in as", () => {
    expect(optionsWith({})).not.toHaveProperty("authProvider");
    const withUser = optionsWith({ credentials: { user: "u", password: "p" } });
    expect(withUser.authProvider).toMatchObject({ username: "u", password: "p" });
  });
});
