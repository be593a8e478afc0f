/**
 * Exceptions to answers: the world's failures to what a client may know, everything else to INTERNAL.
 * It must not let a message or a stack of an exception out; it logs them, once.
 */
import type { ProblemCode } from "../../router/problem.ts";
import { describeError, type Logger } from "../log.ts";
import { StoreError, type StoreFailure } from "../store/port.ts";
import { answerProblem } from "./answer.ts";
import type { Exchange } from "./exchange.ts";

const STORE_PROBLEMS: Readonly<Record<StoreFailure, { readonly reason: ProblemCode; readonly detail: string }>> = {
  busy: { reason: "STORAGE_UNAVAILABLE", detail: "the storage is busy; nothing was changed" },
  full: { reason: "STORAGE_UNAVAILABLE", detail: "the storage is full; nothing was changed" },
  unavailable: { reason: "STORAGE_UNAVAILABLE", detail: "the storage does not answer; nothing was changed" },
  unknown: {
    reason: "OUTCOME_UNKNOWN",
    detail: "the storage did not say whether the write was applied; repeat it with the same Idempotency-Key",
  },
};

/** The answer to an exception, after logging it. */
export function answerFailure(log: Logger, exchange: Exchange, error: unknown): Response {
  const { requestId, method } = exchange;
  log("error", "request-failed", { requestId, method, ...describeError(error) });
  if (error instanceof StoreError) return answerProblem(exchange, STORE_PROBLEMS[error.kind]);
  return answerProblem(exchange, { reason: "INTERNAL", detail: "the failure has been logged under the request id" });
}
