/**
 * A session for unit tests: it does what a test says, and refuses the rest. Must not pretend to be a server; tests/engines has real ones.
 */
import type { CassandraSession } from "../../../shards/cassandra/session.ts";

/** A session of these methods. */
export function createFakeSession(methods: Partial<CassandraSession>): CassandraSession {
  const refuse = (): Promise<never> => Promise.reject(new Error("not expected by this test"));
  return {
    readSerial: refuse,
    readQuorum: refuse,
    compareAndSet: refuse,
    write: refuse,
    changeSchema: refuse,
    status: () => ({ kind: "ready" }),
    nodesByDatacenter: () => new Map(),
    close: () => Promise.resolve(),
    ...methods,
  };
}
