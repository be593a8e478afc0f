/**
 * The driver's errors as what may be told of a request: one total table. It must never call a write failed that the
 * servers may have applied: of a write, only what was certainly not applied is `unavailable` or `busy`.
 */
import { errors, types } from "cassandra-driver";
import { CassandraError, type CassandraFailure, ContendedError } from "./session.ts";

/** What a request would do: nothing, change data, change the schema. */
export type RequestNature = "read" | "write" | "schema";

/**
 * What an error says of the request. `overfull`: this process holds too much. `not-begun`: the servers did not begin it,
 * or never had it. `shed`: a server was overloaded, possibly after it had begun. `refused`: the servers object to what
 * it says. `senseless`: the driver could not encode it or decode its answer. `undecided`: nobody knows.
 */
type Fault = "overfull" | "not-begun" | "shed" | "refused" | "senseless" | "undecided";

const FAILURES: Readonly<Record<Fault, Readonly<Record<RequestNature, CassandraFailure>>>> = {
  overfull: { read: "busy", write: "busy", schema: "busy" },
  "not-begun": { read: "unavailable", write: "unavailable", schema: "unavailable" },
  shed: { read: "busy", write: "unknown", schema: "unknown" },
  refused: { read: "broken", write: "broken", schema: "broken" },
  senseless: { read: "broken", write: "unknown", schema: "unknown" },
  undecided: { read: "unavailable", write: "unknown", schema: "unknown" },
};

/** Of several attempts the one with the most to fear decides. */
const BY_WEIGHT: readonly Fault[] = ["undecided", "senseless", "shed", "refused", "overfull", "not-begun"];

/**
 * Error codes of the native protocol (native_protocol_v5.spec, section 9). Overload is reported by hint limits too, when
 * replicas may already have a plain write; a read timeout of a conditional write comes from its own reading phase.
 */
const RESPONSE_FAULTS: ReadonlyMap<number, Fault> = new Map([
  [types.responseErrorCodes.serverError, "undecided"],
  [types.responseErrorCodes.protocolError, "refused"],
  [types.responseErrorCodes.badCredentials, "refused"],
  [types.responseErrorCodes.overloaded, "shed"],
  [types.responseErrorCodes.isBootstrapping, "not-begun"],
  [types.responseErrorCodes.truncateError, "undecided"],
  [types.responseErrorCodes.writeTimeout, "undecided"],
  [types.responseErrorCodes.readTimeout, "undecided"],
  [types.responseErrorCodes.readFailure, "undecided"],
  [types.responseErrorCodes.functionFailure, "refused"],
  [types.responseErrorCodes.writeFailure, "undecided"],
  [types.responseErrorCodes.syntaxError, "refused"],
  [types.responseErrorCodes.unauthorized, "refused"],
  [types.responseErrorCodes.invalid, "refused"],
  [types.responseErrorCodes.configError, "refused"],
  [types.responseErrorCodes.alreadyExists, "refused"],
  [types.responseErrorCodes.unprepared, "not-begun"],
]);

/** The servers could not read their own tables of roles: nothing is known of the role, and nothing was begun. */
const CANNOT_TELL = /unable to perform auth(?:entication|orization)/i;

/** A connection that was never made. */
const NO_CONNECTION: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** OpenSSL's and Node's codes of a certificate or a handshake that is not accepted. */
const TLS_CODE = /CERT|SELF_SIGNED|ISSUER|VERIFY|^ERR_TLS|^ERR_SSL/;

/** The driver's words for a node whose connections are all gone: nothing was sent. */
const NO_POOLED_CONNECTION = "No connection available";

/** Whatever the driver threw, as a CassandraError. */
export function cassandraErrorOf(error: unknown, nature: RequestNature): CassandraError {
  if (error instanceof CassandraError) return error;
  if (nature === "write" && isContended(error)) return new ContendedError(messageOf(error), { cause: error });
  return new CassandraError(FAILURES[faultOf(error)][nature], messageOf(error), { cause: error });
}

/** Only a conditional write times out with the write type CAS. */
function isContended(error: unknown): boolean {
  if (!(error instanceof errors.ResponseError)) return false;
  return error.code === types.responseErrorCodes.writeTimeout && Reflect.get(error, "writeType") === "CAS";
}

function faultOf(error: unknown): Fault {
  if (error instanceof errors.NoHostAvailableError) return heaviest(innerErrorsOf(error).map(([, inner]) => inner));
  if (error instanceof Error && CANNOT_TELL.test(error.message)) return "not-begun";
  if (error instanceof errors.ResponseError) return faultOfResponse(error);
  if (error instanceof errors.BusyConnectionError) return "overfull";
  if (error instanceof errors.AuthenticationError) return "refused";
  if (error instanceof errors.ArgumentError || error instanceof TypeError) return "senseless";
  if (error instanceof errors.NotSupportedError || error instanceof RangeError) return "senseless";
  return error instanceof Error ? faultOfConnection(error) : "undecided";
}

/**
 * Too few replicas up for SERIAL is found before anything is proposed. For any other consistency it may be the commit of
 * what is already agreed on: the first version of Paxos looks at the replicas once more there.
 */
function faultOfResponse(error: errors.ResponseError): Fault {
  const { unavailableException } = types.responseErrorCodes;
  if (error.code !== unavailableException) return RESPONSE_FAULTS.get(error.code) ?? "undecided";
  return Reflect.get(error, "consistencies") === types.consistencies.serial ? "not-begun" : "undecided";
}

function faultOfConnection(error: Error): Fault {
  if (Reflect.get(error, "requestNotWritten") === true) return "not-begun";
  if (error.message === NO_POOLED_CONNECTION) return "not-begun";
  const code = String(Reflect.get(error, "code"));
  if (NO_CONNECTION.has(code)) return "not-begun";
  return TLS_CODE.test(code) ? "refused" : "undecided";
}

/** A node that was not asked has a text in place of an error, or nothing. */
function heaviest(inner: readonly unknown[]): Fault {
  const faults = new Set(inner.map((error) => (error instanceof Error ? faultOf(error) : "not-begun")));
  return BY_WEIGHT.find((fault) => faults.has(fault)) ?? "not-begun";
}

function innerErrorsOf(error: errors.NoHostAvailableError): readonly (readonly [string, unknown])[] {
  const inner: unknown = error.innerErrors;
  return typeof inner === "object" && inner !== null ? Object.entries(inner) : [];
}

function messageOf(error: unknown): string {
  if (!(error instanceof errors.NoHostAvailableError)) return lineOf(error);
  const nodes = innerErrorsOf(error).map(([node, inner]) => `${node}: ${lineOf(inner)}`);
  return nodes.length === 0 ? error.message : `no node could serve the request (${nodes.join("; ")})`;
}

function lineOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return typeof error === "string" ? error : "not asked";
}
