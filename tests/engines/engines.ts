/**
 * The real engines as tests see them: where they listen, and the one way to write a suite that needs them.
 * It must not start anything: setup.ts does, once for the whole run.
 */
import { describe, inject } from "vitest";

/** A Cassandra cluster to connect to. */
export interface CassandraAddress {
  /** Each as host:port; one port for all nodes of a cluster. */
  readonly contactPoints: readonly string[];
  readonly datacenter: string;
}

/** What a suite on real engines may use. Each suite has keyspaces and tables of its own, and drops them. */
export interface EngineAddresses {
  /** One node: replication factor 1. */
  readonly single: CassandraAddress;
  /** Three nodes: replication factor 3. */
  readonly cluster: CassandraAddress;
  /** Takes any credentials. */
  readonly dynamodb: { readonly endpoint: string; readonly region: string };
}

declare module "vitest" {
  interface ProvidedContext {
    /** Null when this machine cannot run the engines; setup.ts has said why. */
    engines: EngineAddresses | null;
  }
}

/** What a skipped suite is declared with: nobody is at these addresses. */
const NOWHERE: EngineAddresses = {
  single: { contactPoints: ["127.0.0.1:1"], datacenter: "dc1" },
  cluster: { contactPoints: ["127.0.0.1:1"], datacenter: "dc1" },
  dynamodb: { endpoint: "http://127.0.0.1:1", region: "us-east-1" },
};

/** A suite on the real engines; where there are none, all of it is skipped. `body` connects in hooks and tests only. */
export function describeOnEngines(suite: string, body: (engines: EngineAddresses) => void): void {
  const engines = inject("engines");
  describe.skipIf(engines === null)(`${suite}`, () => {
    body(engines ?? NOWHERE);
  });
}
