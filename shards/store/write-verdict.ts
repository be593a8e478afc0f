/**
 * What a write is told, and what is recorded of it. It must not know how writes are judged.
 */

/**
 * What became of a write whose slot is owned. What depends on the state is recorded under the idempotency claim, refusals
 * too: a first attempt that arrives after its repetition was refused must not be applied. Not recorded are `key-reused`
 * and the `too-large` of a put, which no state can change; a merge grows with what it meets.
 */
export type WriteVerdict =
  | { readonly kind: "created"; readonly op: string; readonly modifiedAtMs: number }
  | { readonly kind: "replaced"; readonly op: string; readonly modifiedAtMs: number }
  | { readonly kind: "deleted" }
  | { readonly kind: "absent" }
  | { readonly kind: "precondition-failed"; readonly currentOp: string | null }
  | { readonly kind: "too-large"; readonly bytes: number }
  | { readonly kind: "key-reused" };
