/**
 * One request as it came in: the raw request line, its headers, its id.
 * It must not interpret them; what is signed is exactly this.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { HEADER, type HeaderReader, type SignedTarget } from "../../router/contract.ts";

/** One request. `path` and `query` are raw: never decoded, never normalised. */
export interface Exchange extends SignedTarget {
  readonly incoming: IncomingMessage;
  readonly header: HeaderReader;
  readonly requestId: string;
}

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** Takes a request apart. */
export function openExchange(incoming: IncomingMessage): Exchange {
  const url = incoming.url ?? "";
  const mark = url.indexOf("?");
  const header = readerOf(incoming);
  return {
    incoming,
    header,
    method: incoming.method ?? "",
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? "" : url.slice(mark + 1),
    requestId: requestIdOf(header(HEADER.requestId)),
  };
}

/** The id to answer and log under: the edge's, or a fresh one. */
function requestIdOf(header: string | null): string {
  return header !== null && REQUEST_ID.test(header) ? header : randomUUID();
}

function readerOf(incoming: IncomingMessage): HeaderReader {
  const { headers } = incoming;
  return (name) => {
    const value = headers[name];
    return typeof value === "string" ? value : null;
  };
}
