/**
 * What a group of writes to one slot becomes, given what is known or guessed of the slot: outcomes, and the rows to change.
 * It must not send anything, nor judge ownership: whoever asks knows, or has the servers check, that the slot is owned.
 */
import { decideWrite, type IdempotencyRecord, type StoredDocument } from "./decide-write.ts";
import type { Write, WriteOutcome } from "./port.ts";

/** What the rows of a slot are taken for. A key or claim that is not in it is taken for absent. */
export interface PlanBase {
  readonly documents: ReadonlyMap<string, StoredDocument | null>;
  readonly records: ReadonlyMap<string, IdempotencyRecord>;
}

/** A key's last state in the group, and the one before the group on which all rests. */
export interface PlannedDocument {
  readonly key: string;
  readonly before: StoredDocument | null;
  readonly after: StoredDocument;
  /** Whether the write that made it carries a claim: then it may be sent again, and its op proves nothing of a batch. */
  readonly isClaimed: boolean;
}

/** A record to be stored where there is none. */
export interface PlannedRecord {
  readonly id: string;
  readonly record: IdempotencyRecord;
  readonly atMs: number;
}

/**
 * A group's outcomes, true once `documents` and `records` are stored together. `isProven`: the conditions under which they are
 * stored prove every outcome. Otherwise some rest on the base alone, and are as true as that is.
 */
export interface GroupPlan {
  readonly outcomes: readonly WriteOutcome[];
  readonly documents: readonly PlannedDocument[];
  readonly records: readonly PlannedRecord[];
  readonly isProven: boolean;
}

/** Judges the writes in order, each seeing those before it. Of several states of a key only the last is to be stored. */
export function planGroup(writes: readonly Write[], base: PlanBase): GroupPlan {
  const documents = new Map<string, PlannedDocument>();
  const records = new Map<string, PlannedRecord>();
  const judged: string[] = [];
  let isRecorded = true;
  const outcomes = writes.map((write): WriteOutcome => {
    const { key } = write.address;
    const id = write.idempotency?.id ?? null;
    const planned = documents.get(key);
    const before = planned === undefined ? (base.documents.get(key) ?? null) : planned.before;
    const earlier = id === null ? undefined : records.get(id);
    const record = id === null ? null : (earlier?.record ?? base.records.get(id) ?? null);
    const decision = decideWrite(write, { document: planned?.after ?? before, record });
    if (decision.document !== null) {
      documents.set(key, { key, before, after: decision.document, isClaimed: id !== null });
    }
    if (decision.record !== null && id !== null) records.set(id, { id, record: decision.record, atMs: write.atMs });
    // An earlier write of the group with this claim stands for this one: what proves that one's verdict proves this one's.
    if (earlier === undefined) judged.push(key);
    // Nobody would notice a record that was there already.
    if (earlier === undefined && id !== null && decision.record === null) isRecorded = false;
    return { kind: "verdict", verdict: decision.verdict, replayed: decision.replayed };
  });
  return {
    outcomes,
    documents: [...documents.values()],
    records: [...records.values()],
    isProven: isRecorded && judged.every((key) => documents.has(key)),
  };
}

/**
 * What the writes' keys are taken for before anything was asked: what was last seen of them; what a client says that it
 * has seen, if that is something else; else nothing. Null when no guess can do, because a document's text is needed.
 */
export function guessBase(writes: readonly Write[], seen: (key: string) => StoredDocument | null): PlanBase | null {
  const documents = new Map<string, StoredDocument | null>();
  for (const { change, preconditions, address } of writes) {
    if (change.kind === "merge") return null;
    if (documents.has(address.key)) continue;
    const known = seen(address.key);
    const named = preconditions.ifMatch;
    const isSure = named === null || named === "*" || named[0] === undefined || isNamedBy(named, known);
    documents.set(address.key, isSure ? known : liveVersion(named[0] ?? ""));
  }
  return { documents, records: new Map() };
}

function isNamedBy(ops: readonly string[], known: StoredDocument | null): boolean {
  return known !== null && known.json !== null && ops.includes(known.op);
}

/** A document of which only the version is known: enough for every change but a merge. */
export function liveVersion(op: string): StoredDocument {
  return { op, modifiedAtMs: 0, json: "" };
}

/** The tombstone of which only the version is known. */
export function deletedVersion(op: string): StoredDocument {
  return { op, modifiedAtMs: 0, json: null };
}

/** Whether a write needs the text of the document that it changes. */
export function needsText(writes: readonly Write[]): boolean {
  return writes.some(({ change }) => change.kind === "merge");
}
