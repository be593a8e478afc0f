/**
 * Reads that tell what became of an earlier request, sent again a few times while the servers are unable to answer.
 * It must not repeat anything but reads.
 */
import { CassandraError } from "../cassandra/session.ts";

/** Times that it is read. */
const READS_MAX = 4;
/** Longest pause between two, in milliseconds; a shorter one is drawn each time. */
const PAUSE_MS_MAX = 200;

/** How to wait, and how long. */
export interface Insistence {
  /** Waits so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Whoever asked has given up: nothing more is to be begun. */
  readonly isOver: () => boolean;
}

/** Where others change the same slot, servers give up reads as well; what became of a change is worth some of them. */
export async function insistOnReading<T>(read: () => Promise<T>, how: Insistence): Promise<T> {
  for (let reading = 1; ; reading += 1) {
    try {
      return await read();
    } catch (error) {
      const isWorthIt = error instanceof CassandraError && error.kind === "unavailable";
      if (!isWorthIt || reading === READS_MAX || how.isOver()) throw error;
      await how.sleep(how.random() * PAUSE_MS_MAX);
      if (how.isOver()) throw error;
    }
  }
}
