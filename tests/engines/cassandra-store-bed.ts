/**
 * What the suites on the store's hazards share: stores on one keyspace, each with a session that can be tampered with, and a
 * fresh slot for each test. It must not hold an expectation.
 */

import { slotsOf } from "../../router/slot.ts";
import type { CassandraSession } from "../../shards/cassandra/session.ts";
import { type Clock, systemClock } from "../../shards/clock.ts";
import type { Logger } from "../../shards/log.ts";
import { createCassandraStore } from "../../shards/store/cassandra-store.ts";
import type { Store } from "../../shards/store/port.ts";
import { PRODUCTS, SHARD } from "../contract/store-fixture.ts";
import { createKeyspacePool, type LentKeyspace } from "./cassandra-keyspaces.ts";
import type { CassandraAddress } from "./engines.ts";
import { FaultySession } from "./faulty-session.ts";

/** A store as one process has it. */
export interface Process {
  readonly store: Store;
  readonly session: FaultySession;
  /** Log lines' events. */
  readonly events: readonly string[];
}

/** One keyspace with the table of PRODUCTS, its slots claimed. */
export interface StoreBed {
  readonly keyspace: string;
  /** Untampered. */
  readonly session: CassandraSession;
  open(clock?: Clock): Promise<Process>;
  /** A key of a slot that no other test of this suite uses. */
  freshKey(): string;
  dispose(): Promise<void>;
}

/** Makes it. */
export async function createStoreBed(address: CassandraAddress, replicas = 1): Promise<StoreBed> {
  const pool = createKeyspacePool({ address, replicas, shard: SHARD, collections: [PRODUCTS] });
  const lent = await pool.lend();
  const opened: Store[] = [];
  const open = async (clock?: Clock) => {
    const process = await openProcess(lent, clock);
    opened.push(process.store);
    return process;
  };
  const { store } = await open();
  await store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
  let keys = 0;
  return {
    keyspace: lent.keyspace,
    session: lent.session,
    open,
    freshKey: () => {
      keys += 1;
      return `${String.fromCharCode(97 + (keys % 26))}${String.fromCharCode(97 + Math.floor(keys / 26))}-lamp`;
    },
    dispose: async () => {
      await Promise.all(opened.map((one) => one.close()));
      await pool.dispose();
    },
  };
}

/** A store on a keyspace. */
export async function openProcess(
  { keyspace, session: inner }: Pick<LentKeyspace, "keyspace" | "session">,
  clock: Clock = systemClock,
): Promise<Process> {
  const session = new FaultySession(inner);
  const events: string[] = [];
  const log: Logger = (_level, event) => void events.push(event);
  const store = await createCassandraStore({ session, keyspace, shard: SHARD, collections: [PRODUCTS], log, clock });
  session.takeCounts();
  return { store, session, events };
}
