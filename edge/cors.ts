/**
 * Cross-origin reading as a collection configures it (Fetch Standard, CORS protocol).
 * It must not authorise anything: tokens travel in a header, never in cookies, so no credentials are allowed.
 */
import type { CorsConfig } from "../config/config.ts";

const EXPOSED =
  "ETag, Last-Modified, Link, Retry-After, X-Request-Id, Cache-Status, Age, Idempotency-Replayed, Location, WWW-Authenticate";

const ALLOWED_HEADERS =
  "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Cache-Control, X-Request-Id";

/** Adds to any answer what lets the asking origin read it, and `Vary` where that depends on the origin. */
export function allowOrigin(cors: CorsConfig | null, request: Request, headers: Headers): void {
  if (cors === null) return;
  const isOpen = cors.origins.includes("*");
  if (!isOpen) headers.append("vary", "Origin");
  const origin = request.headers.get("origin");
  if (origin === null || !(isOpen || cors.origins.includes(origin))) return;
  headers.set("access-control-allow-origin", isOpen ? "*" : origin);
  headers.set("access-control-expose-headers", EXPOSED);
}

/** The answer to OPTIONS: a preflight's, where CORS is configured and one was asked, and what is allowed in any case. */
export function answerOptions(cors: CorsConfig | null, request: Request, methods: readonly string[]): Response {
  const allow = methods.join(", ");
  const headers = new Headers({ allow, "cache-control": "no-store" });
  if (cors !== null && request.headers.has("access-control-request-method") && permits(cors, request)) {
    headers.set("access-control-allow-methods", allow);
    headers.set("access-control-allow-headers", ALLOWED_HEADERS);
    headers.set("access-control-max-age", String(Math.floor(cors.maxAgeMs / 1000)));
  }
  return new Response(null, { status: 204, headers });
}

function permits(cors: CorsConfig, request: Request): boolean {
  const origin = request.headers.get("origin");
  return origin !== null && (cors.origins.includes("*") || cors.origins.includes(origin));
}
