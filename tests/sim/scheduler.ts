// Simulated time: a queue of events, and one source of chance that decides how long everything takes and what comes first.
// Must not use a real timer, clock or chance. One seed gives one order of events.
import { createRandom, type Random } from "../history/random.ts";

interface Event {
  readonly atMs: number;
  /** Decides among events of one moment. */
  readonly tie: number;
  readonly action: () => void;
}

/** 2026-01-01, in milliseconds since 1970: a day like any other. */
const START_MS = 1_767_225_600_000;

/** Lives as long as one run. */
export class Scheduler {
  readonly random: Random;
  #nowMs = START_MS;
  #events = 0;
  #digest = 0;
  /** A binary heap, the earliest first. */
  readonly #heap: Event[] = [];

  constructor(seed: number) {
    this.random = createRandom(seed);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** Milliseconds since the run began. */
  elapsedMs(): number {
    return this.#nowMs - START_MS;
  }

  events(): number {
    return this.#events;
  }

  /** Of all that has happened: equal for two runs exactly when their events came at the same moments in the same order. */
  digest(): number {
    return this.#digest;
  }

  after(delayMs: number, action: () => void): void {
    this.#push({ atMs: this.#nowMs + Math.max(0, delayMs), tie: this.random.below(1_000_000), action });
  }

  /** Takes something into the digest. */
  note(text: string): void {
    for (let index = 0; index < text.length; index += 1) this.#mix(text.charCodeAt(index));
  }

  /** Runs events until `isOver` says so or `untilMs` of simulated time have passed since the beginning. */
  async run(isOver: () => boolean, untilMs: number): Promise<void> {
    await settled();
    while (!isOver()) {
      const event = this.#heap[0];
      if (event === undefined || event.atMs - START_MS > untilMs) return;
      this.#pop();
      this.#nowMs = event.atMs;
      this.#events += 1;
      this.#mix(event.tie);
      event.action();
      await settled();
    }
  }

  #mix(value: number): void {
    this.#digest = Math.imul(this.#digest ^ value, 0x01000193) >>> 0;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const other = heap[above];
      if (other === undefined || !isBefore(event, other)) break;
      heap[index] = other;
      index = above;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      const [left, right] = [heap[below], heap[below + 1]];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const other = isRight ? right : left;
      if (isRight) below += 1;
      if (!isBefore(other, last)) break;
      heap[index] = other;
      index = below;
    }
    heap[index] = last;
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.tie < right.tie);
}

/** Resolves when all promises that can be settled are: Node calls this queue only when that of promises is empty. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
