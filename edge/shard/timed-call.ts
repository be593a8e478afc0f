/**
 * One call to one origin with time limits on its head and on its whole answer, and why it gave no answer.
 * It must not decide what to do then; retry-rules.ts does.
 */
import type { EdgePorts, ShardCall } from "../ports.ts";

/** `lost`: refused, reset or closed, which workerd cannot tell apart. `timeout`: the limit ended it. */
export type Loss = "lost" | "timeout";

/** The answer's head in time, or why not. */
export type CallOutcome =
  | { readonly kind: "answer"; readonly response: Response }
  | { readonly kind: "loss"; readonly loss: Loss; readonly cause: unknown };

/**
 * How long a call may take from its start, in milliseconds. `wholeMs` is for the end of a document's body; every other
 * answer (421, a problem) is short and has to be there whole in `headMs`.
 */
export interface CallLimits {
  readonly headMs: number;
  readonly wholeMs: number;
}

/** Sends, and waits for the head of the answer. Reading a body that is not there in time rejects with an AbortError. */
export async function callInTime(
  ports: Pick<EdgePorts, "transport" | "clock">,
  call: Omit<ShardCall, "signal">,
  { headMs, wholeMs }: CallLimits,
): Promise<CallOutcome> {
  const controller = new AbortController();
  let mayTakeLonger = false;
  // Nobody says when a body has ended: the timer goes on with it, and ends what may have ended long ago.
  const cancel = ports.clock.startTimer(headMs, () => {
    if (mayTakeLonger) ports.clock.startTimer(wholeMs - headMs, () => controller.abort());
    else controller.abort();
  });
  try {
    const response = await ports.transport.send({ ...call, signal: controller.signal });
    mayTakeLonger = response.ok && wholeMs > headMs;
    return { kind: "answer", response };
  } catch (cause) {
    cancel();
    return { kind: "loss", loss: controller.signal.aborted ? "timeout" : "lost", cause };
  }
}

/** Whether reading an answer failed because its time was over. */
export function isOutOfTime(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
