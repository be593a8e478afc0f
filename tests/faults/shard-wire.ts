/**
 * One client's connection to the shards: a signed request and what came of it, told apart by whether it can have had an
 * effect. It must not repeat anything.
 */
import { Agent, type Dispatcher } from "undici";
import type { RequestSigner, SignedRequest } from "./signed-request.ts";

/** An answer, whole. */
export interface WireAnswer {
  readonly kind: "answer";
  readonly status: number;
  /** Of the problem, where the answer is one. */
  readonly code: string;
  readonly op: string | null;
  readonly hasRetryAfter: boolean;
  readonly header: (name: string) => string | null;
  readonly text: string;
}

/** `not-sent`: there was no connection. `lost`: it may have been sent, and no whole answer came. */
export type WireOutcome =
  | WireAnswer
  | { readonly kind: "not-sent" }
  | { readonly kind: "lost"; readonly reason: string };

/** Longer than a shard may take to find out what became of a write. */
const ANSWER_MS_MAX = 9000;
const CONNECT_MS_MAX = 2000;

const NOT_SENT: ReadonlySet<string> = new Set(["ECONNREFUSED", "UND_ERR_CONNECT_TIMEOUT"]);

/** Connections of one client, one to each origin. */
export class ShardWire {
  readonly #sign: RequestSigner;
  readonly #clockOffsetMs: () => number;
  #agent = newAgent();

  constructor(sign: RequestSigner, clockOffsetMs: () => number) {
    this.#sign = sign;
    this.#clockOffsetMs = clockOffsetMs;
  }

  /** Never rejects. */
  async send(origin: string, request: SignedRequest): Promise<WireOutcome> {
    const { method, path, query, body } = request;
    try {
      const response = await this.#agent.request({
        origin,
        path: query === "" ? path : `${path}?${query}`,
        method,
        headers: this.#sign(request, this.#clockOffsetMs()),
        body,
      });
      return answerOf(response, await response.body.text());
    } catch (error) {
      const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
      return NOT_SENT.has(reason) ? { kind: "not-sent" } : { kind: "lost", reason };
    }
  }

  /** The next request finds its way to some worker anew. */
  async reconnect(): Promise<void> {
    const old = this.#agent;
    this.#agent = newAgent();
    await old.destroy();
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

function newAgent(): Agent {
  return new Agent({
    connections: 1,
    headersTimeout: ANSWER_MS_MAX,
    bodyTimeout: ANSWER_MS_MAX,
    connect: { timeout: CONNECT_MS_MAX },
  });
}

function answerOf({ statusCode, headers }: Dispatcher.ResponseData, text: string): WireAnswer {
  const header = (name: string): string | null => {
    const value = headers[name];
    return typeof value === "string" ? value : null;
  };
  const isProblem = header("content-type")?.startsWith("application/problem+json") === true;
  return {
    kind: "answer",
    status: statusCode,
    code: isProblem ? String(JSON.parse(text).code) : "",
    op: header("etag")?.replaceAll('"', "") ?? null,
    hasRetryAfter: header("retry-after") !== null,
    header,
    text,
  };
}
