/**
 * A whole history, key by key, on several threads. It must not stop at the first violation, nor call a history right of
 * which some key was too complex to judge.
 */
import { Worker } from "node:worker_threads";
import type { RegisterVerdict, Violation } from "./check-register.ts";
import type { Operation } from "./operation.ts";

/** What the checker says of one key. */
export interface KeyVerdict {
  readonly key: string;
  readonly operations: number;
  readonly verdict: RegisterVerdict;
}

/** The verdict on all keys. */
export interface HistoryVerdict {
  readonly keys: readonly KeyVerdict[];
  readonly violations: readonly Violation[];
  /** Keys on which the checker gave up: the history is not proven right. */
  readonly tooComplex: readonly string[];
  /** Reads that found the content of another write than their op is of. */
  readonly mixedUp: readonly Operation[];
}

const THREADS = 2;
const THREAD_MAIN = new URL("check-thread.ts", import.meta.url);

/** Checks every key. */
export async function checkHistory(operations: readonly Operation[]): Promise<HistoryVerdict> {
  const shares = shareOut(Map.groupBy(operations, ({ key }) => key));
  const verdicts = await Promise.all(shares.filter((share) => share.length > 0).map(checkOnThread));
  const keys = verdicts.flat();
  return {
    keys,
    violations: keys.flatMap(({ verdict }) => (verdict.kind === "violation" ? [verdict.violation] : [])),
    tooComplex: keys.filter(({ verdict }) => verdict.kind === "too-complex").map(({ key }) => key),
    mixedUp: findMixedUp(operations),
  };
}

/** An op of nobody is the register's business; here it counts as right. */
function findMixedUp(operations: readonly Operation[]): readonly Operation[] {
  const writerOf = new Map<string, string>();
  for (const { id, request } of operations) {
    if (request.kind === "put") for (const op of request.ops) writerOf.set(op, id);
  }
  return operations.filter(({ result }) => {
    if (result.kind !== "found" || result.writer === undefined) return false;
    return (writerOf.get(result.op) ?? result.writer) !== result.writer;
  });
}

type Share = (readonly Operation[])[];

/** The largest key first, each to the thread that has least to do. */
function shareOut(byKey: ReadonlyMap<string, readonly Operation[]>): readonly Share[] {
  const shares = Array.from({ length: THREADS }, () => ({ size: 0, keys: [] as Share }));
  for (const operations of [...byKey.values()].sort((a, b) => b.length - a.length)) {
    const least = shares.reduce((best, share) => (share.size < best.size ? share : best));
    least.keys.push(operations);
    least.size += operations.length;
  }
  return shares.map(({ keys }) => keys);
}

function checkOnThread(share: Share): Promise<readonly KeyVerdict[]> {
  return new Promise((settle, fail) => {
    const thread = new Worker(THREAD_MAIN, { workerData: share });
    thread.once("message", settle);
    thread.once("error", fail);
    thread.once("exit", (code) => fail(new Error(`the checking thread ended with ${code}`)));
  });
}
