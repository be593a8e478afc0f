/**
 * What a client is told when the way to a shard failed it.
 * It must not decide which failure it was.
 */
import type { ProblemCode } from "../../router/problem.ts";
import { EdgeProblem } from "../edge-problem.ts";

const DETAILS: Partial<Record<ProblemCode, string>> = {
  OUTCOME_UNKNOWN:
    "the shard did not answer, so whether the write was applied is not known; " +
    "send it again with an Idempotency-Key (the same one, if it had one) to learn the one true outcome",
  SHARD_UNAVAILABLE: "the shard of this range cannot be reached; other ranges are not affected",
  DEADLINE_EXCEEDED: "the shard did not answer in time",
};

/** The problem with the words that belong to its code. */
export function shardProblem(code: ProblemCode, cause?: unknown): EdgeProblem {
  return new EdgeProblem(code, DETAILS[code] ?? "the shard did not answer", { cause });
}
