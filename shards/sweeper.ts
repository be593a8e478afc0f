/**
 * Removes expired idempotency records and tombstones, a bounded step at a time. One worker of a shard runs it.
 * It must not decide what may be removed beyond the retention times; the store checks ownership.
 */
import type { CollectionConfig } from "../config/config.ts";
import type { Clock } from "./clock.ts";
import { describeError, type Logger } from "./log.ts";
import type { Store } from "./store/port.ts";

/** Least time between two rounds, and before the first, in milliseconds: a shard that starts has other things to do. */
const ROUND_MS_MIN = 60_000;
/** Rounds within the shortest retention time: so much longer than promised something may stay. */
const ROUNDS_PER_RETENTION = 100;
/** Least pause between two steps of one round, in milliseconds. */
const STEP_PAUSE_MS_MIN = 20;
/** A pause is so many times as long as the step before it: clients get the rest of what the database can do. */
const PAUSE_PER_STEP = 4;
/** Rows looked at in one step. */
const STEP_ROWS_MAX = 500;

/** What the sweeper stands on. */
export interface SweeperOptions {
  readonly store: Pick<Store, "sweep">;
  readonly collections: Iterable<CollectionConfig>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Sweeps again and again until `signal` aborts, each time for as long as there is more. Never rejects. */
export async function runSweeper(options: SweeperOptions, signal: AbortSignal): Promise<void> {
  const retentions = [...options.collections].flatMap((of) => [of.idempotencyRetentionMs, of.tombstoneRetentionMs]);
  const roundMs = Math.max(ROUND_MS_MIN, Math.min(...retentions) / ROUNDS_PER_RETENTION);
  await options.clock.sleep(ROUND_MS_MIN);
  while (!signal.aborted) {
    await sweepRound(options, signal);
    if (!signal.aborted) await options.clock.sleep(roundMs);
  }
}

/** A step of each collection by turns: a round has no end while expired rows come in faster than a step a turn. */
async function sweepRound(options: SweeperOptions, signal: AbortSignal): Promise<void> {
  let unfinished = [...options.collections];
  while (unfinished.length > 0) {
    const more: CollectionConfig[] = [];
    for (const collection of unfinished) {
      if (signal.aborted) return;
      const startedAtMs = options.clock.nowMs();
      if (await sweepStep(options, collection)) more.push(collection);
      const tookMs = options.clock.nowMs() - startedAtMs;
      await options.clock.sleep(Math.max(STEP_PAUSE_MS_MIN, tookMs * PAUSE_PER_STEP));
    }
    unfinished = more;
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
