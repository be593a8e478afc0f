/**
 * Writes inside a transaction that is already open: reads what each needs, asks for the decision, stores it.
 * It must not begin or end the transaction.
 */
import type { CollectionName, SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import { decideWrite, type IdempotencyRecord, type StoredDocument } from "./decide-write.ts";
import type { FirstClaim, OwnershipChange, RowAddress, SlotAddress, Write, WriteOutcome } from "./port.ts";
import { parseDocument, parseOwnership, parseRecord, type Statements } from "./sqlite-statements.ts";

/** Judges one write by what is stored at this point of the transaction and stores what follows. */
export function applyWrite(statements: Statements, write: Write): WriteOutcome {
  const { collection, slot, sortKey } = write.address;
  const columns = statements.readDocument.get(sortKey, collection, slot);
  const ownership = parseOwnership(columns);
  if (ownership.state !== "OWNER") return { kind: "not-owned", ownership };
  const document = parseDocument(columns);
  const decision = decideWrite(write, { document, record: findRecord(statements, write) });
  if (decision.document !== null) {
    storeDocument(statements, write.address, { before: document, after: decision.document });
  }
  if (decision.record !== null) storeRecord(statements, write, decision.record);
  return { kind: "verdict", verdict: decision.verdict, replayed: decision.replayed };
}

function findRecord(statements: Statements, { address, idempotency }: Write): IdempotencyRecord | null {
  if (idempotency === null) return null;
  return parseRecord(statements.readRecord.get(address.collection, address.slot, idempotency.id));
}

function storeRecord(statements: Statements, write: Write, record: IdempotencyRecord): void {
  if (write.idempotency === null) return;
  const { collection, slot } = write.address;
  const verdict = JSON.stringify(record.verdict);
  statements.putRecord.run(collection, slot, write.idempotency.id, record.fingerprint, verdict, write.atMs);
}

interface DocumentChange {
  readonly before: StoredDocument | null;
  readonly after: StoredDocument;
}

function storeDocument(statements: Statements, address: RowAddress, { before, after }: DocumentChange): void {
  const { collection, slot, sortKey } = address;
  if (after.json === null) {
    statements.removeDocument.run(collection, sortKey);
    statements.putTombstone.run(collection, slot, sortKey, after.op, after.modifiedAtMs);
    return;
  }
  if (before === null) statements.removeTombstone.run(collection, slot, sortKey);
  statements.putDocument.run(collection, sortKey, after.op, after.modifiedAtMs, after.json);
}

/** What a compare-and-set of ownership columns is about. */
export interface OwnershipSwap {
  readonly address: SlotAddress;
  readonly expected: Ownership;
  readonly next: Ownership;
}

/** Sets the columns if all of them are as expected. */
export function applyOwnership(statements: Statements, { address, expected, next }: OwnershipSwap): OwnershipChange {
  const { collection, slot } = address;
  const done = statements.setOwnership.run(...columnsOf(next), collection, slot, ...columnsOf(expected));
  const current = parseOwnership(statements.readOwnership.get(collection, slot));
  return { applied: done.changes === 1, current };
}

/** Claims the slots, or finds them claimed, or finds that others are held. */
export function applyFirstClaim(
  statements: Statements,
  collection: CollectionName,
  slots: readonly SlotId[],
): FirstClaim {
  const held = new Set(statements.heldSlots.all(collection).map(({ slot }) => slot));
  if (held.size === 0) {
    for (const slot of slots) statements.claimFirst.run(collection, slot);
    return { kind: "claimed", slots: slots.length };
  }
  const isRepeated = held.size === slots.length && slots.every((slot) => held.has(slot));
  return isRepeated ? { kind: "claimed", slots: 0 } : { kind: "others-held", heldSlots: held.size };
}

function columnsOf(own: Ownership): [string, number, string | null, string | null, string | null, string | null] {
  return [own.state, own.epoch, own.move, own.run, own.to, own.digest];
}
