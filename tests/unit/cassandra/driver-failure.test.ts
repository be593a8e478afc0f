// Errors of the driver and what may be told of them: of a write, only what was certainly not applied is `unavailable` or `busy`.
import { errors, types } from "cassandra-driver";
import { describe, expect, test } from "vitest";
import { cassandraErrorOf, type RequestNature } from "../../../shards/cassandra/driver-failure.ts";
import { CassandraError, type CassandraFailure, ContendedError } from "../../../shards/cassandra/session.ts";

const codes = types.responseErrorCodes;

/** Codes of later protocol versions, which the driver passes on. */
const CDC_WRITE_FAILURE = 0x1600;
const CAS_WRITE_UNKNOWN = 0x1700;

function response(code: number, more: object = {}): Error {
  return Object.assign(new errors.ResponseError(code, "the servers' words"), more);
}

function socketError(more: object = {}): Error {
  return Object.assign(new Error("Socket was closed"), { isSocketError: true, ...more });
}

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

function noHost(inner: Readonly<Record<string, unknown>>): Error {
  return new errors.NoHostAvailableError(inner);
}

interface Case {
  readonly name: string;
  readonly error: unknown;
  /** Of a read, a write, a change of the schema. */
  readonly kinds: readonly [CassandraFailure, CassandraFailure, CassandraFailure];
}

const UNDECIDED = ["unavailable", "unknown", "unknown"] as const;
const NOT_BEGUN = ["unavailable", "unavailable", "unavailable"] as const;
const REFUSED = ["broken", "broken", "broken"] as const;
const SENSELESS = ["broken", "unknown", "unknown"] as const;
const OVERFULL = ["busy", "busy", "busy"] as const;
const SHED = ["busy", "unknown", "unknown"] as const;

