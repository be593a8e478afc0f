/**
 * What each error code means for the one who got it, and what to do. Served under /problems/.
 * It must not repeat the catalogue: status, title and retryable come from router/problem.ts.
 */
import type { ProblemCode } from "../router/problem.ts";

/** One or two sentences for every code. */
export const PROBLEM_ADVICE: Readonly<Record<ProblemCode, string>> = {
  INVALID_KEY:
    "Keys are 1 to 256 bytes of UTF-8, percent-encoded once, without slashes, control characters or dot segments. The detail says what is wrong with this one.",
  INVALID_JSON:
    "The detail says where the body stops being JSON (line and column). Bodies are UTF-8, at most 128 levels deep.",
  INVALID_PARAMETER: "The detail names the query parameter or header, what was expected and what came.",
  INVALID_CURSOR:
    "A cursor continues one list only: the same collection, start, end and prefix. Begin again without a cursor.",
  UNAUTHENTICATED: "Send the header Authorization: Bearer <token>, once. Locally: npx zgate token.",
  INVALID_TOKEN:
    "The detail says why the token is refused: expired, of another issuer or audience, wrongly signed or wrongly encoded. Get a fresh one.",
  INVALID_SIGNATURE:
    "Between edge and shards only: their ZGATE_SIGNING_KEYS differ, or their clocks are more than 30 s apart.",
  FORBIDDEN: "The token is valid but does not list the permission that the detail names.",
  ROUTE_NOT_FOUND: "Resources are /{collection} and /{collection}/{key}; / lists the collections.",
  DOCUMENT_NOT_FOUND: "The owner of this key says that there is no such document. PUT creates it.",
  METHOD_NOT_ALLOWED: "The Allow header lists the methods of this resource.",
  VERSION_CONFLICT: "Somebody published another map version first. Read the map again and plan anew.",
  REQUEST_TIMEOUT: "The request body did not arrive in time. Send the request again.",
  PRECONDITION_FAILED:
    "If-Match or If-None-Match does not hold. The ETag header, if there is one, is that of the current document: read it, decide again.",
  DOCUMENT_TOO_LARGE: "The body, or the document after a merge, is longer than the collection allows.",
  URI_TOO_LONG: "A URL may have at most 8192 characters.",
  UNSUPPORTED_MEDIA_TYPE:
    "PUT takes application/json, PATCH application/merge-patch+json, both without Content-Encoding.",
  SLOT_NOT_OWNED: "Between edge and shards only: the edge sends the request to the owner by itself.",
  IDEMPOTENCY_KEY_REUSED:
    "This Idempotency-Key belongs to an earlier request with another method, key, precondition or body. Use a fresh one.",
  PRECONDITION_REQUIRED: "This collection takes writes only with If-Match or If-None-Match.",
  RATE_LIMITED: "Wait as long as Retry-After says.",
  HEADERS_TOO_LARGE: "Request headers may have at most 16384 bytes in all, a token at most 8192.",
  INTERNAL: "A fault of the gateway. Report it with the request id.",
  ISSUER_UNAVAILABLE: "The token could not be checked because its issuer does not answer. Send the request again.",
  NO_MAP: "The edge has just started and no shard answers yet. Send the request again.",
  ROUTE_UNSETTLED:
    "The shards disagree about this key's owner. Nothing was changed; send the request again. If it lasts, an operator must look.",
  SHARD_UNAVAILABLE:
    "The shard of this range is down or unreachable; other ranges are served. Nothing was changed; send the request again.",
  SLOT_MOVING:
    "The key's slot is moving to another shard and the wait was cut short. Nothing was changed; send the request again.",
  OVERLOADED:
    "The shard refuses work that it could not finish in time. Nothing was changed; wait as long as Retry-After says.",
  STOPPING: "The process that got the request is stopping. Nothing was changed; send the request again.",
  STORAGE_UNAVAILABLE:
    "The shard's storage refuses to work (busy, full or failing). Nothing was changed; send the request again.",
  OUTCOME_UNKNOWN:
    "The write was sent but its answer is lost: it may or may not have been applied. Send it again with an Idempotency-Key (the same one, if it had one), or read the document.",
  DEADLINE_EXCEEDED: "The shard did not answer in time. Send the request again.",
};
