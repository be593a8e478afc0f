/**
 * What a store needs of a Cassandra cluster: four kinds of requests, each with its consistency, and honest errors.
 * It must not know what is stored. The driver is behind it (driver-session.ts).
 */

/** CQL with `?` markers and their values. The driver prepares it; whole numbers of `bigint` columns are `bigint`s. */
export interface Statement {
  readonly cql: string;
  readonly parameters: readonly unknown[];
}

/** Columns by name. */
export type Columns = Readonly<Record<string, unknown>>;

/** Part of a result; `next` asks for the rest, null at the end. */
export interface ResultPage {
  readonly rows: readonly Columns[];
  readonly next: string | null;
}

/** How much of a result to bring at once, and where to go on. */
export interface Paging {
  readonly rowsMax: number;
  readonly after: string | null;
  /** How many partitions are read, 1 if nothing is said: to the servers each is a read of its own. */
  readonly partitions?: number;
}

/** What became of a conditional request. `rows` are the servers' columns of a condition that did not hold. */
export interface CompareAndSet {
  readonly isApplied: boolean;
  readonly rows: readonly Columns[];
}

/**
 * Why a request failed. `busy`: not tried, too much is under way. `unavailable`: not applied, or a read without an answer.
 * `unknown`: a write that may have been applied, or may still be. `broken`: the servers refuse what was sent; a fault in
 * the program, the schema or the permissions, told by `message`.
 */
export type CassandraFailure = "busy" | "unavailable" | "unknown" | "broken";

/** The cluster failed under a request; `kind` says what may be told of it. */
export class CassandraError extends Error {
  readonly kind: CassandraFailure;

  constructor(kind: CassandraFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CassandraError";
    this.kind = kind;
  }
}

/**
 * `unknown`, because the servers gave a conditional write up under way, as they do when others write the same partition.
 * They will not begin it any more; but it may have been applied, or be finished by whoever writes there next.
 */
export class ContendedError extends CassandraError {
  constructor(message: string, options?: ErrorOptions) {
    super("unknown", message, options);
  }
}

/** What is known of the cluster from its nodes' connections, without asking it. `detail` is for people. */
export type ClusterStatus =
  | { readonly kind: "ready" }
  | { readonly kind: "impaired"; readonly detail: string }
  | { readonly kind: "unreachable"; readonly detail: string };

/** `usual`, or `urgent` for a read that tells the fate of an earlier request: it does not wait behind the others. */
export type Urgency = "usual" | "urgent";

/** A connection of one process to the cluster. All methods reject with `CassandraError` only. */
export interface CassandraSession {
  /** SERIAL, one partition: everything decided before is seen, and nothing undecided stays so. Usual, if nothing else is said. */
  readSerial(statement: Statement, urgency?: Urgency): Promise<readonly Columns[]>;
  /** QUORUM, any number of partitions: everything acknowledged is seen. */
  readQuorum(statement: Statement, paging: Paging): Promise<ResultPage>;
  /** One conditional statement, or several of one partition as one: SERIAL, committed at QUORUM. Never sent twice. */
  compareAndSet(statements: readonly Statement[]): Promise<CompareAndSet>;
  /**
   * Unconditional, at QUORUM: only for what any conditional write outranks, or what no condition ever touches. Several go as
   * one request and are applied each by itself: after a failure, any of them may have been.
   */
  write(statements: readonly Statement[]): Promise<void>;
  /** A change of the schema; resolves when all reachable nodes agree on it. */
  changeSchema(cql: string): Promise<void>;
  status(): ClusterStatus;
  /** How many nodes each datacenter has, those that are down included. */
  nodesByDatacenter(): ReadonlyMap<string, number>;
  /** Waits for what is under way; later requests are `unavailable`. */
  close(): Promise<void>;
}