const CASES: readonly Case[] = [
  ...["CAS", "SIMPLE", "BATCH", "UNLOGGED_BATCH", "BATCH_LOG", "VIEW", "CDC"].map((writeType) => ({
    name: `WriteTimeout ${writeType}`,
    error: response(codes.writeTimeout, { writeType }),
    kinds: UNDECIDED,
  })),
  ...["CAS", "SIMPLE"].map((writeType) => ({
    name: `WriteFailure ${writeType}`,
    error: response(codes.writeFailure, { writeType }),
    kinds: UNDECIDED,
  })),
  { name: "CasWriteUnknown", error: response(CAS_WRITE_UNKNOWN), kinds: UNDECIDED },
  { name: "CdcWriteFailure", error: response(CDC_WRITE_FAILURE), kinds: UNDECIDED },
  { name: "ReadTimeout", error: response(codes.readTimeout), kinds: UNDECIDED },
  { name: "ReadFailure", error: response(codes.readFailure), kinds: UNDECIDED },
  { name: "TruncateError", error: response(codes.truncateError), kinds: UNDECIDED },
  { name: "ServerError", error: response(codes.serverError), kinds: UNDECIDED },
  { name: "a code that nobody knows", error: response(0x7777), kinds: UNDECIDED },
  {
    name: "Unavailable for SERIAL",
    error: response(codes.unavailableException, { consistencies: types.consistencies.serial }),
    kinds: NOT_BEGUN,
  },
  {
    name: "Unavailable for the commit of what is agreed on",
    error: response(codes.unavailableException, { consistencies: types.consistencies.quorum }),
    kinds: UNDECIDED,
  },
  { name: "IsBootstrapping", error: response(codes.isBootstrapping), kinds: NOT_BEGUN },
  { name: "Unprepared", error: response(codes.unprepared), kinds: NOT_BEGUN },
  { name: "Overloaded", error: response(codes.overloaded), kinds: SHED },
  { name: "SyntaxError", error: response(codes.syntaxError), kinds: REFUSED },
  { name: "Invalid", error: response(codes.invalid), kinds: REFUSED },
  { name: "ConfigError", error: response(codes.configError), kinds: REFUSED },
  { name: "AlreadyExists", error: response(codes.alreadyExists), kinds: REFUSED },
  { name: "Unauthorized", error: response(codes.unauthorized), kinds: REFUSED },
  {
    name: "Unauthorized, because the servers cannot read their own roles",
    error: response(codes.unauthorized, {
      message: "Unable to perform authorization of permissions: Operation timed out",
    }),
    kinds: NOT_BEGUN,
  },
  {
    name: "BadCredentials, because the servers cannot read their own roles",
    error: response(codes.badCredentials, {
      message: "Unable to perform authentication: Cannot achieve consistency level QUORUM",
    }),
    kinds: NOT_BEGUN,
  },
  { name: "BadCredentials", error: response(codes.badCredentials), kinds: REFUSED },
  { name: "ProtocolError", error: response(codes.protocolError), kinds: REFUSED },
  { name: "FunctionFailure", error: response(codes.functionFailure), kinds: REFUSED },
  { name: "a client timeout", error: new errors.OperationTimedOutError("no reply"), kinds: UNDECIDED },
  { name: "a socket that was cut under the request", error: socketError(), kinds: UNDECIDED },
  {
    name: "a socket that was cut before the request",
    error: socketError({ requestNotWritten: true }),
    kinds: NOT_BEGUN,
  },
  { name: "ECONNRESET", error: systemError("ECONNRESET"), kinds: UNDECIDED },
  { name: "EPIPE", error: systemError("EPIPE"), kinds: UNDECIDED },
  { name: "ECONNREFUSED", error: systemError("ECONNREFUSED"), kinds: NOT_BEGUN },
  { name: "a name that is not found", error: systemError("ENOTFOUND"), kinds: NOT_BEGUN },
  { name: "a certificate for another name", error: systemError("ERR_TLS_CERT_ALTNAME_INVALID"), kinds: REFUSED },
  { name: "a certificate of nobody we trust", error: systemError("DEPTH_ZERO_SELF_SIGNED_CERT"), kinds: REFUSED },
  {
    name: "a certificate of an unknown authority",
    error: systemError("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    kinds: REFUSED,
  },
  { name: "a wrong password", error: new errors.AuthenticationError("no"), kinds: REFUSED },
  { name: "connections that are all full", error: new errors.BusyConnectionError("n1", 2048, 1), kinds: OVERFULL },
  { name: "a node without connections", error: new Error("No connection available"), kinds: NOT_BEGUN },
  { name: "a value that cannot be encoded", error: new TypeError("Not a valid bigint"), kinds: SENSELESS },
  { name: "an argument that the driver refuses", error: new errors.ArgumentError("no"), kinds: SENSELESS },
  { name: "what the driver does not support", error: new errors.NotSupportedError("no"), kinds: SENSELESS },
  { name: "a fault inside the driver", error: new errors.DriverInternalError("no"), kinds: UNDECIDED },
  { name: "something that is no error", error: "text", kinds: UNDECIDED },
  { name: "no node known", error: noHost({}), kinds: NOT_BEGUN },
  { name: "no node up", error: noHost({ n1: "Host considered as DOWN", n2: null }), kinds: NOT_BEGUN },
  { name: "no node reached", error: noHost({ n1: systemError("ECONNREFUSED") }), kinds: NOT_BEGUN },
  {
    name: "all nodes full or down",
    error: noHost({ n1: new errors.BusyConnectionError("n1", 2048, 1), n2: "Host considered as DOWN" }),
    kinds: OVERFULL,
  },
  {
    name: "no node left after one that may have it",
    error: noHost({ n1: "Host considered as DOWN", n2: new errors.OperationTimedOutError("no reply") }),
    kinds: UNDECIDED,
  },
  { name: "no node that lets us in", error: noHost({ n1: new errors.AuthenticationError("no") }), kinds: REFUSED },
];

const NATURES: readonly RequestNature[] = ["read", "write", "schema"];

describe.each(CASES)("$name", ({ error, kinds }) => {
  test.each(NATURES.map((nature, index) => [nature, kinds[index]] as const))("of a %s is %s", (nature, kind) => {
    const translated = cassandraErrorOf(error, nature);
    expect(translated).toBeInstanceOf(CassandraError);
    expect(translated.kind).toBe(kind);
    expect(translated.cause).toBe(error);
  });
});

describe("the table of failures", () => {
  test("has every code that the driver knows, but the DSE's own", () => {
    const named = new Set(CASES.flatMap(({ error }) => (error instanceof errors.ResponseError ? [error.code] : [])));
    const known = Object.values(codes).filter((code) => typeof code === "number");
    expect(known.filter((code) => !named.has(code))).toEqual([0x8000]);
  });

  test("tells each node's reason", () => {
    const error = noHost({ "10.0.0.1:9042": systemError("ECONNREFUSED"), "10.0.0.2:9042": null });
    expect(cassandraErrorOf(error, "read").message).toBe(
      "no node could serve the request (10.0.0.1:9042: connect ECONNREFUSED; 10.0.0.2:9042: not asked)",
    );
  });

  test.each(CASES)("calls $name contended only if it is a WriteTimeout of write type CAS", ({ name, error }) => {
    const isContended = cassandraErrorOf(error, "write") instanceof ContendedError;
    expect(isContended).toBe(name === "WriteTimeout CAS");
  });

  test("leaves an error of the session as it is", () => {
    const error = new CassandraError("busy", "full");
    expect(cassandraErrorOf(error, "write")).toBe(error);
  });
});
