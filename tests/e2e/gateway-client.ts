// A client of a gateway as anybody could write it, and what holds for every answer whatever was asked.
// Must not retry, cache or interpret anything else.

import { Pool } from "undici";
import { expect } from "vitest";
import { isProblemCode, PROBLEMS } from "../../router/problem.ts";
import { createConformanceCheck, readDescription } from "../conformance/openapi.ts";

const conformance = createConformanceCheck(readDescription());

/** One request. `path` is sent as it stands, character by character. `token` goes into Authorization. */
export interface Asked {
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
  readonly token?: string;
}

/** JSON as a client sees it: nothing is known of it. */
export type Json = ReturnType<typeof JSON.parse>;

/** An answer with its body read. Header names in lower case; `""` for one that is absent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  header(name: string): string;
  json(): Json;
}

/** Sends requests over connections of its own. */
export interface GatewayClient {
  readonly url: string;
  send(method: string, path: string, asked?: Asked): Promise<Answer>;
  get(path: string, asked?: Asked): Promise<Answer>;
  /** A JSON document, unless headers say otherwise. */
  put(path: string, value: unknown, asked?: Asked): Promise<Answer>;
  close(): Promise<void>;
}

/** A client of the gateway at `url`. Every answer is checked for what each answer must have. */
export function createGatewayClient(url: string, connections = 64): GatewayClient {
  const pool = new Pool(url, { connections, pipelining: 1 });
  async function send(method: string, path: string, asked: Asked = {}): Promise<Answer> {
    const { headers = {}, body, token } = asked;
    const proof: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await pool.request({
      method,
      path,
      headers: { ...proof, ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : Buffer.from(body) }),
    });
    const flat = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [name, [value ?? ""].flat().join(", ")]),
    );
    const text = await response.body.text();
    const answer: Answer = {
      status: response.statusCode,
      headers: flat,
      text,
      header: (name) => flat[name] ?? "",
      json: () => JSON.parse(text),
    };
    checkAnswer(method, path, answer);
    return answer;
  }
  return {
    url,
    send,
    get: (path, asked) => send("GET", path, asked),
    put: (path, value, asked = {}) =>
      send("PUT", path, {
        ...asked,
        body: typeof value === "string" ? value : JSON.stringify(value),
        headers: { "content-type": "application/json", ...asked.headers },
      }),
    close: () => pool.destroy(),
  };
}

/** What holds for each answer of a gateway: an id, nothing internal, errors from the catalogue only. */
function checkAnswer(method: string, path: string, answer: Answer): void {
  const what = `${method} ${path.slice(0, 120)} -> ${answer.status} ${answer.text.slice(0, 300)}`;
  expect(answer.header("x-request-id"), `${what}: request id`).not.toBe("");
  expect(answer.header("x-content-type-options"), `${what}: nosniff`).toBe("nosniff");
  const internal = Object.keys(answer.headers).filter((name) => name.startsWith("zgate-"));
  expect(internal, `${what}: internal headers`).toEqual([]);
  expect(answer.status, `${what}: 421 is internal`).not.toBe(421);
  if (method === "HEAD") expect(answer.text, `${what}: body of HEAD`).toBe("");
  if (answer.status >= 400 && method !== "HEAD") checkProblem(what, answer);
  const { status, headers, text } = answer;
  expect(conformance({ method, path, status, headers, body: text }), what).toEqual([]);
}

function checkProblem(what: string, answer: Answer): void {
  expect(answer.header("content-type"), what).toMatch(/^application\/problem\+json/);
  const { code, status, title, type, detail, retryable, requestId } = answer.json();
  if (!isProblemCode(code)) throw new Error(`${what}: ${code} is not in the catalogue`);
  const expected = PROBLEMS[code];
  expect({ status, title, type, retryable }, what).toEqual({ ...expected, type: `/problems/${code}` });
  expect(status, what).toBe(answer.status);
  expect(requestId, what).toBe(answer.header("x-request-id"));
  expect(detail, `${what}: a stack`).not.toMatch(/\n\s+at |\.ts:\d+/);
  if (expected.retryable) expect(answer.header("retry-after"), `${what}: Retry-After`).toMatch(/^\d+$/);
}
