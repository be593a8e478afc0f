// Requests as an edge signs them, for processes that are no test. Must not send anything.
import { randomUUID } from "node:crypto";
import { parseSigningKeys } from "../../config/signing-keys.ts";
import { HEADER } from "../../router/contract.ts";
import { createSigner } from "../../shards/http/signature.ts";

/** What is asked of a shard. `headers` may replace any that the signer would choose. */
export interface SignedRequest {
  readonly method: "GET" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** All headers of a request, signed at the time of its clock. */
export type RequestSigner = (request: SignedRequest, clockOffsetMs: number) => Record<string, string>;

const PERMISSIONS = ["carts", "notes", "products"].flatMap((name) => [`${name}:read`, `${name}:write`]).join(" ");

/** `keysText`: as in the environment of shards and edges. */
export function createRequestSigner(keysText: string): RequestSigner {
  const keys = parseSigningKeys(keysText);
  let offsetMs = 0;
  const sign = createSigner(keys, { nowMs: () => Date.now() + offsetMs });
  return ({ method, path, query, headers, body }, clockOffsetMs) => {
    offsetMs = clockOffsetMs;
    const type: Record<string, string> = body === null ? {} : { "content-type": "application/json" };
    const all = { ...edgeHeaders(), ...type, ...headers };
    return sign({ method, path, query }, all, body === null ? undefined : Buffer.from(body));
  };
}

function edgeHeaders(): Record<string, string> {
  return {
    [HEADER.subject]: "tester",
    [HEADER.permissions]: PERMISSIONS,
    [HEADER.mapVersion]: "1",
    [HEADER.slotEpoch]: "0",
    [HEADER.op]: randomUUID(),
    [HEADER.requestId]: randomUUID(),
  };
}
