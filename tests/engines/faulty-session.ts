/**
 * A session with a real one behind it whose conditional writes, reads and plain writes can be lost, held back or failed.
 * It must not make up an answer: what reaches the servers is done there, and only the reply is tampered with.
 */
import {
  CassandraError,
  type CassandraFailure,
  type CassandraSession,
  type CompareAndSet,
  type Statement,
} from "../../shards/cassandra/session.ts";

/** What happens to one request: `send` sends it and gives its answer. */
export type Fault = <Answer>(send: () => Promise<Answer>) => Promise<Answer>;

/** Requests that are counted and can be tampered with. */
type Kind = "compareAndSet" | "readSerial" | "write";

/** The session, and what was asked of it. */
export class FaultySession implements CassandraSession {
  readonly #inner: CassandraSession;
  readonly #faults: Record<Kind, Fault[]> = { compareAndSet: [], readSerial: [], write: [] };
  #sent: Record<Kind, number> = { compareAndSet: 0, readSerial: 0, write: 0 };

  constructor(inner: CassandraSession) {
    this.#inner = inner;
  }

  /** Requests since the last call of this. */
  takeCounts(): Readonly<Record<Kind, number>> {
    const counts = this.#sent;
    this.#sent = { compareAndSet: 0, readSerial: 0, write: 0 };
    return counts;
  }

  /** Forgets what was counted and what was planned. */
  reset(): void {
    this.takeCounts();
    for (const faults of Object.values(this.#faults)) faults.length = 0;
  }

  /** The next requests of that kind meet these faults, one each. */
  plan(kind: Kind, ...faults: readonly Fault[]): void {
    this.#faults[kind].push(...faults);
  }

  readSerial(...request: Parameters<CassandraSession["readSerial"]>) {
    return this.#pass("readSerial", () => this.#inner.readSerial(...request));
  }

  compareAndSet(statements: readonly Statement[]): Promise<CompareAndSet> {
    return this.#pass("compareAndSet", () => this.#inner.compareAndSet(statements));
  }

  write(statements: readonly Statement[]): Promise<void> {
    return this.#pass("write", () => this.#inner.write(statements));
  }

  readQuorum(...request: Parameters<CassandraSession["readQuorum"]>) {
    return this.#inner.readQuorum(...request);
  }

  changeSchema(cql: string): Promise<void> {
    return this.#inner.changeSchema(cql);
  }

  status() {
    return this.#inner.status();
  }

  nodesByDatacenter() {
    return this.#inner.nodesByDatacenter();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #pass<Answer>(kind: Kind, send: () => Promise<Answer>): Promise<Answer> {
    this.#sent[kind] += 1;
    const fault = this.#faults[kind].shift();
    return fault === undefined ? send() : fault(send);
  }
}

/** Nothing happens. */
export const undisturbed: Fault = (send) => send();

/** The servers do it, and the answer does not arrive. */
export function lostReply(kind: CassandraFailure = "unknown"): Fault {
  return async (send) => {
    await send();
    throw new CassandraError(kind, "the reply is lost");
  };
}

/** It never reaches the servers. */
export function lostRequest(kind: CassandraFailure = "unknown"): Fault {
  return () => Promise.reject(new CassandraError(kind, "the request is lost"));
}

/** Something happens before the request is sent. */
export function after(work: () => Promise<unknown>): Fault {
  return async (send) => {
    await work();
    return send();
  };
}

/** It is applied, then something else happens, and the reply is lost. */
export function lostReplyAfter(work: () => Promise<unknown>): Fault {
  return async (send) => {
    await send();
    await work();
    throw new CassandraError("unknown", "the reply is lost");
  };
}

/** A request that the client has given up, and which reaches the servers when `release` is called. */
export interface LateRequest {
  readonly fault: Fault;
  /** What the servers say then; nobody else hears it. */
  release(): Promise<unknown>;
}

/** Holds one request back. The client is told `unknown`, unless another error is given. */
export function lateRequest(errorOf = () => new CassandraError("unknown", "no answer in time")): LateRequest {
  let sendLate: (() => Promise<unknown>) | null = null;
  return {
    fault: (send) => {
      sendLate = send;
      return Promise.reject(errorOf());
    },
    release: () => {
      if (sendLate === null) throw new Error("no request was held back");
      return sendLate();
    },
  };
}
