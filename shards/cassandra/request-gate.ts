/**
 * A bound on what one process has at the servers, and on what waits for its turn. It must not let anything wait for
 * longer than its bound: too late is as good as refused.
 */
import { CassandraError } from "./session.ts";

/** How much may be under way. */
export interface GateLimits {
  /** Requests at the servers. */
  readonly inFlightMax: number;
  /** Requests that wait for their turn; one more is refused at once. */
  readonly waitingMax: number;
  /** Longest wait for a turn, in milliseconds. */
  readonly waitMsMax: number;
}

interface Waiter {
  readonly start: () => void;
  readonly timer: NodeJS.Timeout;
}

/** First come, first served. */
export class RequestGate {
  readonly #limits: GateLimits;
  /** In order of arrival; a Set, so that the one whose time is up leaves at once. */
  readonly #waiting = new Set<Waiter>();
  #inFlight = 0;
  #whenIdle: (() => void)[] = [];

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  /** Runs `request` in its turn. Rejects as `busy`, without running it, when there is no room or no turn in time. */
  async run<Answer>(request: () => Promise<Answer>): Promise<Answer> {
    if (this.#inFlight < this.#limits.inFlightMax) this.#inFlight += 1;
    else await this.#turn();
    try {
      return await request();
    } finally {
      this.#passOn();
    }
  }

  /** Resolves when nothing is under way and nothing waits. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #turn(): Promise<void> {
    const { waitingMax, waitMsMax, inFlightMax } = this.#limits;
    if (this.#waiting.size >= waitingMax) {
      return Promise.reject(new CassandraError("busy", `${inFlightMax} requests are under way and ${waitingMax} wait`));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter);
        reject(new CassandraError("busy", `no turn within ${waitMsMax} ms`));
      }, waitMsMax);
      const waiter: Waiter = { start: resolve, timer };
      this.#waiting.add(waiter);
    });
  }

  /** The turn goes to whoever has waited longest; it never becomes free in between. */
  #passOn(): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      clearTimeout(next.timer);
      next.start();
      return;
    }
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    const told = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of told) resolve();
  }
}
