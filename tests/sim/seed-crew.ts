// Seeds on all processors at once, and what came of them together. Must not know what a seed is.
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { Coverage } from "../model/coverage.ts";
import type { SeedRange, SeedsResult } from "./seed-run.ts";

const THREAD_MAIN = new URL("seed-thread.ts", import.meta.url);

/** Runs a range in parts, a thread for each. The first failure ends all; what is counted is then that of its part alone. */
export async function runOnThreads(range: SeedRange): Promise<SeedsResult> {
  const threads = partsOf(range).map((part) => new Worker(THREAD_MAIN, { workerData: part }));
  const failed = Promise.withResolvers<SeedsResult>();
  const results = threads.map(async (thread) => {
    const [result] = (await once(thread, "message")) as [SeedsResult];
    if (result.failure !== null) failed.resolve(result);
    return result;
  });
  try {
    return await Promise.race([failed.promise, Promise.all(results).then(sumOf)]);
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/** Equal parts, but for a seed. */
function partsOf({ from, seeds, ...rest }: SeedRange): readonly SeedRange[] {
  const count = Math.min(seeds, availableParallelism());
  const startOf = (part: number): number => from + Math.floor((part * seeds) / count);
  return Array.from({ length: count }, (_, part) => {
    return { ...rest, from: startOf(part), seeds: startOf(part + 1) - startOf(part) };
  });
}

function sumOf(results: readonly SeedsResult[]): SeedsResult {
  const coverage = new Coverage();
  for (const result of results) coverage.addAll(result.coverage);
  const total = (read: (result: SeedsResult) => number): number => results.reduce((sum, one) => sum + read(one), 0);
  return {
    coverage: coverage.entries(),
    events: total(({ events }) => events),
    operations: total(({ operations }) => operations),
    failure: results.find(({ failure }) => failure !== null)?.failure ?? null,
  };
}
