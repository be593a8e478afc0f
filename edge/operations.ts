/**
 * What the gateway says about itself: what it serves, whether it is alive and ready, what its error codes mean, its maps.
 * It must not serve documents, nor tell anybody without a permission who owns what.
 */

import { OPERATE_PERMISSION } from "../router/permissions.ts";
import { isProblemCode, PROBLEM_PATH, PROBLEMS, type ProblemCode } from "../router/problem.ts";
import { shardsOf } from "../router/shard-map.ts";
import { READ_METHODS, requireMethod } from "./allowed-methods.ts";
import { requirePermission } from "./auth/authorisation.ts";
import { answerOptions } from "./cors.ts";
import { admit, type EdgeParts } from "./edge-parts.ts";
import { EdgeProblem } from "./edge-problem.ts";
import type { Exchange, Handler } from "./exchange.ts";
import { PROBLEM_ADVICE } from "./problem-advice.ts";
import { findCollection, rawPathOf } from "./target.ts";

/** Makes a handler for GET, HEAD and OPTIONS out of one for GET. */
export function readOnly(handler: Handler): Handler {
  return async (exchange) => {
    const method = requireMethod(exchange.request.method, READ_METHODS);
    if (method === "OPTIONS") return answerOptions(null, exchange.request, READ_METHODS);
    const answer = await handler(exchange);
    return method === "HEAD" ? new Response(null, answer) : answer;
  };
}

/** `/`: what is served here. */
export function describeGateway(parts: EdgeParts): Handler {
  const collections = [...parts.ports.config.collections.values()].map(({ name, placement, isPublic }) => ({
    name,
    path: `/${name}`,
    kind: placement.kind,
    read: isPublic ? "public" : "permission",
  }));
  const links = { health: "/healthz", ready: "/readyz", problems: "/problems" };
  return () => answerJson(200, { name: "zgate", collections, links });
}

/** `/healthz`: this edge's own state; 200 as long as it runs. */
export function reportHealth(parts: EdgeParts): Handler {
  return () => {
    const nowMs = parts.ports.clock.nowMs();
    const maps = [...parts.ports.config.collections.keys()].map((collection) => {
      const holder = parts.maps(collection);
      const confirmedAtMs = holder.confirmedAtMs();
      const version = holder.hints().map?.version ?? null;
      return {
        collection,
        version,
        ageSeconds: confirmedAtMs === null ? null : Math.floor((nowMs - confirmedAtMs) / 1000),
      };
    });
    return answerJson(200, { status: "ok", maps });
  };
}

/** `/readyz`: 200 with a map of each collection and a reachable shard for each range; else 503 with what is missing. */
export function reportReadiness(parts: EdgeParts): Handler {
  return async ({ lifetime }) => {
    const missing: string[] = [];
    const shards = new Set<Parameters<typeof parts.shards.isReachable>[0]>();
    for (const collection of parts.ports.config.collections.keys()) {
      const { map } = await parts.maps(collection).current(lifetime);
      if (map === null) missing.push(`map ${collection}`);
      else for (const shard of shardsOf(map)) shards.add(shard);
    }
    const reached = await Promise.all(
      [...shards].map(async (shard) => ({ shard, isUp: await parts.shards.isReachable(shard) })),
    );
    for (const { shard, isUp } of reached) if (!isUp) missing.push(`shard ${shard}`);
    if (missing.length === 0) return answerJson(200, { status: "ready" });
    const code = missing.some((part) => part.startsWith("map ")) ? "NO_MAP" : "SHARD_UNAVAILABLE";
    throw new EdgeProblem(code, `not ready: ${missing.join(", ")}`, { extra: { missing } });
  };
}

/** `/maps/{collection}`: the map that this edge goes by. `Cache-Control: no-cache` asks the shards first. */
export function showMap(parts: EdgeParts): Handler {
  return async (exchange) => {
    await admit(parts, exchange, (who) => requirePermission(who, OPERATE_PERMISSION));
    const collection = findCollection(parts.ports.config, lastSegmentOf(exchange));
    const holder = parts.maps(collection.name);
    const isFresh = exchange.request.headers.get("cache-control")?.includes("no-cache") === true;
    const { map } = await (isFresh ? holder.reload() : holder.current(exchange.lifetime));
    if (map === null) throw new EdgeProblem("NO_MAP", "no shard could be asked for the shard map");
    const { version, ranges } = map;
    return answerJson(200, { collection: map.collection, version, ranges });
  };
}

/** `/problems`: all codes. */
export function listProblems(): Handler {
  const entries = Object.keys(PROBLEMS).filter(isProblemCode).map(describeProblem);
  return () => answerJson(200, { problems: entries });
}

/** `/problems/{CODE}`: one code for people, as HTML where the client prefers it. */
export function explainProblem(): Handler {
  return (exchange) => {
    const code = lastSegmentOf(exchange);
    if (!isProblemCode(code))
      throw new EdgeProblem("ROUTE_NOT_FOUND", "there is no such code; /problems lists all of them");
    const { status, title, retryable } = PROBLEMS[code];
    const advice = retryable ? "The same request may be sent again." : "Sending the same request again will not help.";
    const wantsHtml = exchange.request.headers.get("accept")?.includes("text/html") === true;
    const text = `${code} (${status})\n\n${title}.\n${PROBLEM_ADVICE[code]}\n${advice}\n`;
    return wantsHtml ? answerText("text/html", htmlOf(code, advice)) : answerText("text/plain", text);
  };
}

/** Everything else. */
export function refuseRoute(): Handler {
  return () => {
    throw new EdgeProblem(
      "ROUTE_NOT_FOUND",
      "resources are /{collection} and /{collection}/{key}; / lists the collections",
    );
  };
}

function lastSegmentOf({ request }: Exchange): string {
  return rawPathOf(request.url).split("/").at(-1) ?? "";
}

function describeProblem(code: ProblemCode): object {
  return { code, ...PROBLEMS[code], advice: PROBLEM_ADVICE[code], type: PROBLEM_PATH + code };
}

function htmlOf(code: ProblemCode, advice: string): string {
  const { status, title } = PROBLEMS[code];
  const explained = escapeHtml(PROBLEM_ADVICE[code]);
  return `<!doctype html><html lang="en"><title>${code}</title><h1>${code} (${status})</h1><p>${escapeHtml(title)}.</p><p>${explained}</p><p>${advice}</p></html>\n`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function answerJson(status: number, value: unknown): Response {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return new Response(`${JSON.stringify(value)}\n`, { status, headers });
}

function answerText(type: string, text: string): Response {
  const headers = { "content-type": `${type}; charset=utf-8`, "cache-control": "public, max-age=3600", vary: "Accept" };
  return new Response(text, { headers });
}
