// Runs groups of the matrix, some of them at once: much of a group's time is waiting. Must not judge what they find.
import { cleanUpAtLast } from "../faults/last-resort.ts";
import type { Group } from "./cells.ts";
import type { CrashPair } from "./crash-pair.ts";
import { type GroupFound, type GroupOptions, runGroup } from "./group-run.ts";

const AT_ONCE = 2;

/** A group, and what its run will have found. */
export interface PooledRun {
  readonly group: Group;
  readonly found: Promise<GroupFound>;
}

/** Groups of one file of tests. Whatever becomes of it, no process is left. */
export class GroupPool {
  readonly runs: readonly PooledRun[];
  readonly #start: () => void;

  /** `run` as `runGroup`, with what a group needs around it. */
  constructor(groups: readonly Group[], run: typeof runGroup = runGroup) {
    const pairs = new Set<CrashPair>();
    cleanUpAtLast(() => {
      for (const pair of pairs) pair.killAll();
    });
    const options: GroupOptions = { onPair: (pair) => pairs.add(pair) };
    const pending = groups.map((group) => ({ group, outcome: Promise.withResolvers<GroupFound>() }));
    this.runs = pending.map(({ group, outcome }) => ({ group, found: outcome.promise }));
    // Told where it is asked for.
    for (const { found } of this.runs) found.catch(() => undefined);
    const runNext = async (): Promise<void> => {
      const next = pending.shift();
      if (next === undefined) return;
      await run(next.group, options).then(next.outcome.resolve, next.outcome.reject);
      await runNext();
    };
    this.#start = () => {
      for (let count = 0; count < AT_ONCE; count += 1) void runNext();
    };
  }

  /** Begins; to be called once. */
  start(): void {
    this.#start();
  }
}
