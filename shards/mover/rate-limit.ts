/**
 * How fast the copies of one move may go: rows and bytes per second over all its slots together.
 * It must not know what is copied. The time from a fence to the decision is never limited.
 */
import type { Clock } from "../clock.ts";

/** Null for no limit. Both are at least 1. */
export interface RateLimits {
  readonly rowsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

/** Longest sleep before the limits are looked at again, in milliseconds. */
const SLEEP_MS_MAX = 100;

/** What may be saved up for a burst, in seconds of the rate. */
const BURST_SECONDS = 0.1;

/** Lives as long as a move is driven. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #rows: Bucket;
  readonly #bytes: Bucket;

  constructor(clock: Clock, limits: RateLimits) {
    this.#clock = clock;
    this.#rows = new Bucket(limits.rowsPerSecond, clock.nowMs());
    this.#bytes = new Bucket(limits.bytesPerSecond, clock.nowMs());
  }

  /** From now on, for whoever waits already, too. */
  change(limits: RateLimits): void {
    this.#rows.change(limits.rowsPerSecond, this.#clock.nowMs());
    this.#bytes.change(limits.bytesPerSecond, this.#clock.nowMs());
  }

  /** Resolves when so much may be done, or `signal` aborts. Whoever asks first goes first. */
  async take(amount: { readonly rows: number; readonly bytes: number }, signal: AbortSignal): Promise<void> {
    const tickets = [
      this.#rows.draw(amount.rows, this.#clock.nowMs()),
      this.#bytes.draw(amount.bytes, this.#clock.nowMs()),
    ];
    for (;;) {
      const nowMs = this.#clock.nowMs();
      const waitMs = Math.max(...tickets.map((ticket) => ticket.waitMs(nowMs)));
      if (waitMs <= 0 || signal.aborted) return;
      await this.#clock.sleep(Math.min(waitMs, SLEEP_MS_MAX));
    }
  }
}

/** Something drawn from a bucket. */
interface Ticket {
  /** Milliseconds until it is there at today's rate; 0 or less when it is. */
  waitMs(nowMs: number): number;
}

/**
 * A bucket that fills evenly and may be overdrawn, each by the one who draws: so a chunk may be larger than a burst, and the rate holds
 * on average. `poured` counts what has ever flowed in.
 */
class Bucket {
  #perMs: number | null;
  #atMs: number;
  #poured = 0;
  #drawn = 0;

  constructor(perSecond: number | null, nowMs: number) {
    this.#perMs = perMsOf(perSecond);
    this.#atMs = nowMs;
  }

  change(perSecond: number | null, nowMs: number): void {
    this.#pour(nowMs);
    const perMs = perMsOf(perSecond);
    // What was owed under an earlier limit is forgotten when there is none.
    if (perMs === null || this.#perMs === null) this.#drawn = Math.min(this.#drawn, this.#poured);
    this.#perMs = perMs;
  }

  draw(amount: number, nowMs: number): Ticket {
    this.#pour(nowMs);
    if (this.#perMs === null) return { waitMs: () => 0 };
    const isFree = this.#drawn < this.#poured;
    this.#drawn += amount;
    const due = isFree ? this.#poured : this.#drawn - amount;
    return {
      waitMs: (atMs) => {
        this.#pour(atMs);
        return this.#perMs === null ? 0 : (due - this.#poured) / this.#perMs;
      },
    };
  }

  #pour(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    if (this.#perMs === null) return;
    this.#poured += elapsedMs * this.#perMs;
    const burst = this.#perMs * 1000 * BURST_SECONDS;
    this.#drawn = Math.max(this.#drawn, this.#poured - burst);
  }
}

function perMsOf(perSecond: number | null): number | null {
  return perSecond === null ? null : perSecond / 1000;
}
