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
  /** Requests at the servers, each counted with its weight. The one that reaches it may be as heavy as it is. */
  readonly inFlightMax: number;
  /** So many more, if they are urgent. */
  readonly reservedMax: number;
  /** Requests that wait for their turn, and as many urgent ones; one more is refused at once. */
  readonly waitingMax: number;
  /** Longest wait for a turn, in milliseconds. */
  readonly waitMsMax: number;
}

/** How a request stands to the others. `weight`: as so many it counts, 1 if nothing is said. */
export interface Standing {
  readonly urgency?: Urgency | undefined;
  readonly weight?: number | undefined;
}

interface Waiter {
  readonly weight: number;
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
  async run<Answer>(request: () => Promise<Answer>, { urgency = "usual", weight = 1 }: Standing = {}): Promise<Answer> {
    if (this.#inFlight < this.#inFlightMax(urgency)) this.#inFlight += weight;
    else await this.#turn(urgency, weight);
    try {
      return await request();
    } finally {
      this.#inFlight -= weight;
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

  #turn(urgency: Urgency, weight: number): Promise<void> {
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
      const waiter: Waiter = { weight, start: resolve, timer };
      waiting.add(waiter);
    });
  }

  /** Room goes to those who have waited longest; it never becomes free in between. That of the reserve is for urgent ones only. */
  #passOn(): void {
    for (const urgency of ["urgent", "usual"] as const) {
      while (this.#inFlight < this.#inFlightMax(urgency) && this.#startFirst(urgency));
    }
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
    this.#inFlight += next.weight;
    next.start();
    return true;
  }
}
