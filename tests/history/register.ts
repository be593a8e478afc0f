// The register that each key is: what an operation with a known result demands of the state before it, and what it leaves.
// Must not know anything of time or of other operations.
import type { Condition, Operation } from "./operation.ts";

/** What the state must be. `impossible`: no register ever gives this answer to this request. */
export type Need =
  | { readonly kind: "any" }
  | { readonly kind: "absent" }
  | { readonly kind: "present" }
  | { readonly kind: "value"; readonly op: string }
  | { readonly kind: "impossible" };

/** What the state is afterwards. */
export type Effect =
  | { readonly kind: "none" }
  | { readonly kind: "absent" }
  | { readonly kind: "value"; readonly op: string };

/** An operation as a step of the register. */
export interface Transition {
  readonly need: Need;
  readonly effect: Effect;
}

const NONE: Effect = { kind: "none" };
const ABSENT = { kind: "absent" } as const;
const IMPOSSIBLE: Transition = { need: { kind: "impossible" }, effect: NONE };

/** Null for what says nothing: a refusal, or an outcome that nobody knows. */
export function transitionOf(operation: Operation): Transition | null {
  const { request, result } = operation;
  switch (result.kind) {
    case "refused":
    case "unknown":
      return null;
    case "found":
      return request.kind === "read" ? observation({ kind: "value", op: result.op }) : IMPOSSIBLE;
    case "missing":
      return isMissable(operation) ? observation(ABSENT) : IMPOSSIBLE;
    case "conflict":
      return request.kind === "read" ? IMPOSSIBLE : conflict(request.condition, result.currentOp);
    case "deleted":
      return request.kind === "delete" ? { need: needOf(request.condition), effect: ABSENT } : IMPOSSIBLE;
    case "created":
      return put(operation, result.op, { kind: "absent" });
    case "replaced":
      return put(operation, result.op, { kind: "present" });
    default:
      return result satisfies never;
  }
}

/** What a write without a known result would do, if it is applied as `op`. Null for one that needs nothing it could name. */
export function possibleTransition(operation: Operation, op: string): Transition | null {
  const { request } = operation;
  if (request.kind === "read") return null;
  if (request.kind === "delete") return { need: needOf(request.condition), effect: ABSENT };
  const { condition } = request;
  const needsNothing = condition.kind === "none" && request.kind === "put";
  const need: Need = needsNothing ? { kind: "any" } : needOf(condition);
  return { need, effect: { kind: "value", op } };
}

/** A write with a condition is told 412, not 404. */
function isMissable({ request }: Operation): boolean {
  return request.kind === "read" || (request.kind !== "put" && request.condition.kind === "none");
}

function observation(need: Need): Transition {
  return { need, effect: NONE };
}

function needOf(condition: Condition): Need {
  if (condition.kind === "match") return { kind: "value", op: condition.op };
  return condition.kind === "absent" ? ABSENT : { kind: "present" };
}

/** A 412 tells what is there instead; it must contradict the condition. */
function conflict(condition: Condition, currentOp: string | null): Transition {
  if (condition.kind === "none") return IMPOSSIBLE;
  if (currentOp === null) return condition.kind === "match" ? observation(ABSENT) : IMPOSSIBLE;
  if (condition.kind === "match" && condition.op === currentOp) return IMPOSSIBLE;
  return observation({ kind: "value", op: currentOp });
}

function put({ request }: Operation, op: string, need: Need): Transition {
  if (request.kind === "read" || request.kind === "delete" || !request.ops.includes(op)) return IMPOSSIBLE;
  if (request.kind === "patch" && need.kind === "absent") return IMPOSSIBLE;
  const { condition } = request;
  const effect: Effect = { kind: "value", op };
  if (condition.kind === "none") return { need, effect };
  const isPossible = condition.kind === "absent" ? need.kind === "absent" : need.kind === "present";
  return isPossible ? { need: needOf(condition), effect } : IMPOSSIBLE;
}
