/**
 * What an answer tells the client of its operation, as docs/guarantees.md promises it. It must not be kinder to the shard
 * than that page: what it does not promise to be harmless is unknown.
 */
import type { OperationResult } from "../history/operation.ts";
import type { WireAnswer, WireOutcome } from "./shard-wire.ts";

/** The result as the history takes it, and a name to count it under. `oddity`: something that must never happen. */
export interface Meaning {
  readonly result: OperationResult;
  readonly label: string;
  readonly oddity: string | null;
}

const REFUSED: OperationResult = { kind: "refused" };
const UNKNOWN: OperationResult = { kind: "unknown" };

/**
 * Refusals that a fault may bring about; any other is an oddity. 401: clocks lie too far apart. `SLOT_MOVING` and `ROUTE_UNSETTLED`: in a
 * move. `SHARD_UNAVAILABLE`: of an edge.
 */
const EXPECTED_REFUSALS: ReadonlySet<string> = new Set([
  "INVALID_SIGNATURE",
  "NO_MAP",
  "OVERLOADED",
  "ROUTE_UNSETTLED",
  "SHARD_UNAVAILABLE",
  "SLOT_MOVING",
  "STOPPING",
  "STORAGE_UNAVAILABLE",
]);

/** What was asked for. */
export type AskedKind = "read" | "put" | "patch" | "delete";

/** Of a read or a write. */
export function meaningOf(outcome: WireOutcome, kind: AskedKind): Meaning {
  if (outcome.kind === "not-sent") return plain(REFUSED, "refused: no connection");
  if (outcome.kind === "lost") return plain(UNKNOWN, `unknown: no answer (${outcome.reason})`);
  const result = resultOf(outcome, kind);
  if (result !== null) return plain(result, `${kind} ${result.kind}`);
  return failureOf(outcome, kind);
}

function plain(result: OperationResult, label: string): Meaning {
  return { result, label, oddity: null };
}

function resultOf({ status, op }: WireAnswer, kind: AskedKind): OperationResult | null {
  if (status === 404) return { kind: "missing" };
  if (status === 412 && kind !== "read") return { kind: "conflict", currentOp: op };
  if (status === 204 && kind === "delete") return { kind: "deleted" };
  if (op === null) return null;
  if (status === 200 && kind === "read") return { kind: "found", op };
  if (status === 200 && (kind === "put" || kind === "patch")) return { kind: "replaced", op };
  return status === 201 && kind === "put" ? { kind: "created", op } : null;
}

function failureOf({ status, code, hasRetryAfter }: WireAnswer, kind: AskedKind): Meaning {
  const label = `${status} ${code}`;
  if (status === 503 && !hasRetryAfter) return { result: UNKNOWN, label, oddity: `${label} without Retry-After` };
  if (code === "OUTCOME_UNKNOWN") return plain(UNKNOWN, `unknown: ${label}`);
  // An edge says so of reads, and of a write that it has not sent; the page promises nothing about the latter.
  if (code === "DEADLINE_EXCEEDED") return plain(kind === "read" ? REFUSED : UNKNOWN, `unknown: ${label}`);
  if (EXPECTED_REFUSALS.has(code)) return plain(REFUSED, `refused: ${label}`);
  return { result: status < 500 ? REFUSED : UNKNOWN, label, oddity: `unexpected ${label}` };
}
