/**
 * How many slots of a process may be on their way from fence to decision at once. Clients wait for each of them, and what they share, a
 * processor, a lock, a cluster, would make all of them longer. It must not hold a slot that is fenced already.
 */

/** First come, first served. */
export class CutoverGate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnceMax: number) {
    this.#free = atOnceMax;
  }

  /** Resolves in its turn to a function that ends it; calling that again changes nothing. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    };
  }
}
