// A violation as people read it. Must not judge.
import type { Violation } from "./check-register.ts";
import type { Operation } from "./operation.ts";

const LINES_MAX = 40;
const NS_PER_MS = 1e6;

/** Several lines: the key, the answer that cannot be, what could have been, and what happened around it. */
export function describeViolation({ key, operation, answered, around, possibleStates }: Violation): string {
  const states =
    possibleStates.length === 0 ? "nothing (no order explains even what was before)" : possibleStates.join(", ");
  const shown = around.slice(-LINES_MAX);
  const left = around.length - shown.length;
  return [
    `${key}: answer ${answered} of this key cannot be explained: ${operation.id}`,
    `  just before, the key can have held: ${states}`,
    ...(left > 0 ? [`  (${left} more before)`] : []),
    ...shown.map((one) => `${one === operation ? "->" : "  "}${describeOperation(one, operation)}`),
  ].join("\n");
}

function describeOperation(
  { id, process, startNs, endNs, request, result, isKeyed }: Operation,
  origin: Operation,
): string {
  const from = millisecondsSince(origin, startNs);
  const to = endNs === Number.POSITIVE_INFINITY ? "never" : millisecondsSince(origin, endNs);
  const condition =
    request.kind === "read" || request.condition.kind === "none" ? "" : ` if ${nameOf(request.condition)}`;
  const ops = request.kind === "put" ? ` ${request.ops.join(" or ")}` : "";
  return ` ${from}..${to} ms ${process} ${id}: ${request.kind}${ops}${condition}${isKeyed ? " (keyed)" : ""} -> ${answerOf(result)}`;
}

function millisecondsSince({ startNs }: Operation, atNs: number): string {
  return ((atNs - startNs) / NS_PER_MS).toFixed(3);
}

function nameOf(condition: { readonly kind: string; readonly op?: string }): string {
  return condition.op ?? condition.kind;
}

function answerOf(result: Operation["result"]): string {
  if (result.kind === "conflict") return `conflict, there is ${result.currentOp ?? "nothing"}`;
  return "op" in result ? `${result.kind} ${result.op}` : result.kind;
}
