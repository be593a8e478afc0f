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
/** Steps of one collection in one round. */
const STEPS_MAX = 200;

/** What the sweeper stands on. */
export interface SweeperOptions {
  readonly store: Pick<Store, "sweep">;
  readonly collections: Iterable<CollectionConfig>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Sweeps every minute until `signal` aborts. Never rejects. */
export async function runSweeper(options: SweeperOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const collection of options.collections) await sweepCollection(options, collection, signal);
    await options.clock.sleep(ROUND_MS);
  }
}

async function sweepCollection(
  { store, clock, log }: SweeperOptions,
  collection: CollectionConfig,
  signal: AbortSignal,
): Promise<void> {
  const nowMs = clock.nowMs();
  const request = {
    collection: collection.name,
    recordsBeforeMs: nowMs - collection.idempotencyRetentionMs,
    tombstonesBeforeMs: nowMs - collection.tombstoneRetentionMs,
    rowsMax: STEP_ROWS_MAX,
  };
  try {
    for (let step = 0, more = true; more && step < STEPS_MAX && !signal.aborted; step += 1) {
      more = (await store.sweep(request)).more;
      if (more) await clock.sleep(STEP_PAUSE_MS);
    }
  } catch (error) {
    log("warn", "sweep-failed", { collection: collection.name, ...describeError(error) });
  }
}
