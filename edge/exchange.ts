/**
 * One client request from its arrival to its answer: limits on its head, its id, the headers that every answer
 * carries, the one place where errors become answers and log lines.
 * It must not know what is served.
 */
import type { CollectionConfig } from "../config/config.ts";
import { allowOrigin } from "./cors.ts";
import { EdgeProblem, problemResponse } from "./edge-problem.ts";
import type { EdgePorts, RequestLifetime } from "./ports.ts";

/** Longest URL, in characters. */
const URL_LENGTH_MAX = 8 * 1024;

/** Most bytes of request headers, names and values together. */
const HEADER_BYTES_MAX = 16 * 1024;

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** A request under way. `collection` is set as soon as the route is resolved: errors carry its CORS headers too. */
export interface Exchange {
  readonly request: Request;
  readonly requestId: string;
  readonly lifetime: RequestLifetime;
  collection: CollectionConfig | null;
}

/** Answers an exchange, or throws an `EdgeProblem`. */
export type Handler = (exchange: Exchange) => Promise<Response> | Response;

/** Runs `handler` between the checks that every request passes and the headers that every answer carries. */
export async function answerExchange(
  ports: Pick<EdgePorts, "random" | "log">,
  handler: Handler,
  arrival: { readonly request: Request; readonly lifetime: RequestLifetime },
): Promise<Response> {
  const { request, lifetime } = arrival;
  const requestId = requestIdOf(request) ?? ports.random.uuid();
  const exchange: Exchange = { request, requestId, lifetime, collection: null };
  try {
    checkLimits(request);
    return finish(exchange, await handler(exchange), (status) => logFailure(ports.log, exchange, { status }));
  } catch (error) {
    const problem = error instanceof EdgeProblem ? error : unexpected(error);
    const answer = problemResponse(problem, requestId);
    return finish(exchange, answer, (status) => logFailure(ports.log, exchange, { status, problem }));
  }
}

function requestIdOf(request: Request): string | null {
  const given = request.headers.get("x-request-id");
  return given !== null && REQUEST_ID.test(given) ? given : null;
}

function checkLimits(request: Request): void {
  if (request.url.length > URL_LENGTH_MAX) {
    throw new EdgeProblem("URI_TOO_LONG", `expected a URL of at most ${URL_LENGTH_MAX} characters`);
  }
  let bytes = 0;
  for (const [name, value] of request.headers) bytes += name.length + value.length;
  if (bytes > HEADER_BYTES_MAX) {
    throw new EdgeProblem("HEADERS_TOO_LARGE", `expected at most ${HEADER_BYTES_MAX} bytes of headers, got ${bytes}`);
  }
}

function unexpected(cause: unknown): EdgeProblem {
  return new EdgeProblem("INTERNAL", "an unexpected failure; the request id finds it in the log", { cause });
}

function finish(exchange: Exchange, response: Response, onFailure: (status: number) => void): Response {
  response.headers.set("x-request-id", exchange.requestId);
  response.headers.set("x-content-type-options", "nosniff");
  allowOrigin(exchange.collection?.cors ?? null, exchange.request, response.headers);
  if (response.status >= 500) onFailure(response.status);
  return response;
}

/** The stack of a broken assumption is for operators; it never leaves by the answer. */
function logFailure(
  log: EdgePorts["log"],
  exchange: Exchange,
  failure: { readonly status: number; readonly problem?: EdgeProblem },
): void {
  const { status, problem } = failure;
  const isBroken = problem?.code === "INTERNAL";
  const cause = problem?.cause instanceof Error ? problem.cause : null;
  log.write(isBroken ? "error" : "warn", "request-failed", {
    requestId: exchange.requestId,
    method: exchange.request.method,
    collection: exchange.collection?.name ?? null,
    status,
    code: problem?.code ?? "FROM_SHARD",
    detail: problem?.message ?? null,
    cause: (isBroken ? cause?.stack : cause?.message) ?? null,
  });
}
