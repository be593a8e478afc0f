/**
 * Lets requests share one piece of work. A request that follows waits only so long: the one that leads may have
 * been cancelled by its client, and then its promise never settles.
 * It must not remember results.
 */
import type { Clock } from "./ports.ts";

/** Work that at most one request does at a time. */
export interface SingleFlight<Value> {
  /** Starts `work`, or joins the one under way for at most `patienceMs` and then starts another. */
  run(work: () => Promise<Value>): Promise<Value>;
}

/** Says that a wait ended before the work did. */
export const TIRED = Symbol("tired");

/** `patienceMs` must be longer than the work can take when nobody cancels it. */
export function createSingleFlight<Value>(clock: Clock, patienceMs: number): SingleFlight<Value> {
  let flight: Promise<Value> | null = null;

  function lead(work: () => Promise<Value>): Promise<Value> {
    const own = work().finally(() => {
      if (flight === own) flight = null;
    });
    flight = own;
    return own;
  }

  return {
    async run(work) {
      if (flight === null) return lead(work);
      const joined = flight;
      const outcome = await waitAtMost(clock, patienceMs, joined);
      if (outcome !== TIRED) return outcome;
      if (flight === joined) flight = null;
      return flight === null ? lead(work) : flight;
    },
  };
}

/** What `work` gives, or `TIRED` when it takes longer than `delayMs`. It goes on all the same. */
export async function waitAtMost<Value>(
  clock: Clock,
  delayMs: number,
  work: Promise<Value>,
): Promise<Value | typeof TIRED> {
  let cancel: () => void = () => undefined;
  const timer = new Promise<typeof TIRED>((resolve) => {
    cancel = clock.startTimer(delayMs, () => resolve(TIRED));
  });
  try {
    return await Promise.race([work, timer]);
  } finally {
    cancel();
  }
}
