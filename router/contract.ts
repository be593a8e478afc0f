/**
 * What edge and shards must agree on: header names, the signed text, the 421 body, list positions.
 * It must not sign or send; both sides bring their own cryptography and network.
 */
import { parseShardId, quote, type ShardId, type SlotId } from "./ids.ts";
import { accepted, type Result, refused } from "./result.ts";

/** Headers of the internal hop, in lower case. None of them ever reaches a client. */
export const HEADER = {
  keyId: "zgate-key-id",
  time: "zgate-time",
  signature: "zgate-signature",
  bodyDigest: "zgate-body-sha256",
  /** Issuer and subject of the token, each percent-encoded, a space between; empty without a token. Opaque to shards. */
  subject: "zgate-subject",
  permissions: "zgate-permissions",
  mapVersion: "zgate-map-version",
  slotEpoch: "zgate-slot-epoch",
  op: "zgate-op",
  requestId: "zgate-request-id",
  /** On a list answer: the percent-encoded sort key up to which it is complete; absent when complete. */
  listCovered: "zgate-list-covered",
} as const;

/** Client headers that change what a request means, therefore signed and passed on as they came. */
export const SIGNED_CLIENT_HEADERS = [
  "content-type",
  "content-encoding",
  "if-match",
  "if-none-match",
  "idempotency-key",
] as const;

/** How far a signed request's time may lie from the shard's clock, in milliseconds. */
export const SIGNATURE_WINDOW_MS = 30_000;

/** Largest document, in bytes of JSON, unless a collection sets less. */
export const DOCUMENT_BYTES_MAX = 256 * 1024;

/** Most documents in one list page. */
export const LIST_LIMIT_MAX = 1000;

/** After how many redirects an edge stops believing single answers and reloads the map. */
export const HOPS_MAX = 3;

/** Longest time a shard lets a request wait for a moving slot, in milliseconds. */
export const HOLD_MS_MAX = 2000;

/** Paths that only shards serve. */
export const INTERNAL_PATH = {
  map: "/internal/map",
  health: "/internal/health",
  ownership: "/internal/ownership",
  /** Many slots: their columns, and what lies in them. */
  slots: "/internal/slots",
  /** All rows of one slot, for a move. */
  slotRows: "/internal/slot-rows",
  /** How much the shard can still take. */
  room: "/internal/room",
  /** Takes a wanted change of a slot's columns. */
  ownershipEvents: "/internal/ownership-events",
  /** Told by the other side of a move that requests need not wait for a slot any more. Nothing is decided by it. */
  slotNews: "/internal/slot-news",
} as const;

/** Reads one header; null when it is absent. */
export type HeaderReader = (name: string) => string | null;

/** The request line as it is signed. `query` is without its question mark. */
export interface SignedTarget {
  readonly method: string;
  readonly path: string;
  readonly query: string;
}

const SIGNED_HEADERS: readonly string[] = [
  HEADER.keyId,
  HEADER.time,
  HEADER.bodyDigest,
  HEADER.subject,
  HEADER.permissions,
  HEADER.mapVersion,
  HEADER.slotEpoch,
  HEADER.op,
  HEADER.requestId,
  ...SIGNED_CLIENT_HEADERS,
];

/**
 * The text that the HMAC covers: a line each, so that no two requests share it (a header cannot hold a
 * line break, a path or query is percent-encoded). An absent header differs from an empty one.
 */
export function signedText(target: SignedTarget, header: HeaderReader): string {
  const headers = SIGNED_HEADERS.map((name) => {
    const value = header(name);
    return value === null ? "-" : `=${value}`;
  });
  return ["zgate-1", target.method, target.path, target.query, ...headers].join("\n");
}

/** Body of an internal 421: the slot, and who owned it at `epoch`; `owner` null when the shard cannot say. */
export interface NotOwned {
  readonly slot: SlotId;
  readonly epoch: number;
  readonly owner: ShardId | null;
}

/** Untrusted data to a 421 body. */
export function parseNotOwned(input: unknown): Result<NotOwned, "NOT_A_421_BODY"> {
  const fields = (typeof input === "object" && input !== null ? input : {}) as Readonly<Record<string, unknown>>;
  const slot = fields["slot"];
  const epoch = fields["epoch"];
  const owner = fields["owner"];
  const shard = typeof owner === "string" ? parseShardId(owner) : null;
  const isEpoch = typeof epoch === "number" && Number.isSafeInteger(epoch) && epoch >= 0;
  if (typeof slot === "string" && isEpoch && (owner === null || shard?.ok === true)) {
    return accepted({ slot: slot as SlotId, epoch, owner: shard?.ok === true ? shard.value : null });
  }
  return refused("NOT_A_421_BODY", `expected {slot, epoch, owner: shard id or null}, got ${quote(input)}`);
}
