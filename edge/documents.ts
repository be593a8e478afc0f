/**
 * One document: GET, HEAD, PUT, PATCH, DELETE. Authorise, then look in the cache, then ask the owner.
 * It must not judge preconditions or bodies of writes; the shard does, where the data is.
 */
import { DOCUMENT_METHODS, requireMethod } from "./allowed-methods.ts";
import { authorise } from "./auth/authorisation.ts";
import type { Identity } from "./auth/identity.ts";
import { type CachedReads, createCachedReads } from "./cache/cached-reads.ts";
import { answerToClient, headersToShard } from "./client-headers.ts";
import { answerOptions } from "./cors.ts";
import { admit, type EdgeParts, forwardRequest } from "./edge-parts.ts";
import { EdgeProblem } from "./edge-problem.ts";
import type { Exchange, Handler } from "./exchange.ts";
import { readRequestBody } from "./request-body.ts";
import { bodyDigest } from "./shard/request-signer.ts";
import type { ForwardRequest } from "./shard/shard-client.ts";
import { type DocumentTarget, findCollection, findDocument, rawPathOf } from "./target.ts";

type WriteMethod = "PUT" | "PATCH" | "DELETE";

/** Problems that say for certain that the write was not applied: a cached copy is still good. */
const NOT_APPLIED: ReadonlySet<string> = new Set(["NO_MAP", "ROUTE_UNSETTLED", "SHARD_UNAVAILABLE"]);

/** Answers `/{collection}/{key}`. */
export function createDocumentHandler(parts: EdgeParts): Handler {
  const cachedReads = createCachedReads(parts);
  return (exchange) => {
    const [, collectionSegment = "", keySegment = ""] = rawPathOf(exchange.request.url).split("/");
    exchange.collection = findCollection(parts.ports.config, collectionSegment);
    const method = requireMethod(exchange.request.method, DOCUMENT_METHODS);
    if (method === "OPTIONS") return answerOptions(exchange.collection.cors, exchange.request, DOCUMENT_METHODS);
    const target = findDocument(exchange.collection, keySegment);
    const isRead = method === "GET" || method === "HEAD";
    return isRead
      ? readDocument({ parts, cachedReads }, exchange, target)
      : writeDocument(parts, exchange, { target, method });
  };
}

interface Reading {
  readonly parts: EdgeParts;
  readonly cachedReads: CachedReads;
}

async function readDocument(reading: Reading, exchange: Exchange, target: DocumentTarget): Promise<Response> {
  const { parts, cachedReads } = reading;
  const { collection } = target;
  const identity = await admit(parts, exchange, (who) => authorise(who, collection, "read"));
  const { cache } = collection;
  if (cache === null) return readFromShard(parts, exchange, { target, identity });
  return cachedReads.read(exchange, target, cache) ?? readFromShard(parts, exchange, { target, identity });
}

async function readFromShard(
  parts: EdgeParts,
  exchange: Exchange,
  what: { readonly target: DocumentTarget; readonly identity: Identity },
): Promise<Response> {
  const { target, identity } = what;
  const { method } = exchange.request;
  const request = forwardRequest(parts, exchange, {
    identity,
    method,
    clientHeaders: headersToShard(exchange.request.headers),
  });
  const response = await forwardTo(parts, exchange, { target, request });
  const headers: Record<string, string> = { "cache-control": privacyOf(target, response.status) };
  if (target.collection.cache !== null) headers["cache-status"] = "zgate; fwd=bypass";
  return answerToClient(response, method === "HEAD" ? { headers, body: null } : { headers });
}

/** Nobody downstream keeps what needs a permission; what is public may be kept, but is asked about each time. */
function privacyOf({ collection }: DocumentTarget, status: number): string {
  if (!collection.isPublic) return "private, no-store";
  return status === 200 || status === 304 ? "no-cache" : "no-store";
}

async function writeDocument(
  parts: EdgeParts,
  exchange: Exchange,
  what: { readonly target: DocumentTarget; readonly method: WriteMethod },
): Promise<Response> {
  const { target } = what;
  const identity = await admit(parts, exchange, (who) => authorise(who, target.collection, "write"));
  const request = await writeRequest(parts, exchange, { ...what, identity });
  try {
    const response = await forwardTo(parts, exchange, { target, request });
    if (mayHaveChanged(response.status)) await forget(parts, target);
    const privacy = target.collection.isPublic ? "no-store" : "private, no-store";
    return answerToClient(response, { headers: { "cache-control": privacy } });
  } catch (error) {
    if (!(error instanceof EdgeProblem && NOT_APPLIED.has(error.code))) await forget(parts, target);
    throw error;
  }
}

async function writeRequest(
  parts: EdgeParts,
  exchange: Exchange,
  what: { readonly target: DocumentTarget; readonly method: WriteMethod; readonly identity: Identity },
): Promise<ForwardRequest> {
  const { headers } = exchange.request;
  const { target, method, identity } = what;
  const clientHeaders = headersToShard(headers);
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new EdgeProblem("UNSUPPORTED_MEDIA_TYPE", "expected a body without Content-Encoding");
  }
  const body =
    method === "DELETE"
      ? null
      : await readRequestBody(parts.ports.clock, exchange.request, target.collection.documentBytesMax);
  const replay = (headers.get("idempotency-key") ?? "") === "" ? "once" : "keyed";
  const digest = await bodyDigest(body);
  return forwardRequest(parts, exchange, { identity, method, clientHeaders, body, bodyDigest: digest, replay });
}

async function forwardTo(
  parts: EdgeParts,
  exchange: Exchange,
  what: { readonly target: DocumentTarget; readonly request: ForwardRequest },
): Promise<Response> {
  const { target, request } = what;
  const maps = parts.maps(target.collection.name);
  const { response } = await parts.forwarder.forward({ request, aim: target.aim, maps, lifetime: exchange.lifetime });
  return response;
}

/** 404 and 412 change nothing, but say that what the client saw, perhaps here, is no longer so. */
function mayHaveChanged(status: number): boolean {
  return status < 400 || status >= 500 || status === 404 || status === 412;
}

async function forget(parts: EdgeParts, { collection, key }: DocumentTarget): Promise<void> {
  if (collection.cache !== null) await parts.cache.drop(parts.cache.urlOf(collection.name, key));
}
