/**
 * Which headers cross the edge: the client's that a shard is to see, and the shard's that a client is to see.
 * Both are lists of what passes, so nothing internal leaks in either direction.
 */
import { SIGNED_CLIENT_HEADERS } from "../router/contract.ts";
import { EdgeProblem } from "./edge-problem.ts";

const TO_CLIENT = [
  "content-type",
  "etag",
  "last-modified",
  "allow",
  "accept-patch",
  "retry-after",
  "idempotency-replayed",
  "location",
] as const;

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

/** A shard's answer as the client may see it; `body` null takes its body away. */
export function answerToClient(response: Response, body: ReadableStream<Uint8Array> | null = response.body): Response {
  const headers = new Headers();
  for (const name of TO_CLIENT) {
    const value = response.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(body, { status: response.status, headers });
}
