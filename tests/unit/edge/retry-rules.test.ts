// The whole table of what is sent again, and what the client is told when it is not.
// It must not need a network.
import { describe, expect, it } from "vitest";
import { decideAfterLoss, decideUnreachable, isVerdict } from "../../../edge/shard/retry-rules.ts";

describe("after a connection was lost or a time limit passed", () => {
  it.each([
    { replay: "safe", sends: 1, loss: "lost", isPastDeadline: false, decision: "resend" },
    { replay: "safe", sends: 1, loss: "timeout", isPastDeadline: false, decision: "resend" },
    { replay: "safe", sends: 2, loss: "lost", isPastDeadline: false, decision: "SHARD_UNAVAILABLE" },
    { replay: "safe", sends: 2, loss: "timeout", isPastDeadline: false, decision: "DEADLINE_EXCEEDED" },
    { replay: "safe", sends: 1, loss: "lost", isPastDeadline: true, decision: "DEADLINE_EXCEEDED" },
    { replay: "safe", sends: 1, loss: "timeout", isPastDeadline: true, decision: "DEADLINE_EXCEEDED" },
    { replay: "keyed", sends: 1, loss: "lost", isPastDeadline: false, decision: "resend" },
    { replay: "keyed", sends: 1, loss: "timeout", isPastDeadline: false, decision: "resend" },
    { replay: "keyed", sends: 2, loss: "lost", isPastDeadline: false, decision: "OUTCOME_UNKNOWN" },
    { replay: "keyed", sends: 2, loss: "timeout", isPastDeadline: false, decision: "OUTCOME_UNKNOWN" },
    { replay: "keyed", sends: 1, loss: "timeout", isPastDeadline: true, decision: "OUTCOME_UNKNOWN" },
    { replay: "once", sends: 1, loss: "lost", isPastDeadline: false, decision: "OUTCOME_UNKNOWN" },
    { replay: "once", sends: 1, loss: "timeout", isPastDeadline: false, decision: "OUTCOME_UNKNOWN" },
    { replay: "once", sends: 1, loss: "lost", isPastDeadline: true, decision: "OUTCOME_UNKNOWN" },
  ] as const)(
    "$replay, send $sends, $loss, past the deadline: $isPastDeadline → $decision",
    ({ decision, ...lost }) => {
      expect(decideAfterLoss(lost)).toBe(decision);
    },
  );
});

describe("with no origin to send to", () => {
  it.each([
    { replay: "safe", sends: 0, code: "SHARD_UNAVAILABLE" },
    { replay: "safe", sends: 1, code: "SHARD_UNAVAILABLE" },
    { replay: "keyed", sends: 0, code: "SHARD_UNAVAILABLE" },
    { replay: "keyed", sends: 1, code: "OUTCOME_UNKNOWN" },
    { replay: "once", sends: 0, code: "SHARD_UNAVAILABLE" },
  ] as const)("$replay, sent $sends times: $code", ({ replay, sends, code }) => {
    expect(decideUnreachable(replay, sends)).toBe(code);
  });
});

describe("the answer to a repetition says what became of the first send", () => {
  it.each([
    { status: 200, is: true },
    { status: 204, is: true },
    { status: 404, is: true },
    { status: 408, is: false },
    { status: 412, is: true },
    { status: 421, is: false },
    { status: 422, is: true },
    { status: 429, is: false },
    { status: 500, is: false },
    { status: 503, is: false },
  ])("$status: $is", ({ status, is }) => {
    expect(isVerdict(status)).toBe(is);
  });
});
