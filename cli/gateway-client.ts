/**
 * Requests to a running gateway, as any client makes them: bearer token, JSON, problem bodies as errors.
 * It must not repeat a request; whoever knows whether that is harmless does.
 */
import { Pool } from "undici";
import { parseFields } from "./data-directory.ts";
import { CliFailure, errorCode, errorLine } from "./failure.ts";

/** One request. `path` begins with a slash and is percent-encoded. */
export interface GatewayRequest {
  readonly method: "GET" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One answer, its body read. Header names are in lower case. */
export interface GatewayAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Makes a bearer token for the next request, or null to send none. */
export type TokenSource = () => Promise<string | null>;

/** How to reach a gateway. */
export interface GatewayOptions {
  readonly url: string;
  readonly token: TokenSource;
  readonly connections?: number;
}

const REQUEST_TIMEOUT_MS = 30_000;

/** A client of one gateway; it holds connections until closed. */
export class GatewayClient {
  readonly url: string;
  readonly #token: TokenSource;
  readonly #pool: Pool;

  constructor({ url, token, connections = 1 }: GatewayOptions) {
    this.url = url;
    this.#token = token;
    this.#pool = new Pool(url, {
      connections,
      headersTimeout: REQUEST_TIMEOUT_MS,
      bodyTimeout: REQUEST_TIMEOUT_MS,
      connectTimeout: 5000,
    });
  }

  /** Sends the request once. Rejects when no answer came. */
  async send(request: GatewayRequest): Promise<GatewayAnswer> {
    const token = await this.#token();
    const { statusCode, headers, body } = await this.#pool.request({
      method: request.method,
      path: request.path,
      headers: { ...request.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    const flat = Object.entries(headers).map(([name, value]) => [name, String(value ?? "")] as const);
    return { status: statusCode, headers: Object.fromEntries(flat), body: await body.text() };
  }

  /** Sends the request once and explains when no answer comes. Throws `CliFailure`. */
  reach(request: GatewayRequest): Promise<GatewayAnswer> {
    return this.send(request).catch((error: unknown) => {
      throw unreachable(this.url, error);
    });
  }

  /** Sends the request once and explains every answer that is not a success. Throws `CliFailure`. */
  async demand(request: GatewayRequest): Promise<GatewayAnswer> {
    const answer = await this.reach(request);
    if (!isSuccess(answer)) throw refusal(answer);
    return answer;
  }

  /** Closes the connections, cutting what is under way. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** Whether the request was done. */
export function isSuccess({ status }: GatewayAnswer): boolean {
  return status >= 200 && status <= 299;
}

/** What a problem body says. */
export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly requestId: string | null;
}

/** Reads the problem body of an answer; says what it can when there is none. */
export function problemOf(answer: GatewayAnswer): Problem {
  const { code, detail, title, requestId }: { readonly [name: string]: unknown } = parseFields(answer.body) ?? {};
  const sentence = typeof detail === "string" ? detail : typeof title === "string" ? title : "no explanation was given";
  return {
    code: typeof code === "string" ? code : `HTTP_${answer.status}`,
    detail: sentence,
    requestId: typeof requestId === "string" ? requestId : null,
  };
}

const HINTS: Readonly<{ [status: number]: string }> = {
  401: "bring a token with --token or ZGATE_TOKEN, or name the instance's directory with --data DIR",
  403: "make a token with the permission: zgate token --permissions COLLECTION:write",
  412: "read the document again and repeat with its ETag: --if-match ETAG",
  428: "this collection wants a precondition: --if-match ETAG, or --if-none-match '*' to create",
};

/** An answer that is no success, as a failure of the command. */
export function refusal(answer: GatewayAnswer): CliFailure {
  const { code, detail, requestId } = problemOf(answer);
  const id = requestId === null ? "" : `, request ${requestId}`;
  const hint = HINTS[answer.status] ?? (answer.status === 503 ? "try again in a moment" : undefined);
  return new CliFailure(`${detail} (${answer.status} ${code}${id})`, {
    reason: code,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** No answer came. */
function unreachable(url: string, error: unknown): CliFailure {
  const refused = errorCode(error) === "ECONNREFUSED";
  return new CliFailure(`the gateway at ${url} ${refused ? "is not running" : `did not answer: ${errorLine(error)}`}`, {
    hint: "start one with `npm start`, or name another with --url URL",
    cause: error,
  });
}
