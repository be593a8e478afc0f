/**
 * A refusal or failure on its way to the client, as the one error class of the edge, and its answer.
 * It must not carry anything that the client may not see; `cause` is for the log only.
 */
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode, problemBody, RETRY_AFTER_SECONDS } from "../router/problem.ts";

/** What a single refusal adds to its code. */
export interface ProblemOptions extends ErrorOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Thrown anywhere in the edge, answered once in exchange.ts. `message` is the detail for the client. */
export class EdgeProblem extends Error {
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options);
    this.name = "EdgeProblem";
    this.code = code;
    this.headers = options.headers ?? {};
    this.extra = options.extra ?? {};
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

/** The RFC 9457 answer. */
export function problemResponse(problem: EdgeProblem, requestId: string): Response {
  const headers = new Headers({ "content-type": PROBLEM_TYPE, "cache-control": "no-store" });
  if (PROBLEMS[problem.code].retryable) headers.set("retry-after", String(RETRY_AFTER_SECONDS));
  for (const [name, value] of Object.entries(problem.headers)) headers.set(name, value);
  const body = problemBody(problem.code, { detail: problem.message, requestId, extra: problem.extra });
  return new Response(`${JSON.stringify(body)}\n`, { status: problem.status, headers });
}
