/**
 * Writes whose ops the server chose get the ops that answers show: their own, and those of reads whose content names the write. An op
 * is given to one write only, so that content of another write is found out as such.
 * It must not explain an answer away that no write of the history could have brought about.
 */
import type { Operation, OperationResult } from "./operation.ts";

/** The same operations. A write of which nobody saw an op keeps the one that stands for it. */
export function nameServerOps(operations: readonly Operation[]): readonly Operation[] {
  const found = new Map<string, string[]>();
  const known = new Set<string>();
  for (const operation of operations) {
    if (isServerNamed(operation)) found.set(operation.id, []);
    else for (const op of opsOf(operation)) known.add(op);
  }
  if (found.size === 0) return operations;
  const claim = (id: string, op: string): void => {
    const ops = found.get(id);
    if (ops === undefined || known.has(op)) return;
    known.add(op);
    ops.push(op);
  };
  // What its writer was told comes first: a read may be wrong about whose the content is.
  for (const { id, result } of operations)
    if (result.kind === "created" || result.kind === "replaced") claim(id, result.op);
  for (const { result } of operations)
    if (result.kind === "found" && result.writer !== undefined) claim(result.writer, result.op);
  const unseen = keysOfUnseen(operations, found);
  return operations.map((operation) => {
    const ops = found.get(operation.id) ?? [];
    if (ops.length > 0) return withOps(operation, ops);
    return unseen.has(operation.key) && isVague(operation.result, known)
      ? { ...operation, result: { kind: "refused" } }
      : operation;
  });
}

function isServerNamed({ hasServerOps, request }: Operation): boolean {
  return hasServerOps === true && (request.kind === "put" || request.kind === "patch");
}

function opsOf({ request }: Operation): readonly string[] {
  return request.kind === "read" ? [] : request.ops;
}

function withOps(operation: Operation, ops: readonly string[]): Operation {
  const { request } = operation;
  return request.kind === "read" ? operation : { ...operation, request: { ...request, ops } };
}

/** Keys with a write of which nobody knows whether it was applied, nor as what. */
function keysOfUnseen(
  operations: readonly Operation[],
  found: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const unseen = operations.filter(({ id, result }) => result.kind === "unknown" && found.get(id)?.length === 0);
  return new Set(unseen.map(({ key }) => key));
}

/** Names an op that may be of some unseen write, of whichever: it says nothing that could be checked. */
function isVague(result: OperationResult, known: ReadonlySet<string>): boolean {
  if (result.kind === "found") return result.writer === undefined && !known.has(result.op);
  return result.kind === "conflict" && result.currentOp !== null && !known.has(result.currentOp);
}
