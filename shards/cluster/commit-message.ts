/**
 * Writes on their way to the worker that commits for their slot, and what became of them. They go through the primary, which only
 * passes them on. It must not judge a write.
 */
import type { SubmitOutcome } from "../group-commit.ts";
import type { StoreFailure, Write } from "../store/port.ts";

/**
 * A write for the worker at place `home` of the crew. `id` is the asking worker's own number for it; `origin` is that worker, as the
 * primary knows it: 0 until it has passed there.
 */
export interface CommitMessage {
  readonly type: "commit";
  readonly home: number;
  readonly origin: number;
  readonly id: number;
  readonly write: Write;
}

/** `absent`: nobody has seen the write, and nobody will. */
export type CommitAnswer =
  | { readonly kind: "outcome"; readonly outcome: SubmitOutcome }
  | { readonly kind: "failed"; readonly failure: StoreFailure; readonly message: string }
  | { readonly kind: "absent" };

/** What became of a write. */
export interface CommittedMessage {
  readonly type: "committed";
  readonly home: number;
  readonly origin: number;
  readonly id: number;
  readonly answer: CommitAnswer;
}

/** A message of either kind; null for any other. Both ends are processes of one shard and one version: only the kind is looked at. */
export function parseCommitMessage(input: unknown): CommitMessage | CommittedMessage | null {
  const { type } = (typeof input === "object" && input !== null ? input : {}) as { readonly type?: unknown };
  return type === "commit" || type === "committed" ? (input as CommitMessage | CommittedMessage) : null;
}
