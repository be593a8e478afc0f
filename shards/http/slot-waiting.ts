/**
 * Waiting for news of a slot: requests that are held for it, and whoever hears that it is settled.
 * It must not answer a request, nor take news of another move for that of the one which was met.
 */
import { hasTakenOver, type Ownership } from "../../router/ownership.ts";
import type { Clock } from "../clock.ts";

/** A slot as other processes call it; one that does not exist is waited for by nobody. */
interface SlotName {
  readonly collection: string;
  readonly slot: string;
}

/** That a slot is settled. `destination`: the columns that its destination has since, null where they are not told. */
export interface SlotNews extends SlotName {
  readonly destination: Ownership | null;
}

/** Those who wait in one process. */
export class SlotWaiting {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #listeners = new Map<string, Set<SlotListener>>();

  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  /** Hears the slot's news from now on, until it is told to stop. `met`: the columns for which a request is held. */
  listen(address: SlotName, met: Ownership): SlotListener {
    const name = nameOf(address);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    const listener = new SlotListener(this.#clock, met, () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name);
    });
    listeners.add(listener);
    return listener;
  }

  /** There is news of the slot. Returns how many hear it. */
  tell(news: SlotNews): number {
    const listeners = this.#listeners.get(nameOf(news)) ?? new Set();
    for (const listener of listeners) listener.hear(news);
    return listeners.size;
  }
}

/** One request's ear. */
export class SlotListener {
  readonly stop: () => void;
  readonly #clock: Pick<Clock, "sleep">;
  readonly #met: Ownership;
  readonly #decided = Promise.withResolvers<"decided">();
  #news = Promise.withResolvers<void>();
  #isDecided = false;

  constructor(clock: Pick<Clock, "sleep">, met: Ownership, stop: () => void) {
    this.#clock = clock;
    this.#met = met;
    this.stop = stop;
  }

  /** Whether the destination has been heard to have decided the very move that was met. */
  get isDecided(): boolean {
    return this.#isDecided;
  }

  /** Whether these columns are in the middle of the same move. */
  isFor({ epoch, move }: Ownership): boolean {
    return this.#met.epoch === epoch && this.#met.move === move;
  }

  /** Wakes the request; columns of another move, or before the decision, do no more than that. */
  hear({ destination }: SlotNews): void {
    this.#news.resolve();
    if (destination === null || !hasTakenOver(this.#met, destination)) return;
    this.#isDecided = true;
    this.#decided.resolve("decided");
  }

  /** What the work comes to, or that the destination is heard to have decided, whichever is first. */
  orDecided<Value>(work: Promise<Value>): Promise<Value | "decided"> {
    return Promise.race([this.#decided.promise, work]);
  }

  /** Resolves when there has been news since the last time, at the latest after this time, in milliseconds. */
  async wait(durationMs: number): Promise<void> {
    await Promise.race([this.#news.promise, this.#clock.sleep(durationMs)]);
    this.#news = Promise.withResolvers();
  }
}

function nameOf({ collection, slot }: SlotName): string {
  return `${collection} ${slot}`;
}
