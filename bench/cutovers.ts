/**
 * How long a slot's cutover kept its clients waiting, found in what the clients themselves saw.
 * It must not know a shard's own times.
 *
 * A cutover is noticed when the first request comes back that was told of the slot's new owner on its way, at time T. Its pause is the
 * time that the slowest request took that was under way at T: sent before, answered then or later. So it holds everything that a client
 * had to wait for, an ordinary request's own time included. Every request that was held ends so: whoever waits for a decision is told of
 * the new owner then. What was answered before T did not wait for it.
 */

/** One request to one slot. Times in milliseconds from any point that all of a list share. */
export interface SlotRequest {
  readonly slot: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** The epoch of the owner that it was told of on its way; null when the shard it went to first has answered it. */
  readonly toldEpoch: number | null;
}

/** What clients saw of one cutover. */
export interface Cutover {
  readonly slot: string;
  readonly epoch: number;
  readonly atMs: number;
  readonly pauseMs: number;
}

/**
 * The cutovers that clients have been there for, by time. One that nobody had asked the old owner before, since the cutover before it,
 * is left out: the first client then came after everything was over, and its time says nothing.
 */
export function cutoversOf(requests: readonly SlotRequest[]): readonly Cutover[] {
  return [...Map.groupBy(requests, ({ slot }) => slot).values()]
    .flatMap(cutoversOfSlot)
    .toSorted((left, right) => left.atMs - right.atMs);
}

function cutoversOfSlot(requests: readonly SlotRequest[]): readonly Cutover[] {
  const cutovers: Cutover[] = [];
  let beforeMs = Number.NEGATIVE_INFINITY;
  for (const [epoch, atMs] of firstTold(requests)) {
    const wasMet = requests.some(
      ({ toldEpoch, endedAtMs }) => toldEpoch === null && endedAtMs > beforeMs && endedAtMs < atMs,
    );
    const waiting = requests.filter(({ startedAtMs, endedAtMs }) => startedAtMs <= atMs && endedAtMs >= atMs);
    const pauseMs = Math.max(...waiting.map(({ startedAtMs, endedAtMs }) => endedAtMs - startedAtMs));
    const { slot = "" } = requests[0] ?? {};
    if (wasMet) cutovers.push({ slot, epoch, atMs, pauseMs });
    beforeMs = atMs;
  }
  return cutovers;
}

/** For each epoch, in order, when the first request came back that was told of it. */
function firstTold(requests: readonly SlotRequest[]): readonly (readonly [epoch: number, atMs: number])[] {
  const first = new Map<number, number>();
  for (const { toldEpoch, endedAtMs } of requests) {
    if (toldEpoch === null) continue;
    first.set(toldEpoch, Math.min(first.get(toldEpoch) ?? endedAtMs, endedAtMs));
  }
  return [...first].toSorted(([left], [right]) => left - right);
}
