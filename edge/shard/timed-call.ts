/**
 * One call to one origin with a time limit on its head, and why it gave no answer.
 * It must not decide what to do then; retry-rules.ts does.
 */
import type { EdgePorts, ShardCall } from "../ports.ts";

/** `lost`: refused, reset or closed, which workerd cannot tell apart. `timeout`: the limit ended it. */
export type Loss = "lost" | "timeout";

/** The answer's head in time, or why not. */
export type CallOutcome =
  | { readonly kind: "answer"; readonly response: Response }
  | { readonly kind: "loss"; readonly loss: Loss; readonly cause: unknown };

/** Sends, and waits at most `limitMs` for the head of the answer; its body then streams without a limit. */
export async function callInTime(
  ports: Pick<EdgePorts, "transport" | "clock">,
  call: Omit<ShardCall, "signal">,
  limitMs: number,
): Promise<CallOutcome> {
  const controller = new AbortController();
  const cancel = ports.clock.startTimer(limitMs, () => controller.abort());
  try {
    const response = await ports.transport.send({ ...call, signal: controller.signal });
    return { kind: "answer", response };
  } catch (cause) {
    return { kind: "loss", loss: controller.signal.aborted ? "timeout" : "lost", cause };
  } finally {
    cancel();
  }
}
