/**
 * What becomes of one write, given what is stored: the decision that every store shares.
 * It must not touch a database, nor judge ownership: the store asks only for slots that it owns.
 */
import { utf8Length } from "../../router/text.ts";
import { mergePatch } from "./merge-patch.ts";
import type { Change, Preconditions, Write, WriteVerdict } from "./port.ts";

/** What a key holds. `json` null is a tombstone: deleted by `op`, and for clients the same as never written. */
export interface StoredDocument {
  readonly op: string;
  readonly modifiedAtMs: number;
  readonly json: string | null;
}

/** The recorded verdict of an earlier write with the same idempotency claim. */
export interface IdempotencyRecord {
  readonly fingerprint: string;
  readonly verdict: WriteVerdict;
}

/** What the store holds of a write's key and of its idempotency claim; null for nothing. */
export interface WriteContext {
  readonly document: StoredDocument | null;
  readonly record: IdempotencyRecord | null;
}

/** `document` and `record` are to be stored together with the verdict's acknowledgement; null leaves what is there. */
export interface WriteDecision {
  readonly verdict: WriteVerdict;
  readonly replayed: boolean;
  readonly document: StoredDocument | null;
  readonly record: IdempotencyRecord | null;
}

type Judgement = Pick<WriteDecision, "verdict" | "document">;
type LiveDocument = StoredDocument & { readonly json: string };

/** Judges `write`: a known claim is answered as before; else preconditions (RFC 9110, 13.2.2), existence, size. */
export function decideWrite(write: Write, stored: WriteContext): WriteDecision {
  if (write.idempotency !== null && stored.record !== null) {
    const isSame = stored.record.fingerprint === write.idempotency.fingerprint;
    const verdict: WriteVerdict = isSame ? stored.record.verdict : { kind: "key-reused" };
    return { verdict, replayed: isSame, document: null, record: null };
  }
  const { verdict, document } = judge(write, stored.document);
  const isRecorded = write.idempotency !== null && dependsOnState(write, verdict);
  const record = isRecorded ? { fingerprint: write.idempotency.fingerprint, verdict } : null;
  return { verdict, replayed: false, document, record };
}

/** The size of a put is its own; that of a merge depends on what it was merged into. */
function dependsOnState(write: Write, verdict: WriteVerdict): boolean {
  return verdict.kind !== "too-large" || write.change.kind === "merge";
}

function judge(write: Write, stored: StoredDocument | null): Judgement {
  const current = isLive(stored) ? stored : null;
  if (!isMet(write.preconditions, current)) {
    return refusal({ kind: "precondition-failed", currentOp: current?.op ?? null });
  }
  if (write.change.kind === "put") return replacement(write, { current, json: write.change.json });
  if (current === null) return refusal({ kind: "absent" });
  if (write.change.kind === "merge") return replacement(write, { current, json: merged(current, write.change) });
  return { verdict: { kind: "deleted" }, document: { op: write.op, modifiedAtMs: write.atMs, json: null } };
}

function isLive(document: StoredDocument | null): document is LiveDocument {
  return document !== null && document.json !== null;
}

function isMet({ ifMatch, ifNoneMatch }: Preconditions, current: LiveDocument | null): boolean {
  if (ifMatch !== null && !isNamed(ifMatch, current)) return false;
  return ifNoneMatch === null || !isNamed(ifNoneMatch, current);
}

function isNamed(ops: "*" | readonly string[], current: LiveDocument | null): boolean {
  return current !== null && (ops === "*" || ops.includes(current.op));
}

function merged(current: LiveDocument, change: Change & { readonly kind: "merge" }): string {
  return mergePatch(current.json, change.patchJson);
}

function replacement(write: Write, next: { readonly current: LiveDocument | null; readonly json: string }): Judgement {
  const bytes = utf8Length(next.json);
  if (bytes > write.documentBytesMax) return refusal({ kind: "too-large", bytes });
  const version = { op: write.op, modifiedAtMs: write.atMs };
  const kind = next.current === null ? "created" : "replaced";
  return { verdict: { kind, ...version }, document: { ...version, json: next.json } };
}

function refusal(verdict: WriteVerdict): Judgement {
  return { verdict, document: null };
}
