/**
 * When a request whose connection was lost may be sent again, and what the client is told otherwise.
 * Pure; it must not know origins or time.
 */
import type { ProblemCode } from "../../router/problem.ts";
import type { Loss } from "./timed-call.ts";

/** What a repetition could do: `safe` nothing (a read), `keyed` nothing (its record is found), `once` apply it twice. */
export type Replay = "safe" | "keyed" | "once";

/** Most times that a request is sent to one shard. */
const SENDS_MAX = 2;

/** A request that got no answer. `sends` counts this one too. */
export interface LostSend {
  readonly replay: Replay;
  readonly sends: number;
  readonly loss: Loss;
  readonly isPastDeadline: boolean;
}

/** `resend`, or the code to give up with. A write that was sent is never said to have failed. */
export function decideAfterLoss(lost: LostSend): "resend" | ProblemCode {
  if (lost.replay !== "once" && lost.sends < SENDS_MAX && !lost.isPastDeadline) return "resend";
  if (lost.replay !== "safe") return "OUTCOME_UNKNOWN";
  return lost.loss === "timeout" || lost.isPastDeadline ? "DEADLINE_EXCEEDED" : "SHARD_UNAVAILABLE";
}

/** The code when there is no origin left to send to. */
export function decideUnreachable(replay: Replay, sends: number): ProblemCode {
  return sends > 0 && replay !== "safe" ? "OUTCOME_UNKNOWN" : "SHARD_UNAVAILABLE";
}

/**
 * Whether an answer says what became of a write that may have been applied by an earlier send: only one that the owner
 * gives by the record of its key does. A refusal for want of time or room says nothing of the first send.
 */
export function isVerdict(status: number): boolean {
  return status < 500 && status !== 408 && status !== 421 && status !== 429;
}
