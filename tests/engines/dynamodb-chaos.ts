/**
 * A network between catalog and DynamoDB that loses replies and requests, delivers twice, late, or is turned away; by a
 * seeded chance, so that a run can be repeated as far as the order of concurrent requests allows.
 * It must not test anything.
 */
import { setTimeout as delay } from "node:timers/promises";
import { connectionReset, type Fault, turnedAway } from "./dynamodb-fixture.ts";

/** What can happen to a request. */
type Mishap = "reply-lost" | "request-lost" | "twice" | "late" | "throttled" | "server-error" | "none";

/** How often, of 100 requests. */
const SHARES: readonly (readonly [Mishap, number])[] = [
  ["reply-lost", 15],
  ["request-lost", 8],
  ["twice", 8],
  ["late", 5],
  ["throttled", 5],
  ["server-error", 4],
];

const LATE_MS_MAX = 30;

/** Faults, what they did so far, and an end to wait for: of requests that arrive after their client has given up. */
export interface Chaos {
  readonly fault: Fault;
  readonly counts: ReadonlyMap<Mishap, number>;
  settled(): Promise<void>;
}

/** A network whose mishaps come from `random`. */
export function createChaos(random: () => number): Chaos {
  const counts = new Map<Mishap, number>();
  const late = new Set<Promise<unknown>>();
  const deliverLate = (send: () => Promise<unknown>): void => {
    const delivery: Promise<unknown> = delay(random() * LATE_MS_MAX)
      .then(send)
      .catch(() => undefined)
      .finally(() => late.delete(delivery));
    late.add(delivery);
  };
  const fault: Fault = async (_operation, send) => {
    const mishap = chooseMishap(random() * 100);
    counts.set(mishap, (counts.get(mishap) ?? 0) + 1);
    switch (mishap) {
      case "none":
        return send();
      case "reply-lost":
        await send();
        throw connectionReset();
      case "request-lost":
        throw connectionReset();
      case "twice":
        await send();
        return send();
      case "late":
        deliverLate(send);
        throw connectionReset();
      case "throttled":
        throw turnedAway("ThrottlingException");
      case "server-error":
        await send();
        throw turnedAway("InternalServerError", 500);
      default:
        return mishap satisfies never;
    }
  };
  return { fault, counts, settled: async () => void (await Promise.all(late)) };
}

function chooseMishap(dice: number): Mishap {
  let sum = 0;
  for (const [mishap, share] of SHARES) {
    sum += share;
    if (dice < sum) return mishap;
  }
  return "none";
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
