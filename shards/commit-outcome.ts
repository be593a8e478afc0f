/**
 * One write through group commit, and what became of it when the commit itself could not tell.
 * It must not say "not applied" of a write that may have been, nor apply one twice.
 */
import type { GroupCommit, SubmitOutcome } from "./group-commit.ts";
import { type Store, StoreError, type Write, type WriteOutcome, type WriteVerdict } from "./store/port.ts";

/** What a commit stands on. */
export interface CommitServices {
  readonly commits: Pick<GroupCommit, "submit">;
  readonly store: Pick<Store, "latestOp">;
}

/**
 * Commits once. After an unknown outcome only proof counts: the verdict on the same write under its idempotency claim, or,
 * without a claim, its op as the key's latest, if the write itself tells what it did then. Whatever else is found, or fails, leaves the outcome unknown: rejects
 * with a `StoreError` of that kind.
 */
export async function commitOnce(services: CommitServices, write: Write): Promise<SubmitOutcome> {
  try {
    return await services.commits.submit(write);
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== "unknown") throw error;
    const outcome = await findOutcome(services, write, error);
    if (outcome === null) throw error;
    return outcome;
  }
}

async function findOutcome(services: CommitServices, write: Write, first: StoreError): Promise<WriteOutcome | null> {
  try {
    if (write.idempotency === null) return await findByOp(services, write);
    const repeated = await services.commits.submit(write);
    return repeated.kind === "verdict" ? repeated : null;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new StoreError("unknown", `${first.message}; asked again: ${error.message}`, { cause: error });
  }
}

async function findByOp(services: CommitServices, write: Write): Promise<WriteOutcome | null> {
  const verdict = verdictOfApplied(write);
  if (verdict === null) return null;
  const found = await services.store.latestOp(write.address);
  if (found.kind === "not-owned" || found.op !== write.op) return null;
  return { kind: "verdict", verdict, replayed: false };
}

/**
 * Preconditions and kind tell whether there was a document before. Null where they do not, as for a put without conditions: nothing says
 * then whether it created or replaced. What was there is not stored: it would cost every write something.
 */
function verdictOfApplied({ change, op, atMs, preconditions }: Write): WriteVerdict | null {
  if (change.kind === "delete") return { kind: "deleted" };
  if (change.kind === "put" && preconditions.ifNoneMatch === "*") return { kind: "created", op, modifiedAtMs: atMs };
  const isReplacement = change.kind === "merge" || preconditions.ifMatch !== null;
  return isReplacement ? { kind: "replaced", op, modifiedAtMs: atMs } : null;
}
