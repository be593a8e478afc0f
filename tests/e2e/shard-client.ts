// Signed requests to a shard, as an edge sends them, each part of which a test may bend.
// Must not retry, cache or interpret anything.
import { randomUUID } from "node:crypto";
import { Agent } from "undici";
import { HEADER } from "../../router/contract.ts";
import { createSigner } from "../../shards/http/signature.ts";
import { testSigningKeys } from "./shard-process.ts";

export interface ShardRequest {
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly body?: string | Uint8Array;
  /** Client headers and overrides of internal ones. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bends the finished headers after signing. */
  readonly bend?: (headers: Record<string, string>) => void;
  /** Milliseconds by which the signer's clock is off. */
  readonly clockOffsetMs?: number;
}

/** JSON as a client sees it: nothing is known of it. */
export type Json = ReturnType<typeof JSON.parse>;

export interface ShardAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON. */
  json(): Json;
}

/** Headers that an edge puts on a request of a caller who may do everything. */
function edgeHeaders(): Record<string, string> {
  return {
    [HEADER.subject]: "tester",
    [HEADER.permissions]: "carts:read carts:write notes:read notes:write products:read products:write",
    [HEADER.mapVersion]: "1",
    [HEADER.slotEpoch]: "0",
    [HEADER.op]: randomUUID(),
    [HEADER.requestId]: randomUUID(),
  };
}

/** All headers of `asked`, signed. */
export function signRequest(asked: ShardRequest): Record<string, string> {
  const { method = "GET", path, query = "", body } = asked;
  const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  const sign = createSigner(testSigningKeys, { nowMs: () => Date.now() + (asked.clockOffsetMs ?? 0) });
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const headers = sign({ method, path, query }, { ...edgeHeaders(), ...type, ...asked.headers }, bytes);
  asked.bend?.(headers);
  return headers;
}

/** A client of one shard with its own connections. */
export interface ShardClient {
  send(asked: ShardRequest): Promise<ShardAnswer>;
  close(): Promise<void>;
}

export function createShardClient(origin: string, connections = 64): ShardClient {
  const dispatcher = new Agent({ connections });
  return {
    async send(asked) {
      const { method = "GET", path, query = "", body } = asked;
      const target = query === "" ? path : `${path}?${query}`;
      const response = await dispatcher.request({
        origin,
        // As it is: undici's request() would parse and normalise it.
        path: target,
        method,
        headers: signRequest(asked),
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : Buffer.from(body) }),
      });
      const text = await response.body.text();
      return { status: response.statusCode, headers: response.headers, text, json: () => JSON.parse(text) };
    },
    close: () => dispatcher.destroy(),
  };
}
