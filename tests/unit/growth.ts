// How the time of some work grows with its size: a ratio of two times of one run, which a slow machine changes little.
// Must not say how long anything takes.

/** Tries of both sizes: some at least, and more for as long as a busy machine makes the ratio too large. */
const TRIES_MIN = 5;
const TRIES_MAX = 60;

/** Below it work on ten times as much is about ten times as long; a hundred times would be quadratic. */
export const LINEAR_GROWTH_MAX = 50;

/** How many times as long the work on ten times the size takes, by the best try of each. `prepare` is not timed. */
export function growthOf<Input>(
  size: number,
  { prepare, work }: { readonly prepare: (size: number) => Input; readonly work: (input: Input) => void },
): number {
  const [small, large] = [prepare(size), prepare(size * 10)];
  const bestMs = { small: Number.POSITIVE_INFINITY, large: Number.POSITIVE_INFINITY };
  const timed = (input: Input): number => {
    const startedAtMs = performance.now();
    work(input);
    return performance.now() - startedAtMs;
  };
  for (let tries = 1; ; tries += 1) {
    bestMs.small = Math.min(bestMs.small, timed(small));
    bestMs.large = Math.min(bestMs.large, timed(large));
    const growth = bestMs.large / bestMs.small;
    if (tries === TRIES_MAX || (tries >= TRIES_MIN && growth < LINEAR_GROWTH_MAX)) return growth;
  }
}
