// The reference: tries every order of a few operations against a register that answers as a shard does.
// Must not share a line with the checker that it is compared with, nor be clever.
import type { Operation, OperationResult } from "../../history/operation.ts";

/** Whether some order explains every answer. Takes exponential time. */
export function isExplainable(operations: readonly Operation[]): boolean {
  const relevant = operations.filter(({ result }) => result.kind !== "refused");
  return tryAll(relevant, null);
}

function tryAll(left: readonly Operation[], state: string | null): boolean {
  if (left.every(({ result }) => result.kind === "unknown")) return true;
  const firstEnd = Math.min(...left.map(({ endNs }) => endNs));
  return left.some((operation) => {
    if (operation.startNs > firstEnd) return false;
    const others = left.filter((other) => other !== operation);
    if (operation.result.kind === "unknown" && tryAll(others, state)) return true;
    return waysOf(operation, state).some((next) => tryAll(others, next.state));
  });
}

interface Way {
  readonly state: string | null;
}

/** What the state can be after `operation` took effect on `state` and was answered as it was. */
function waysOf(operation: Operation, state: string | null): readonly Way[] {
  const { request } = operation;
  const ops = request.kind === "put" || request.kind === "patch" ? request.ops : [""];
  return ops.flatMap((op): readonly Way[] => {
    const [result, next] = serve(operation, op, state);
    return isAnswer(operation, result) ? [{ state: next }] : [];
  });
}

function isAnswer({ result }: Operation, served: OperationResult): boolean {
  return result.kind === "unknown" || JSON.stringify(result) === JSON.stringify(served);
}

function serve({ request }: Operation, op: string, state: string | null): readonly [OperationResult, string | null] {
  if (request.kind === "read") return [state === null ? { kind: "missing" } : { kind: "found", op: state }, state];
  const { condition } = request;
  const isMet = condition.kind === "none" || (condition.kind === "absent" ? state === null : state === condition.op);
  if (!isMet) return [{ kind: "conflict", currentOp: state }, state];
  if (request.kind === "put") return [{ kind: state === null ? "created" : "replaced", op }, op];
  if (state === null) return [{ kind: "missing" }, null];
  return request.kind === "patch" ? [{ kind: "replaced", op }, op] : [{ kind: "deleted" }, null];
}
