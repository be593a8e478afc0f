// Whether the operations of one key can have been those of one register, and if not, the smallest beginning that cannot.
// Must not read files or know of other keys: keys are independent of each other.
import type { Operation } from "./operation.ts";
import { type Configuration, search } from "./search.ts";
import { ABSENT, buildTimeline, type Timeline, UNNAMED } from "./timeline.ts";

/** What the checker says. `visited`: configurations it took. */
export type RegisterVerdict =
  | { readonly kind: "linearisable"; readonly visited: number }
  | { readonly kind: "too-complex"; readonly operation: Operation; readonly visited: number }
  | { readonly kind: "violation"; readonly violation: Violation };

/** The shortest beginning of the history that no register explains. */
export interface Violation {
  readonly key: string;
  /** The operation whose answer cannot be explained any more. */
  readonly operation: Operation;
  /** How many of the key's operations had been answered by then, that one included. */
  readonly answered: number;
  /** Operations that were under way when it was, or had an unknown outcome and could bear on it, and the last ones before. */
  readonly around: readonly Operation[];
  /** What the document can have been just before its answer: an op, or the words for none and for one nobody saw. */
  readonly possibleStates: readonly string[];
}

/** Configurations to visit before giving up. An ordinary key takes a few for each operation. */
const VISITS_MAX = 3_000_000;

/** Operations shown that had ended before the failing one started. */
const EARLIER_SHOWN = 8;

/** Checks one key. */
export function checkRegister(operations: readonly Operation[], visitsMax: number = VISITS_MAX): RegisterVerdict {
  const result = search(buildTimeline(operations), visitsMax);
  if (result.kind === "linearisable") return { kind: "linearisable", visited: result.visited };
  if (result.kind === "too-complex") {
    return { kind: "too-complex", operation: result.step.operation, visited: result.visited };
  }
  return { kind: "violation", violation: findSmallest(operations, visitsMax) };
}

/** Halves the number of answers until one more makes the difference. A longer history cannot explain what a shorter one could not. */
function findSmallest(operations: readonly Operation[], visitsMax: number): Violation {
  const answered = operations.filter(isAnswered).sort((a, b) => a.endNs - b.endNs);
  let [good, bad] = [0, answered.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const result = search(buildTimeline(cutAfter(operations, answered[middle - 1])), visitsMax);
    if (result.kind === "failed") bad = middle;
    else good = middle;
  }
  const last = answered[bad - 1];
  if (last === undefined) throw new Error("broken assumption: a history without answers has no violation");
  return describeViolation(operations, { last, before: answered[bad - 2], answered: bad }, visitsMax);
}

interface Smallest {
  readonly last: Operation;
  readonly before: Operation | undefined;
  readonly answered: number;
}

function describeViolation(operations: readonly Operation[], found: Smallest, visitsMax: number): Violation {
  const { last, before, answered } = found;
  const timeline = buildTimeline(cutAfter(operations, before));
  const result = search(timeline, visitsMax);
  const configurations = result.kind === "linearisable" ? result.configurations : [];
  return {
    key: last.key,
    operation: last,
    answered,
    around: operationsAround(operations, last),
    possibleStates: [...new Set(configurations.map((one) => describeState(timeline, one)))],
  };
}

/** The history as it was known right after `last`'s answer: what was answered later was under way, what started later not there. */
function cutAfter(operations: readonly Operation[], last: Operation | undefined): readonly Operation[] {
  const atNs = last?.endNs ?? Number.NEGATIVE_INFINITY;
  return operations
    .filter(({ startNs }) => startNs <= atNs)
    .map((operation) =>
      operation.endNs <= atNs
        ? operation
        : { ...operation, endNs: Number.POSITIVE_INFINITY, result: { kind: "unknown" } as const },
    );
}

function isAnswered({ endNs }: Operation): boolean {
  return endNs !== Number.POSITIVE_INFINITY;
}

function operationsAround(operations: readonly Operation[], last: Operation): readonly Operation[] {
  const concurrent = operations.filter(
    ({ startNs, endNs, request }) =>
      startNs <= last.endNs && endNs >= last.startNs && (endNs !== Number.POSITIVE_INFINITY || request.kind !== "read"),
  );
  const earlier = operations.filter(({ endNs }) => endNs < last.startNs).sort((a, b) => a.endNs - b.endNs);
  const writesOfWhatWasSeen = operations.filter((operation) => isNamedBy(operation, last));
  const shown = new Set([...writesOfWhatWasSeen, ...earlier.slice(-EARLIER_SHOWN), ...concurrent, last]);
  return [...shown].sort((a, b) => a.startNs - b.startNs);
}

/** Whether `operation` is the write, or told of the end, of the version that `last` saw. */
function isNamedBy({ request }: Operation, { result, request: asked }: Operation): boolean {
  const seen = result.kind === "found" || result.kind === "replaced" || result.kind === "created" ? result.op : null;
  const needed = asked.kind !== "read" && asked.condition.kind === "match" ? asked.condition.op : null;
  if (request.kind === "read") return false;
  const isWriter = request.ops.some((op) => op === seen || op === needed);
  return isWriter || (request.condition.kind === "match" && request.condition.op === (needed ?? seen));
}

function describeState(timeline: Timeline, { state }: Configuration): string {
  if (state === ABSENT) return "no document";
  return state === UNNAMED ? "a document that nobody saw" : (timeline.opOf.get(state) ?? "a document");
}
