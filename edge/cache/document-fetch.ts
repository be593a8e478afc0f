/**
 * A public document from its owner, kept in the cache while the client gets it. It is asked for as nobody in particular,
 * so that no cached answer depends on who asked first.
 * It must not decide whether the shard is to be asked.
 */
import type { CacheConfig } from "../../config/config.ts";
import { ANONYMOUS } from "../auth/identity.ts";
import { answerToClient } from "../client-headers.ts";
import { type EdgeParts, forwardRequest } from "../edge-parts.ts";
import type { Exchange } from "../exchange.ts";
import type { DocumentTarget } from "../target.ts";
import { answerDocument, needsBody } from "./document-answer.ts";
import type { CachedDocument, FillTicket } from "./document-cache.ts";

/** One read of a cached collection. `entry` is what the cache holds, however old; null for nothing. */
export interface CachedRead {
  readonly exchange: Exchange;
  readonly target: DocumentTarget;
  readonly cache: CacheConfig;
  readonly url: string;
  readonly entry: CachedDocument | null;
}

/** The owner's answer, and the permission to keep it. */
export interface Fetched {
  readonly ticket: FillTicket;
  readonly response: Response;
}

/** Why the shard was asked (RFC 9211 section 2.2). */
export type ForwardReason = "uri-miss" | "stale" | "request";

/** Asks the owner for the document, or whether the one in `entry` is still the one. Rejects with an `EdgeProblem`. */
export async function fetchDocument(parts: EdgeParts, read: CachedRead): Promise<Fetched> {
  const { exchange, target, url, entry } = read;
  const ticket = parts.cache.beginFill(url);
  const clientHeaders: Record<string, string> = entry === null ? {} : { "if-none-match": entry.etag };
  const { response } = await parts.forwarder.forward({
    request: forwardRequest(parts, exchange, { identity: ANONYMOUS, clientHeaders, answer: "whole" }),
    aim: target.aim,
    maps: parts.maps(target.collection.name),
    lifetime: exchange.lifetime,
  });
  return { ticket, response };
}

/** Keeps what is worth keeping, and answers the client at the same time. */
export function answerFetched(
  parts: EdgeParts,
  read: CachedRead,
  fetched: Fetched & { reason: ForwardReason },
): Response {
  const { request, lifetime } = read.exchange;
  const { response, ticket, reason } = fetched;
  const forwarded = `zgate; fwd=${reason}; fwd-status=${response.status}`;
  const document = documentOf(response, read.entry);
  discardSuperseded(read, response.status);
  if (document === null) {
    forgetDeleted(parts, read, response.status);
    const headers = { "cache-control": "no-store", "cache-status": forwarded };
    return answerToClient(response, request.method === "HEAD" ? { headers, body: null } : { headers });
  }
  const [sent, kept] = needsBody(request, document.etag) ? divide(document.body) : [null, document.body];
  lifetime.waitUntil(keep(parts, read, { ticket, response, document: { ...document, body: kept } }));
  const cacheStatus = `${forwarded}; stored`;
  return answerDocument(request, {
    document: { ...document, body: sent },
    cache: read.cache,
    cacheStatus,
    ageMs: null,
  });
}

/** Brings the cache up to date without a client waiting. Never rejects. */
export async function revalidateDocument(parts: EdgeParts, read: Omit<CachedRead, "entry">): Promise<void> {
  try {
    const again = { ...read, entry: await parts.cache.find(read.url) };
    const { ticket, response } = await fetchDocument(parts, again);
    const document = documentOf(response, again.entry);
    discardSuperseded(again, response.status);
    if (document !== null) await keep(parts, again, { ticket, response, document });
    else {
      await response.body?.cancel();
      forgetDeleted(parts, again, response.status);
    }
  } catch (error) {
    parts.ports.log.write("warn", "revalidation-failed", { requestId: read.exchange.requestId, cause: String(error) });
  }
}

interface Keeping extends Fetched {
  readonly document: CachedDocument;
}

async function keep(parts: EdgeParts, read: CachedRead, { ticket, response, document }: Keeping): Promise<void> {
  const length = response.status === 200 ? response.headers.get("content-length") : null;
  const byteLength = length === null ? null : Number(length);
  await parts.cache.store(ticket, { document, byteLength, cache: read.cache });
}

/** The document that the answer stands for: its own, or the one that it confirms; null when there is none to keep. */
function documentOf(response: Response, entry: CachedDocument | null): CachedDocument | null {
  if (response.status === 304) return entry;
  const etag = response.headers.get("etag");
  if (response.status !== 200 || etag === null) return null;
  return {
    etag,
    lastModified: response.headers.get("last-modified") ?? "",
    contentType: response.headers.get("content-type") ?? "application/json",
    storedAtMs: 0,
    body: response.body,
  };
}

/** What the cache gave is not needed unless the owner confirmed it; a body that nobody reads holds on to its source. */
function discardSuperseded({ entry, exchange }: CachedRead, status: number): void {
  const body = entry?.body ?? null;
  if (body !== null && status !== 304) exchange.lifetime.waitUntil(body.cancel());
}

function divide(body: CachedDocument["body"]): readonly [CachedDocument["body"], CachedDocument["body"]] {
  return body === null ? [null, null] : body.tee();
}

function forgetDeleted(parts: EdgeParts, read: CachedRead, status: number): void {
  if (read.entry !== null && status === 404) read.exchange.lifetime.waitUntil(parts.cache.drop(read.url));
}
