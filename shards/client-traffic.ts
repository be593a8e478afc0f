/**
 * How many requests of clients a process has had lately.
 * It must not know what they were.
 */

/** The length of one count, in milliseconds. */
const COUNT_MS = 500;

/** Counts as long as the process lives. */
export class ClientTraffic {
  readonly #monotonicMs: () => number;
  #beganAtMs: number;
  #count = 0;
  #before = 0;

  /** `monotonicMs`: milliseconds from any fixed point. */
  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#beganAtMs = monotonicMs();
  }

  /** A client has asked something. */
  note(): void {
    this.#turn();
    this.#count += 1;
  }

  /** Of the last moment, at most a second ago. */
  requestsPerSecond(): number {
    this.#turn();
    const elapsedMs = this.#monotonicMs() - this.#beganAtMs;
    return ((this.#before + this.#count) * 1000) / (COUNT_MS + elapsedMs);
  }

  #turn(): void {
    const elapsedMs = this.#monotonicMs() - this.#beganAtMs;
    if (elapsedMs < COUNT_MS) return;
    this.#before = elapsedMs < 2 * COUNT_MS ? this.#count : 0;
    this.#count = 0;
    this.#beganAtMs += Math.floor(elapsedMs / COUNT_MS) * COUNT_MS;
  }
}
