/**
 * Slots of one table, filled row by row without a store: any mixture of documents, tombstones and ownership, quickly.
 * It must not hold an expectation. All writes are plain: a suite that writes conditionally as well must not use it.
 */
import type { CanonicalKey, SlotId } from "../../router/ids.ts";
import type { OwnState } from "../../router/ownership.ts";
import { type Placement, slotOf } from "../../router/slot.ts";
import type { CassandraSession, Statement } from "../../shards/cassandra/session.ts";

const WRITES_AT_ONCE = 64;

/** What the slots are of. */
export interface SlotTable {
  readonly session: CassandraSession;
  readonly table: string;
  readonly placement: Placement;
}

/** How a slot is held. */
export interface Holding {
  readonly state: OwnState;
  readonly epoch: number;
}

/** As after the first claim. */
export const OWNED: Holding = { state: "OWNER", epoch: 1 };

/** Sets the ownership columns; a slot that has them has its sentinel. */
export async function hold(to: SlotTable, slots: readonly SlotId[], { state, epoch }: Holding): Promise<void> {
  const cql = `INSERT INTO ${to.table} (slot, own_state, own_epoch, kind, key) VALUES (?, ?, ?, 1, '')`;
  await writeAll(
    to,
    slots.map((slot) => ({ cql, parameters: [slot, state, BigInt(epoch)] })),
  );
}

/** Stores documents; those without a text are tombstones. */
export async function fill(to: SlotTable, documents: ReadonlyMap<string, string | null>): Promise<void> {
  const cql = `INSERT INTO ${to.table} (slot, kind, key, op, deleted, at_ms, json) VALUES (?, 0, ?, ?, ?, 5, ?)`;
  const statements = [...documents].map(([key, json]) => {
    const slot = slotOf(to.placement, parseKey(key));
    return { cql, parameters: [slot, key, `op of ${key}`, json === null, json] };
  });
  await writeAll(to, statements);
}

/** Removes the slots as if they had never been there. */
export async function forget(to: SlotTable, slots: readonly SlotId[]): Promise<void> {
  await writeAll(
    to,
    slots.map((slot) => ({ cql: `DELETE FROM ${to.table} WHERE slot = ?`, parameters: [slot] })),
  );
}

/** Removes the documents of a slot, as a clean-up after a move does. */
export async function cleanUp({ session, table }: SlotTable, slot: SlotId): Promise<void> {
  await session.write([{ cql: `DELETE FROM ${table} WHERE slot = ? AND kind = 0`, parameters: [slot] }]);
}

async function writeAll({ session }: SlotTable, statements: readonly Statement[]): Promise<void> {
  for (let start = 0; start < statements.length; start += WRITES_AT_ONCE) {
    await Promise.all(statements.slice(start, start + WRITES_AT_ONCE).map((statement) => session.write([statement])));
  }
}

function parseKey(key: string): CanonicalKey {
  return key as CanonicalKey;
}

/** What goes through a session. `read` counts from 1. */
export interface Interruptions {
  readonly beforeRead?: (read: number, statement: Statement) => Promise<void>;
  readonly beforeWrite?: (write: number) => Promise<void>;
  readonly afterWrite?: (write: number) => Promise<void>;
}

/** A session that lets something else happen between its requests, and counts them. */
export function interrupted(session: CassandraSession, interruptions: Interruptions) {
  const counts = { reads: 0, writes: 0, rowsAskedMax: 0 };
  const through: CassandraSession = {
    readSerial: (...request) => session.readSerial(...request),
    readQuorum: async (statement, paging) => {
      counts.reads += 1;
      counts.rowsAskedMax = Math.max(counts.rowsAskedMax, paging.rowsMax);
      await interruptions.beforeRead?.(counts.reads, statement);
      return session.readQuorum(statement, paging);
    },
    compareAndSet: async (statements) => {
      counts.writes += 1;
      const write = counts.writes;
      await interruptions.beforeWrite?.(write);
      const done = await session.compareAndSet(statements);
      await interruptions.afterWrite?.(write);
      return done;
    },
    write: (statements) => session.write(statements),
    changeSchema: (cql) => session.changeSchema(cql),
    status: () => session.status(),
    nodesByDatacenter: () => session.nodesByDatacenter(),
    close: () => session.close(),
  };
  return { session: through, counts };
}
