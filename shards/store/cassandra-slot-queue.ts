/**
 * One conditional write of a slot at a time in this process: two at once would only contend for the partition, and cost each
 * other rounds of Paxos. It must not bound what waits; group commit and the session do.
 */

/** Runs works of the same slot one after the other, those of different slots at once. */
export class SlotQueue {
  /** The last work of each slot that has any. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Resolves or rejects as `work` does, which begins when all earlier ones of the slot have ended. */
  run<Value>(slot: string, work: () => Promise<Value>): Promise<Value> {
    const before = this.#last.get(slot);
    const running = before === undefined ? work() : before.then(work, work);
    const settled = running.finally(() => {
      if (this.#last.get(slot) === settled) this.#last.delete(slot);
    });
    this.#last.set(slot, settled);
    return settled;
  }
}
