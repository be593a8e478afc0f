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
import { SegmentRouter } from "./segment-router.ts";
import { rawPathOf } from "./target.ts";

/** Answers client requests; never rejects. */
export interface EdgeApp {
  fetch(request: Request, lifetime: RequestLifetime): Promise<Response>;
}

interface HonoEnv {
  readonly Bindings: { readonly lifetime: RequestLifetime };
}

/** An edge with its own state: maps, verified tokens, what it has noticed about origins. */
export function createEdgeApp(ports: EdgePorts): EdgeApp {
  const parts = createEdgeParts(ports);
  const routes = new Hono<HonoEnv>({
    getPath: (request) => rawPathOf(request.url),
    router: new SegmentRouter(),
  });
  const serve = (handler: Handler) => (context: Context<HonoEnv>) =>
    answerExchange(ports, handler, { request: context.req.raw, lifetime: context.env.lifetime });

  routes.all("/", serve(readOnly(describeGateway(parts))));
  routes.all("/healthz", serve(readOnly(reportHealth(parts))));
  routes.all("/readyz", serve(readOnly(reportReadiness(parts))));
  routes.all("/problems", serve(readOnly(listProblems())));
  routes.all("/problems/:code", serve(readOnly(explainProblem())));
  routes.all("/maps/:collection", serve(readOnly(showMap(parts))));
  routes.all("/:collection", serve(createListHandler(parts)));
  // The key may be empty, and is then refused as what it is: a key of no length.
  routes.all("/:collection/:key", serve(createDocumentHandler(parts)));
  routes.notFound(serve(refuseRoute()));

  return { fetch: async (request, lifetime) => routes.fetch(request, { lifetime }) };
}
