/**
 * Answers in their final form: problems, documents, write results, the internal 421.
 * It must not decide which answer is due. Plain header objects only: the listener writes them without a copy.
 */
import type { NotOwned } from "../../router/contract.ts";
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode, problemBody, RETRY_AFTER_SECONDS } from "../../router/problem.ts";
import type { Row } from "../store/port.ts";
import { formatEntityTag } from "./entity-tag.ts";
import type { Exchange } from "./exchange.ts";

/** Headers of an answer. */
export type AnswerHeaders = Readonly<Record<string, string>>;

/** Why a request is refused; the shape of a refused `Result`. */
export interface Refusal {
  readonly reason: ProblemCode;
  readonly detail: string;
  readonly headers?: AnswerHeaders;
}

const JSON_TYPE = "application/json";

/** Milliseconds since 1970 as an HTTP date (RFC 9110, section 5.6.7). */
export function formatHttpDate(timeMs: number): string {
  return new Date(timeMs).toUTCString();
}

/** A problem from the catalogue. */
export function answerProblem(exchange: Pick<Exchange, "requestId">, refusal: Refusal): Response {
  const { status } = PROBLEMS[refusal.reason];
  const retry: AnswerHeaders = status === 503 ? { "Retry-After": String(RETRY_AFTER_SECONDS) } : {};
  const body = problemBody(refusal.reason, { detail: refusal.detail, requestId: exchange.requestId });
  const headers = { "Content-Type": PROBLEM_TYPE, ...retry, ...refusal.headers };
  return new Response(JSON.stringify(body), { status, headers });
}

/** 200 with the document; for HEAD the same headers and no body. */
export function answerDocument(exchange: Exchange, row: Row): Response {
  const headers: Record<string, string> = {
    ETag: formatEntityTag(row.op),
    "Last-Modified": formatHttpDate(row.modifiedAtMs),
    "Content-Type": JSON_TYPE,
  };
  if (exchange.method !== "HEAD") return new Response(row.json, { status: 200, headers });
  headers["Content-Length"] = String(Buffer.byteLength(row.json));
  return new Response(null, { status: 200, headers });
}

/** 304: the client has this version. */
export function answerNotModified(row: Row): Response {
  const headers = { ETag: formatEntityTag(row.op), "Last-Modified": formatHttpDate(row.modifiedAtMs) };
  return new Response(null, { status: 304, headers });
}

/** A version that a write made. */
export interface WrittenVersion {
  readonly key: string;
  readonly op: string;
  readonly modifiedAtMs: number;
}

/** 201 or 200 after a write that left a document. */
export function answerWritten(status: 200 | 201, version: WrittenVersion, headers: AnswerHeaders): Response {
  const etag = formatEntityTag(version.op);
  const lastModified = formatHttpDate(version.modifiedAtMs);
  return new Response(JSON.stringify({ key: version.key, etag, lastModified }), {
    status,
    headers: { ETag: etag, "Last-Modified": lastModified, "Content-Type": JSON_TYPE, ...headers },
  });
}

/** 204 without a body. */
export function answerNoContent(headers: AnswerHeaders): Response {
  return new Response(null, { status: 204, headers });
}

/** 200 with any JSON value. */
export function answerJson(value: unknown): Response {
  return new Response(JSON.stringify(value), { status: 200, headers: { "Content-Type": JSON_TYPE } });
}

/** 421: another shard owns the slot. Only edges see it. */
export function answerNotOwned(notOwned: NotOwned): Response {
  return new Response(JSON.stringify(notOwned), { status: 421, headers: { "Content-Type": JSON_TYPE } });
}
