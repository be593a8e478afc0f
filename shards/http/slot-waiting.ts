/**
 * Waiting for news of a slot: requests that are held for it, and whoever hears that it is settled.
 * It must not tell them what the news is: who is woken looks for itself, and news that is lost or wrong costs time only.
 */
import type { Clock } from "../clock.ts";

/** A slot as other processes call it; one that does not exist is waited for by nobody. */
interface SlotName {
  readonly collection: string;
  readonly slot: string;
}

/** Those who wait in one process. */
export class SlotWaiting {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  /** Resolves when there is news of the slot, at the latest after this time, in milliseconds. */
  async wait(address: SlotName, durationMs: number): Promise<void> {
    const name = nameOf(address);
    const others = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, others);
    const news = Promise.withResolvers<void>();
    others.add(news.resolve);
    try {
      await Promise.race([news.promise, this.#clock.sleep(durationMs)]);
    } finally {
      others.delete(news.resolve);
      if (others.size === 0 && this.#waiting.get(name) === others) this.#waiting.delete(name);
    }
  }

  /** There is news of the slot. */
  wake(address: SlotName): void {
    for (const resolve of this.#waiting.get(nameOf(address)) ?? []) resolve();
  }
}

function nameOf({ collection, slot }: SlotName): string {
  return `${collection} ${slot}`;
}
