/**
 * Removes expired idempotency records and tombstones, a bounded step at a time. One worker of a shard runs it.
 * It must not decide what may be removed beyond the retention times; the store checks ownership.
 */
import type { CollectionConfig } from "../config/config.ts";
import type { Clock } from "./clock.ts";
import { describeError, type Logger } from "./log.ts";
import type { Store } from "./store/port.ts";

/** Between two rounds, in milliseconds. */
const ROUND_MS = 60_000;
/** Between two steps of one round, in milliseconds, so that clients' writes go in between. */
const STEP_PAUSE_MS = 20;
/** Rows looked at in one step. */
const STEP_ROWS_MAX = 500;

/** What the sweeper stands on. */
export interface SweeperOptions {
  readonly store: Pick<Store, "sweep">;
  readonly collections: Iterable<CollectionConfig>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Sweeps every minute until `signal` aborts, and for as long as there is more. Never rejects. */
export async function runSweeper(options: SweeperOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sweepRound(options, signal);
    await options.clock.sleep(ROUND_MS);
  }
}

/** A step of each collection by turns: a round has no end while expired rows come in faster than a step a turn. */
async function sweepRound(options: SweeperOptions, signal: AbortSignal): Promise<void> {
  let unfinished = [...options.collections];
  while (unfinished.length > 0) {
    const more: CollectionConfig[] = [];
    for (const collection of unfinished) {
      if (signal.aborted) return;
      if (await sweepStep(options, collection)) more.push(collection);
    }
    unfinished = more;
    if (unfinished.length > 0) await options.clock.sleep(STEP_PAUSE_MS);
  }
}

/** Whether there is more. A failure ends the collection's round. */
async function sweepStep({ store, clock, log }: SweeperOptions, collection: CollectionConfig): Promise<boolean> {
  const nowMs = clock.nowMs();
  try {
    const { more } = await store.sweep({
      collection: collection.name,
      recordsBeforeMs: nowMs - collection.idempotencyRetentionMs,
      tombstonesBeforeMs: nowMs - collection.tombstoneRetentionMs,
      rowsMax: STEP_ROWS_MAX,
    });
    return more;
  } catch (error) {
    log("warn", "sweep-failed", { collection: collection.name, ...describeError(error) });
    return false;
  }
}
