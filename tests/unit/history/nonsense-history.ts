// Tiny histories of answers drawn by lot: some fit together, most do not. Must not lean to either side on purpose.
import type { Condition, Operation, OperationRequest, OperationResult } from "../../history/operation.ts";
import type { Random } from "../../history/random.ts";

/** `size` operations within a few moments of each other on one key. */
export function nonsenseHistory(random: Random, size: number): readonly Operation[] {
  const ops = Array.from({ length: size }, (_, index) => `v${index}`);
  return ops.map((op, index): Operation => {
    const request = requestOf(random, op, ops);
    const result = resultOf(random, request, ops);
    const startNs = random.below(size * 2);
    const isOpen = result.kind === "unknown";
    const endNs = isOpen ? Number.POSITIVE_INFINITY : startNs + random.below(size * 2);
    const process = `c${index}`;
    return { id: `o${index}`, process, key: "key", startNs, endNs, request, result, isKeyed: random.chance(0.5) };
  });
}

type Ops = readonly string[];

function requestOf(random: Random, op: string, ops: Ops): OperationRequest {
  const kind = random.pick(["read", "put", "put", "delete", "patch"] as const);
  if (kind === "read") return { kind };
  const match: Condition = { kind: "match", op: anyOf(random, ops) };
  const attempts = random.chance(0.15) ? [op, `${op}'`] : [op];
  if (kind !== "put") return { kind, ops: attempts, condition: random.chance(0.4) ? match : { kind: "none" } };
  return { kind, ops: attempts, condition: random.pick<Condition>([{ kind: "none" }, { kind: "absent" }, match]) };
}

function resultOf(random: Random, request: OperationRequest, ops: Ops): OperationResult {
  if (request.kind === "read") {
    return random.chance(0.3) ? { kind: "missing" } : { kind: "found", op: anyOf(random, ops) };
  }
  if (random.chance(0.3)) return { kind: "unknown" };
  if (random.chance(0.05)) return { kind: "refused" };
  const conflict: OperationResult = { kind: "conflict", currentOp: random.chance(0.4) ? null : anyOf(random, ops) };
  const op = request.ops[random.below(request.ops.length)] ?? "";
  if (request.kind === "delete") {
    return random.pick<OperationResult>([{ kind: "deleted" }, { kind: "deleted" }, { kind: "missing" }, conflict]);
  }
  return random.pick<OperationResult>([
    { kind: "created", op },
    { kind: "replaced", op },
    { kind: "replaced", op },
    conflict,
  ]);
}

function anyOf(random: Random, ops: Ops): string {
  return ops[random.below(ops.length)] ?? "";
}

/** A right history in which one answer was exchanged for another's, or moved in time: nearly right, or still right. */
export function bentHistory(random: Random, operations: readonly Operation[]): readonly Operation[] {
  const bent = random.below(operations.length);
  const model = operations[random.below(operations.length)];
  return operations.map((operation, index) => {
    if (index !== bent || model === undefined || operation.result.kind === "unknown") return operation;
    if (random.chance(0.3)) return { ...operation, startNs: operation.startNs - 1500, endNs: operation.endNs - 1500 };
    return model.result.kind === "unknown" ? operation : { ...operation, result: model.result };
  });
}
