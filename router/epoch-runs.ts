/**
 * The pinned epochs of a move, run-length coded in the order of its slots: neighbours mostly share their epoch, so a whole
 * collection fits into a few entries. It must not know which slots they are.
 */

/** So many slots in a row have this epoch. Both are at least 1. */
export interface EpochRun {
  readonly slots: number;
  readonly epoch: number;
}

/** Most runs of one move: in JSON at most half of what an item of the catalog's table may hold. */
export const EPOCH_RUNS_MAX = 4096;

/** Epochs in slot order to runs; neighbouring runs differ in their epoch. */
export function runsOfEpochs(epochs: readonly number[]): readonly EpochRun[] {
  const runs: EpochRun[] = [];
  for (const epoch of epochs) {
    const last = runs.at(-1);
    if (last?.epoch === epoch) runs[runs.length - 1] = { slots: last.slots + 1, epoch };
    else runs.push({ slots: 1, epoch });
  }
  return runs;
}

/** Runs to one epoch per slot, in slot order. */
export function epochsOfRuns(runs: readonly EpochRun[]): readonly number[] {
  return runs.flatMap(({ slots, epoch }) => Array.from({ length: slots }, () => epoch));
}
