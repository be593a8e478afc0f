/**
 * Which headers cross the edge: the client's that a shard is to see, and the shard's that a client is to see.
 * Both are lists of what passes, so nothing internal leaks in either direction.
 */
import { SIGNED_CLIENT_HEADERS } from "../router/contract.ts";
import { streamToClient } from "./body-stream.ts";
import { EdgeProblem } from "./edge-problem.ts";

const TO_CLIENT: ReadonlySet<string> = new Set([
  "content-type",
  "etag",
  "last-modified",
  "allow",
  "accept-patch",
  "retry-after",
  "idempotency-replayed",
  "location",
]);

const PRINTABLE = /^[\x20-\x7e]*$/;

/** The client's headers that change what a request means, as they came; 400 for what could be signed in two ways. */
export function headersToShard(headers: Headers): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of SIGNED_CLIENT_HEADERS) {
    const value = headers.get(name);
    if (value === null) continue;
    if (!PRINTABLE.test(value)) {
      throw new EdgeProblem("INVALID_PARAMETER", `expected printable ASCII characters in the header ${name}`);
    }
    passed[name] = value;
  }
  return passed;
}

/** What the edge adds to a shard's answer, or takes away. `body` is the shard's own when it is left out. */
export interface AnswerChange {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: ReadableStream<Uint8Array> | null;
}

/** A shard's answer as the client may see it. */
export function answerToClient(response: Response, change: AnswerChange): Response {
  const headers: Record<string, string> = { ...change.headers };
  for (const [name, value] of response.headers) if (TO_CLIENT.has(name)) headers[name] = value;
  const body = change.body === undefined ? streamToClient(response) : change.body;
  return new Response(body, { status: response.status, headers });
}
