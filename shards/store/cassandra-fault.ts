/**
 * What a failure of the cluster means for whoever asked the store. It must not make a failure less than it is.
 */
import { CassandraError, type CassandraFailure } from "../cassandra/session.ts";
import { StoreError, type StoreFailure } from "./port.ts";

/** What is broken stays so until somebody repairs it: for a client, the store is not there. */
const STORE_FAILURES: Readonly<Record<CassandraFailure, StoreFailure>> = {
  busy: "busy",
  unavailable: "unavailable",
  unknown: "unknown",
  broken: "unavailable",
};

/** The error to reject with: a StoreError for everything that the cluster is to blame for. */
export function storeErrorOf(error: unknown): unknown {
  if (!(error instanceof CassandraError)) return error;
  return new StoreError(STORE_FAILURES[error.kind], error.message, { cause: error });
}

/** Whether a conditional write may have been applied for all that is known. */
export function isUnknown(error: unknown): error is CassandraError {
  return error instanceof CassandraError && error.kind === "unknown";
}

/** The same failure, of a whole whose other part was applied: of the whole nothing is known any more. */
export function unknownBecauseOf(error: unknown): StoreError {
  const message = error instanceof Error ? error.message : String(error);
  return new StoreError("unknown", `applied in part only: ${message}`, { cause: error });
}

/** Whether somebody has to repair something: the program, the schema or the permissions. */
export function isBroken(error: unknown): error is CassandraError {
  return error instanceof CassandraError && error.kind === "broken";
}
