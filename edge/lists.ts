/**
 * `/{collection}`: one page of documents in order, over all shards, with the cursor of the next.
 * It must not cache: a page changes with every write in its range.
 */
import { READ_METHODS, requireMethod } from "./allowed-methods.ts";
import { authorise } from "./auth/authorisation.ts";
import { answerToClient } from "./client-headers.ts";
import { answerOptions } from "./cors.ts";
import { admit, type EdgeParts, forwardRequest } from "./edge-parts.ts";
import { EdgeProblem } from "./edge-problem.ts";
import { encodeQueryValue } from "./encoding.ts";
import type { Exchange, Handler } from "./exchange.ts";
import { type ListIdentity, parseCursor, sealCursor } from "./list/list-cursor.ts";
import { collectPage, type Page, PartRefused } from "./list/list-page.ts";
import { type ListQuery, parseListQuery } from "./list/list-query.ts";
import { joinChunks } from "./request-body.ts";
import type { RequestSigner } from "./shard/request-signer.ts";
import { findCollection, rawPathOf, rawQueryOf } from "./target.ts";

/** Answers `/{collection}`. */
export function createListHandler(parts: EdgeParts): Handler {
  return async (exchange) => {
    const { request } = exchange;
    const collection = findCollection(parts.ports.config, rawPathOf(request.url).slice(1));
    exchange.collection = collection;
    const method = requireMethod(request.method, READ_METHODS);
    if (method === "OPTIONS") return answerOptions(collection.cors, request, READ_METHODS);
    const identity = await admit(parts, exchange, (who) => authorise(who, collection, "read"));
    const query = parseListQuery(rawQueryOf(request.url), collection);
    if (!query.ok) throw new EdgeProblem(query.reason, query.detail);
    const list: ListIdentity = { collection: collection.name, filter: query.value.filter };
    const path = `/${collection.name}`;
    const errand = {
      request: forwardRequest(parts, exchange, { identity, answer: "whole" }),
      maps: parts.maps(collection.name),
      lifetime: exchange.lifetime,
    };
    const range = await rangeFrom(parts.signer, list, query.value);
    // A page of slow parts ends in time for its last one: the client goes on from there instead of meeting the deadline.
    const { clock, config } = parts.ports;
    const lastPartAtMs = errand.request.deadlineMs - config.edge.totalTimeoutMs / 2;
    const hasTime = (): boolean => clock.nowMs() < lastPartAtMs;
    try {
      const page = await collectPage(parts.forwarder, { range, limit: query.value.limit, path, hasTime, errand });
      const next = page.next === null ? null : await sealCursor(parts.signer, list, page.next);
      return answerPage(exchange, page, next === null ? null : { cursor: next, link: linkTo(path, query.value, next) });
    } catch (error) {
      if (error instanceof PartRefused) return passOn(exchange, error.response);
      throw error;
    }
  };
}

/** What is left of the list: from the cursor on, if there is one. */
async function rangeFrom(signer: RequestSigner, list: ListIdentity, query: ListQuery): Promise<ListQuery["range"]> {
  if (query.cursor === null) return query.range;
  const start = await parseCursor(signer, list, query.cursor);
  if (start !== null) return { ...query.range, start };
  const detail = "the cursor was not given for this collection with this start, end and prefix; begin without one";
  throw new EdgeProblem("INVALID_CURSOR", detail);
}

function linkTo(path: string, { filter, limit }: ListQuery, cursor: string): string {
  const parameters = Object.entries({ ...filter, limit: String(limit), cursor });
  const query = parameters.flatMap(([name, value]) => (value === null ? [] : [`${name}=${encodeQueryValue(value)}`]));
  return `<${path}?${query.join("&")}>; rel="next"`;
}

interface Next {
  readonly cursor: string;
  readonly link: string;
}

function answerPage({ request, collection }: Exchange, page: Page, next: Next | null): Response {
  const headers = new Headers({
    "content-type": "application/json",
    "cache-control": collection?.isPublic === true ? "no-store" : "private, no-store",
  });
  if (next !== null) headers.set("link", next.link);
  if (request.method === "HEAD") return new Response(null, { headers });
  const encoder = new TextEncoder();
  const head = encoder.encode('{"items":[');
  const tail = encoder.encode(`],"next":${JSON.stringify(next?.cursor ?? null)}}\n`);
  const chunks = [head, ...page.items, tail];
  return new Response(joinChunks(chunks), { headers });
}

function passOn({ request }: Exchange, response: Response): Response {
  const headers = { "cache-control": "no-store" };
  return answerToClient(response, request.method === "HEAD" ? { headers, body: null } : { headers });
}
