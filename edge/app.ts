/**
 * The edge as one app: what is served where. The same app runs in production and, with other ports, in tests.
 * It must not choose implementations; worker.ts does.
 */
import { type Context, Hono } from "hono";
import { createDocumentHandler } from "./documents.ts";
import { createEdgeParts } from "./edge-parts.ts";
import { answerExchange, type Handler } from "./exchange.ts";
import { createListHandler } from "./lists.ts";
import {
  describeGateway,
  explainProblem,
  listProblems,
  readOnly,
  refuseRoute,
  reportHealth,
  reportReadiness,
  showMap,
} from "./operations.ts";
import type { EdgePorts, RequestLifetime } from "./ports.ts";
import { rawPathOf } from "./target.ts";

/** Answers client requests; never rejects. */
export interface EdgeApp {
  fetch(request: Request, lifetime: RequestLifetime): Promise<Response>;
}

/** An edge with its own state: maps, verified tokens, what it has noticed about origins. */
export function createEdgeApp(ports: EdgePorts): EdgeApp {
  const parts = createEdgeParts(ports);
  const routes = new Hono({ getPath: (request) => rawPathOf(request.url) });
  const serve = (handler: Handler) => (context: Context) =>
    answerExchange(ports, handler, { request: context.req.raw, lifetime: context.executionCtx });

  routes.all("/", serve(readOnly(describeGateway(parts))));
  routes.all("/healthz", serve(readOnly(reportHealth(parts))));
  routes.all("/readyz", serve(readOnly(reportReadiness(parts))));
  routes.all("/problems", serve(readOnly(listProblems())));
  routes.all("/problems/:code", serve(readOnly(explainProblem())));
  routes.all("/maps/:collection", serve(readOnly(showMap(parts))));
  routes.all("/:collection", serve(createListHandler(parts)));
  // The key may be empty, and is then refused as what it is: a key of no length.
  routes.all("/:collection/:key{[^/]*}", serve(createDocumentHandler(parts)));
  routes.notFound(serve(refuseRoute()));

  return { fetch: async (request, lifetime) => routes.fetch(request, {}, executionContextOf(lifetime)) };
}

/** What Hono asks of a context; the edge itself only needs `waitUntil`. */
function executionContextOf(lifetime: RequestLifetime) {
  return {
    waitUntil: (work: Promise<unknown>) => lifetime.waitUntil(work),
    passThroughOnException: () => undefined,
    props: {},
  };
}
