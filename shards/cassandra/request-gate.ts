/**
 * A bound on what one process has at the servers, and on what waits for its turn. It must not let anything wait for
 * longer than its bound: too late is as good as refused.
 *
 * What is urgent has a reserve and a line of its own: under overload everything else fills its own places, and nobody would learn
 * any more what became of the writes that overload has left in doubt.
 */
import { CassandraError, type Urgency } from "./session.ts";

/** How much may be under way. */
export interface GateLimits {
  /** Requests at the servers. */
  readonly inFlightMax: number;
  /** So many more, if they are urgent. */
  readonly reservedMax: number;
  /** Requests that wait for their turn, and as many urgent ones; one more is refused at once. */
  readonly waitingMax: number;
  /** Longest wait for a turn, in milliseconds. */
  readonly waitMsMax: number;
}

interface Waiter {
  readonly start: () => void;
  readonly timer: NodeJS.Timeout;
}

/** First come, first served, among requests of the same urgency. */
export class RequestGate {
  readonly #limits: GateLimits;
  /** In order of arrival; a Set, so that the one whose time is up leaves at once. */
  readonly #waiting: Readonly<Record<Urgency, Set<Waiter>>> = { usual: new Set(), urgent: new Set() };
  #inFlight = 0;
  #whenIdle: (() => void)[] = [];

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  /** Runs `request` in its turn. Rejects as `busy`, without running it, when there is no room or no turn in time. */
  async run<Answer>(request: () => Promise<Answer>, urgency: Urgency = "usual"): Promise<Answer> {
    if (this.#inFlight < this.#inFlightMax(urgency)) this.#inFlight += 1;
    else await this.#turn(urgency);
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

  #inFlightMax(urgency: Urgency): number {
    const { inFlightMax, reservedMax } = this.#limits;
    return urgency === "urgent" ? inFlightMax + reservedMax : inFlightMax;
  }

  #turn(urgency: Urgency): Promise<void> {
    const { waitingMax, waitMsMax } = this.#limits;
    const waiting = this.#waiting[urgency];
    if (waiting.size >= waitingMax) {
      const reason = `${this.#inFlight} requests are under way and ${waitingMax} wait`;
      return Promise.reject(new CassandraError("busy", reason));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(waiter);
        reject(new CassandraError("busy", `no turn within ${waitMsMax} ms`));
      }, waitMsMax);
      const waiter: Waiter = { start: resolve, timer };
      waiting.add(waiter);
    });
  }

  /** The turn goes to whoever has waited longest; it never becomes free in between. A turn of the reserve is for urgent ones only. */
  #passOn(): void {
    if (this.#startFirst("urgent")) return;
    if (this.#inFlight <= this.#limits.inFlightMax && this.#startFirst("usual")) return;
    this.#inFlight -= 1;
    if (this.#inFlight > 0) return;
    const told = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of told) resolve();
  }

  #startFirst(urgency: Urgency): boolean {
    const [next] = this.#waiting[urgency];
    if (next === undefined) return false;
    this.#waiting[urgency].delete(next);
    clearTimeout(next.timer);
    next.start();
    return true;
  }
}
