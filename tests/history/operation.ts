// One client operation on one key, as its client saw it: what it asked for, between which moments, what it was told.
// Must not judge whether the answers fit together; check-register.ts does.

/** What has to be true of the document for the write to be applied. */
export type Condition =
  | { readonly kind: "none" }
  | { readonly kind: "absent" }
  | { readonly kind: "match"; readonly op: string };

/**
 * A `patch` changes a document that is there, as a `delete` does; of one that is missing it says so. `ops` are the ids that the write's attempts would give the document: one for each attempt, all under one idempotency
 * key when there are several, so that at most one of them may be applied, and that once.
 */
export type OperationRequest =
  | { readonly kind: "read" }
  | { readonly kind: "put"; readonly condition: Condition; readonly ops: readonly string[] }
  | { readonly kind: "patch"; readonly condition: Condition; readonly ops: readonly string[] }
  | { readonly kind: "delete"; readonly condition: Condition; readonly ops: readonly string[] };

/**
 * What the client was told. `writer` is the id of the operation that the found content names as its own. `refused` is a definite "not applied" that says nothing about the document. `unknown`: the
 * write may be applied at any time after its start, once, or never.
 */
export type OperationResult =
  | { readonly kind: "found"; readonly op: string; readonly writer?: string }
  | { readonly kind: "missing" }
  | { readonly kind: "created"; readonly op: string }
  | { readonly kind: "replaced"; readonly op: string }
  | { readonly kind: "deleted" }
  | { readonly kind: "conflict"; readonly currentOp: string | null }
  | { readonly kind: "refused" }
  | { readonly kind: "unknown" };

/** `startNs` and `endNs` come from one monotonic clock; `endNs` is Infinity for an unknown outcome. */
export interface Operation {
  /** Unique in the history. */
  readonly id: string;
  /** The client that sent it: one operation at a time. */
  readonly process: string;
  readonly key: string;
  readonly startNs: number;
  readonly endNs: number;
  readonly request: OperationRequest;
  readonly result: OperationResult;
  /** Whether an Idempotency-Key went with it; without one a 200 may stand for a 201 (docs/guarantees.md). */
  readonly isKeyed: boolean;
  /** The server chose the ops of this write: those of the request only stand for them (server-ops.ts). */
  readonly hasServerOps?: true;
}
