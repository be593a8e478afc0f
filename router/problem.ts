/**
 * The one catalogue of errors, for clients (RFC 9457), operators and logs.
 * It must not hold anything about a single request but what the caller passes in.
 */

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Whether the same request may be sent again as it is and succeed. */
  readonly retryable: boolean;
}

/** Every code with its status, title and whether to try again. `docs/errors.md` repeats this table. */
export const PROBLEMS = {
  INVALID_KEY: { status: 400, title: "The key has no canonical form", retryable: false },
  INVALID_JSON: { status: 400, title: "The body is not a JSON document", retryable: false },
  INVALID_PARAMETER: { status: 400, title: "A query parameter or header is not valid", retryable: false },
  INVALID_CURSOR: { status: 400, title: "The cursor does not belong to this list", retryable: false },
  UNAUTHENTICATED: { status: 401, title: "A bearer token is required", retryable: false },
  INVALID_TOKEN: { status: 401, title: "The bearer token is not valid", retryable: false },
  INVALID_SIGNATURE: { status: 401, title: "The request is not signed by an edge", retryable: false },
  FORBIDDEN: { status: 403, title: "The token lacks a permission", retryable: false },
  ROUTE_NOT_FOUND: { status: 404, title: "There is no such resource", retryable: false },
  DOCUMENT_NOT_FOUND: { status: 404, title: "There is no document with this key", retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, title: "The method is not allowed here", retryable: false },
  REQUEST_TIMEOUT: { status: 408, title: "The request did not arrive in time", retryable: true },
  VERSION_CONFLICT: { status: 409, title: "The map has changed since it was read", retryable: false },
  PRECONDITION_FAILED: { status: 412, title: "A precondition of the request is false", retryable: false },
  DOCUMENT_TOO_LARGE: { status: 413, title: "The document is too large", retryable: false },
  URI_TOO_LONG: { status: 414, title: "The URL is too long", retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: "The body's media type is not supported", retryable: false },
  SLOT_NOT_OWNED: { status: 421, title: "Another shard owns this slot", retryable: true },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: "The Idempotency-Key was used for another request", retryable: false },
  PRECONDITION_REQUIRED: { status: 428, title: "The collection demands a precondition", retryable: false },
  RATE_LIMITED: { status: 429, title: "Too many requests", retryable: true },
  HEADERS_TOO_LARGE: { status: 431, title: "The request headers are too large", retryable: false },
  INTERNAL: { status: 500, title: "The gateway failed", retryable: false },
  ISSUER_UNAVAILABLE: { status: 503, title: "The keys of the token's issuer cannot be fetched", retryable: true },
  NO_MAP: { status: 503, title: "The shard map is not known yet", retryable: true },
  ROUTE_UNSETTLED: { status: 503, title: "The owner of this key could not be found in time", retryable: true },
  SHARD_UNAVAILABLE: { status: 503, title: "The shard of this range cannot be reached", retryable: true },
  SLOT_MOVING: { status: 503, title: "The slot is moving to another shard", retryable: true },
  OVERLOADED: { status: 503, title: "The shard has too much to do", retryable: true },
  STOPPING: { status: 503, title: "The process is stopping", retryable: true },
  STORAGE_UNAVAILABLE: { status: 503, title: "The shard's storage refuses to work", retryable: true },
  OUTCOME_UNKNOWN: { status: 503, title: "Whether the write was applied is not known", retryable: true },
  DEADLINE_EXCEEDED: { status: 504, title: "The answer took too long", retryable: true },
} as const satisfies Readonly<Record<string, ProblemKind>>;

/** A code of the catalogue. */
export type ProblemCode = keyof typeof PROBLEMS;

/** Media type of an error body. */
export const PROBLEM_TYPE = "application/problem+json";

/** Path under which every edge explains a code. */
export const PROBLEM_PATH = "/problems/";

/** Seconds a client should wait before it repeats a retryable request. */
export const RETRY_AFTER_SECONDS = 1;

/** What one occurrence adds. `extra` members must not repeat the standard ones. */
export interface ProblemOccurrence {
  readonly detail: string;
  readonly requestId: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** RFC 9457 members plus `code`, `retryable`, `requestId`. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly retryable: boolean;
  readonly requestId: string;
}

/** The body of an error answer. */
export function problemBody(code: ProblemCode, occurrence: ProblemOccurrence): ProblemBody {
  const { status, title, retryable } = PROBLEMS[code];
  const { detail, requestId, extra } = occurrence;
  const standard = { type: PROBLEM_PATH + code, title, status, detail, code, retryable, requestId };
  // Once for the order in which people read them, once so that nothing else takes their place.
  return { ...standard, ...extra, ...standard };
}

/** Whether `text` is a code of the catalogue. */
export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}
