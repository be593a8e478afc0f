/**
 * The table of what a shard answers. Everything but health is signed, unknown paths too.
 * It must not hold logic of its own beyond choosing the handler.
 */
import { type IRequest, Router } from "itty-router";
import { INTERNAL_PATH } from "../../router/contract.ts";
import { answerProblem } from "./answer.ts";
import { listDocuments } from "./document-list.ts";
import { readDocument } from "./document-read.ts";
import { writeDocument } from "./document-write.ts";
import type { Exchange } from "./exchange.ts";
import { createFailureAnswers } from "./failure.ts";
import { answerHealth, answerMap, answerOwnership } from "./internal.ts";
import { hasBody, isSignedEmpty, readBody } from "./request-body.ts";
import type { ShardServices } from "./shard-services.ts";
import { answerOwnershipEvent, answerRoom, answerSlotNews, answerSlotRows, answerSlots } from "./slot-routes.ts";

/** Longest request target, in characters: three percent-encoded sort keys and their names fit in. */
const TARGET_LENGTH_MAX = 4096;

/** A request without a document to send may carry this many bytes anyway; they are read to check their digest. */
const IGNORED_BODY_BYTES_MAX = 1024;

const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

type Answer = Response | Promise<Response>;
type Handler = (services: ShardServices, exchange: Exchange) => Answer;
type RouteHandler = (request: IRequest, exchange: Exchange) => Answer | Promise<Response | undefined> | undefined;

/** Answers one request; never rejects. */
export type ShardRoutes = (request: Request, exchange: Exchange) => Promise<Response>;

/** The routes of one shard. */
export function createRoutes(services: ShardServices): ShardRoutes {
  const on = (handler: Handler): RouteHandler => {
    return (_request, exchange) => handler(services, exchange);
  };
  const answerFailure = createFailureAnswers(services);
  const router = Router<IRequest, [Exchange]>({
    before: [(_request: IRequest, exchange: Exchange) => refuseUnsigned(services, exchange)],
    catch: (error: unknown, _request: IRequest, exchange: Exchange) => answerFailure(exchange, error),
  });
  const document = "/:collection/:key";
  const collection = "/:collection";
  router
    .get(INTERNAL_PATH.health, on(answerHealth))
    .get(INTERNAL_PATH.map, on(answerMap))
    .get(INTERNAL_PATH.ownership, on(answerOwnership))
    .get(INTERNAL_PATH.slots, on(answerSlots))
    .get(INTERNAL_PATH.room, on(answerRoom))
    .get(INTERNAL_PATH.slotRows, on(answerSlotRows))
    .post(INTERNAL_PATH.ownershipEvents, on(answerOwnershipEvent))
    .post(INTERNAL_PATH.slotNews, on(answerSlotNews))
    .all("/internal/*", on(refuseInternal))
    .get(document, on(readDocument))
    .head(document, on(readDocument))
    .put(document, on(writeDocument))
    .patch(document, on(writeDocument))
    .delete(document, on(writeDocument))
    .all(document, on(refuseMethod("GET, HEAD, PUT, PATCH, DELETE")))
    .get(collection, on(listDocuments))
    .all(collection, on(refuseMethod("GET")))
    .all("*", on(refuseRoute));
  return (request, exchange) => {
    if (!exchange.path.startsWith("/internal/")) services.traffic.note();
    return router.fetch(request, exchange);
  };
}

/** Undefined lets the request go on. Requests that have no use for a body are checked here whole. */
function refuseUnsigned(
  services: ShardServices,
  exchange: Exchange,
): Promise<Response | undefined> | Response | undefined {
  const { method, path } = exchange;
  if (path === INTERNAL_PATH.health) return undefined;
  const fault = services.verify(exchange, exchange.header);
  if (fault !== null) return answerProblem(exchange, { reason: "INVALID_SIGNATURE", detail: fault });
  if (path.length + exchange.query.length > TARGET_LENGTH_MAX) {
    return answerProblem(exchange, {
      reason: "URI_TOO_LONG",
      detail: `expected at most ${TARGET_LENGTH_MAX} characters`,
    });
  }
  if (DOT_SEGMENT.test(path)) {
    return answerProblem(exchange, { reason: "INVALID_KEY", detail: "the path holds a segment . or .." });
  }
  if (method === "PUT" || method === "PATCH" || method === "DELETE") return undefined;
  if (method === "POST" && POSTED_PATHS.has(path)) return undefined;
  if (!hasBody(exchange.incoming) && isSignedEmpty(exchange)) return undefined;
  return refuseIgnoredBody(exchange);
}

async function refuseIgnoredBody(exchange: Exchange): Promise<Response | undefined> {
  const body = await readBody(exchange, IGNORED_BODY_BYTES_MAX);
  return body.ok ? undefined : answerProblem(exchange, body);
}

function refuseMethod(allow: string): Handler {
  return (services, exchange) => {
    const name = exchange.path.split("/")[1] ?? "";
    if (!services.collections.has(name)) return refuseRoute(services, exchange);
    const detail = `expected one of ${allow}`;
    return answerProblem(exchange, { reason: "METHOD_NOT_ALLOWED", detail, headers: { Allow: allow } });
  };
}

const INTERNAL_PATHS: ReadonlySet<string> = new Set(Object.values(INTERNAL_PATH));
const POSTED_PATHS: ReadonlySet<string> = new Set([INTERNAL_PATH.ownershipEvents, INTERNAL_PATH.slotNews]);

function refuseInternal(services: ShardServices, exchange: Exchange): Response | Promise<Response> {
  if (!INTERNAL_PATHS.has(exchange.path)) return refuseRoute(services, exchange);
  const method = POSTED_PATHS.has(exchange.path) ? "POST" : "GET";
  const refusal = { reason: "METHOD_NOT_ALLOWED", detail: `expected ${method}`, headers: { Allow: method } } as const;
  return answerProblem(exchange, refusal);
}

function refuseRoute(_services: ShardServices, exchange: Exchange): Response {
  return answerProblem(exchange, {
    reason: "ROUTE_NOT_FOUND",
    detail: "expected /{collection} or /{collection}/{key}",
  });
}
