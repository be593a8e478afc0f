/**
 * Exceptions to answers: the world's failures to what a client may know, everything else to INTERNAL.
 * It must not let a message or a stack of an exception out; it logs them, once. Failures of the storage come in floods, in each
 * request alike: of each kind one line a second is enough. Of everything else each is logged.
 */
import type { ProblemCode } from "../../router/problem.ts";
import type { Clock } from "../clock.ts";
import { describeError, type Logger } from "../log.ts";
import { LogBound } from "../log-bound.ts";
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
export type AnswerFailure = (exchange: Exchange, error: unknown) => Response;

/** Answers of one process. */
export function createFailureAnswers({ log, clock }: FailureServices): AnswerFailure {
  const bound = new LogBound(clock);
  return (exchange, error) => {
    const { requestId, method } = exchange;
    const fields = { requestId, method, ...describeError(error) };
    if (error instanceof StoreError) {
      bound.write(error.kind, (leftOut) => log("error", "request-failed", { ...fields, ...leftOut }));
      return answerProblem(exchange, STORE_PROBLEMS[error.kind]);
    }
    log("error", "request-failed", fields);
    return answerProblem(exchange, { reason: "INTERNAL", detail: "the failure has been logged under the request id" });
  };
}

/** What the answers stand on. */
export interface FailureServices {
  readonly log: Logger;
  readonly clock: Pick<Clock, "nowMs">;
}
