// A request as a shard's routes take it, without a socket. Must not hold more of `IncomingMessage` than the routes use.
import type { IncomingMessage } from "node:http";
import { HEADER } from "../../router/contract.ts";
import type { Exchange } from "../../shards/http/exchange.ts";
import { digestBody } from "../../shards/http/signature.ts";

/** A request on the simulated wire. Header names in lower case. */
export interface SimRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

/** The request as it was received. */
export function openSimExchange({ method, path, query, headers, body }: SimRequest): Exchange {
  return {
    method,
    path,
    query,
    header: (name) => headers[name] ?? null,
    requestId: headers[HEADER.requestId] ?? "",
    incoming: new SimIncoming(body) as unknown as IncomingMessage,
  };
}

/** Headers that say what the body is. */
export function bodyHeaders(body: Uint8Array | null): Readonly<Record<string, string>> {
  return { [HEADER.bodyDigest]: digestBody(body ?? new Uint8Array()) };
}

/** A body that is there whole. */
class SimIncoming {
  readonly headers: Readonly<Record<string, string>>;
  readonly #body: Uint8Array | null;
  #onData: ((chunk: Buffer) => void) | null = null;

  constructor(body: Uint8Array | null) {
    this.#body = body;
    this.headers = body === null ? {} : { "content-length": String(body.length) };
  }

  on(event: string, listener: (chunk: Buffer) => void): this {
    if (event === "data") this.#onData = listener;
    if (event === "end") queueMicrotask(() => this.#deliver(listener as unknown as () => void));
    return this;
  }

  off(): this {
    return this;
  }

  pause(): this {
    return this;
  }

  #deliver(onEnd: () => void): void {
    if (this.#body !== null) this.#onData?.(Buffer.from(this.#body));
    onEnd();
  }
}
