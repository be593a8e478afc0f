/**
 * One conditional write of a slot at a time in this process, and reads between them: two at once would only contend for the partition,
 * cost each other rounds of Paxos, and in the end be given up. It must not bound what waits; group commit and the session do.
 */
import type { Clock } from "../clock.ts";

/**
 * So long a request at the servers keeps others of its slot back of which it need not be known how it ended. It is far above an
 * undisturbed round, so that a busy cluster does not get rounds that compete, and far below the 2 s in which a node that hangs is given
 * up: another request goes to another node, most likely.
 */
export const STUCK_MS = 250;

/** Runs works of the same slot one after the other, those of different slots at once. */
export class SlotQueue {
  readonly #clock: Pick<Clock, "sleep">;
  /** The last work of each slot that has any. */
  readonly #works = new Map<string, Promise<unknown>>();
  /** The last read, likewise. */
  readonly #reads = new Map<string, Promise<unknown>>();

  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  /** Slots of which something is under way or waits. */
  get size(): number {
    return new Set([...this.#works.keys(), ...this.#reads.keys()]).size;
  }

  /**
   * Resolves or rejects as `work` does, which begins when all earlier works of the slot have ended, and the read that came last has
   * ended or is stuck.
   */
  run<Value>(slot: string, work: () => Promise<Value>): Promise<Value> {
    const [before, read] = [this.#works.get(slot), this.#reads.get(slot)];
    if (before === undefined && read === undefined) return keep(this.#works, slot, work());
    // The read may have waited for the works before: its time counts from their end.
    const turn = Promise.allSettled([before]).then(() => this.#unlessStuck(read));
    return keep(this.#works, slot, turn.then(work));
  }

  /** The same for a read, which begins when all earlier works of the slot have ended or are stuck. It does not wait for other reads. */
  runRead<Value>(slot: string, read: () => Promise<Value>): Promise<Value> {
    const before = this.#unlessStuck(this.#works.get(slot));
    return keep(this.#reads, slot, before === undefined ? read() : before.then(read));
  }

  /** Resolves when it has ended, or has kept the caller for {@link STUCK_MS}; nothing for nothing. */
  #unlessStuck(work: Promise<unknown> | undefined): Promise<unknown> | undefined {
    return work && Promise.race([work.catch(() => undefined), this.#clock.sleep(STUCK_MS)]);
  }
}

/** Remembers it as the slot's last until it ends. */
function keep<Value>(last: Map<string, Promise<unknown>>, slot: string, running: Promise<Value>): Promise<Value> {
  const settled = running.finally(() => {
    if (last.get(slot) === settled) last.delete(slot);
  });
  last.set(slot, settled);
  return settled;
}
