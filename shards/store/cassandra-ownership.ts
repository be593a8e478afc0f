/**
 * Changes of ownership columns: compare-and-set of one slot, and the first claim of many.
 * It must not write a column unconditionally, except for the first claim's, which every conditional write outranks.
 *
 * The first claim. Its intent is written first, so that whoever comes later knows which slots were to be claimed; then the slots, with
 * the lowest of all timestamps; then that it is done. Each step may be repeated, come late or stop in between: another claim of the
 * same slots goes on from there, and a slot that has moved on keeps what it has.
 */
import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CollectionName, SlotId } from "../../router/ids.ts";
import { isSameOwnership, type Ownership } from "../../router/ownership.ts";
import { compareCodePoints } from "../../router/text.ts";
import { type CassandraSession, type Statement, type Urgency } from "../cassandra/session.ts";
import { isUnknown, storeErrorOf } from "./cassandra-fault.ts";
import { type Insistence, insistOnReading } from "./cassandra-insist.ts";
import { parseClaim, parseOwnership, parseSlot, type StoredClaim } from "./cassandra-rows.ts";
import type { ClaimStatements, OwnershipPut, TableStatements } from "./cassandra-statements.ts";
import { type FirstClaim, type OwnershipChange, StoreError } from "./port.ts";

/** Requests of a claim at the same time: it must not take all that the session lets through. */
const CLAIMS_IN_FLIGHT_MAX = 16;
/** Slots in one of them. Of more partitions in one request the servers would warn. */
const SLOTS_PER_CLAIM = 10;
/** Times that one request of a claim is sent. */
const WRITES_MAX = 5;
/** A change of ownership has no bound of its own: the reads have theirs. */
const PATIENCE: Insistence = { sleep, random: Math.random, isOver: () => false };
/** Slots in one answer of the servers. */
const SLOTS_PER_PAGE = 1000;

/** A collection's table. */
export interface OwnershipTable {
  readonly session: CassandraSession;
  readonly statements: TableStatements;
}

/** The columns as they are now. */
export async function readOwnership(
  { session, statements }: OwnershipTable,
  slot: SlotId,
  urgency: Urgency = "usual",
): Promise<Ownership> {
  const rows = await session.readSerial(statements.readOwnership(slot), urgency);
  return parseOwnership(rows[0]);
}

/**
 * Sets the columns if all are as expected. After an unknown outcome, columns that are as they were to be are taken for
 * set: no two changes of a slot lead to the same ones.
 */
export async function setOwnership(table: OwnershipTable, change: OwnershipPut): Promise<OwnershipChange> {
  const { session, statements } = table;
  const { slot, expected, next } = change;
  checkEpochs(expected.epoch, next.epoch);
  try {
    const batch = [statements.setOwnership(change), statements.putSentinel(slot)];
    const { isApplied } = await session.compareAndSet(batch);
    return { applied: isApplied, current: isApplied ? next : await readFate(table, slot) };
  } catch (error) {
    if (!isUnknown(error)) throw error;
    const current = await readFate(table, slot).catch(() => null);
    // Another process may have set the very same: what is there is known, who has set it is not.
    if (current !== null && isSameOwnership(current, next)) return { applied: false, current };
    throw storeErrorOf(error);
  }
}

function readFate(table: OwnershipTable, slot: SlotId): Promise<Ownership> {
  return insistOnReading(() => readOwnership(table, slot, "urgent"), PATIENCE);
}

function checkEpochs(expected: number, next: number): void {
  if (next < expected) throw new RangeError(`epoch ${expected} must not become ${next}`);
  if (!Number.isSafeInteger(next)) throw new RangeError(`epoch ${next} is larger than what can be counted exactly`);
}

/** Whether any slot is held: looks at the slots themselves, whatever is remembered of claims. */
export async function hasHeld(table: OwnershipTable): Promise<boolean> {
  for await (const page of heldSlots(table)) if (page.length > 0) return true;
  return false;
}

async function* heldSlots({ session, statements }: OwnershipTable): AsyncGenerator<readonly SlotId[]> {
  let after: string | null = null;
  do {
    const page = await session.readQuorum(statements.heldSlots(), { rowsMax: SLOTS_PER_PAGE, after });
    yield page.rows.filter((columns) => isHeld(parseOwnership(columns))).map(parseSlot);
    after = page.next;
  } while (after !== null);
}

function isHeld({ state, epoch }: Ownership): boolean {
  return !(state === "NONE" && epoch === 0);
}

/** A first claim, and where it is remembered. */
export interface ClaimRequest {
  readonly claims: ClaimStatements;
  readonly collection: CollectionName;
  readonly slots: readonly SlotId[];
}

/** Claims all the slots, or goes on with an earlier claim of them, or finds others held and claims none. */
export async function claimFirst(table: OwnershipTable, request: ClaimRequest): Promise<FirstClaim> {
  const { session } = table;
  const { claims, collection, slots } = request;
  const digest = digestOf(slots);
  const known = parseClaim((await session.readSerial(claims.read(collection)))[0]);
  const held = await findHeld(table);
  if (known === null) {
    if (held.size > 0) return { kind: "others-held", heldSlots: held.size };
    if (slots.length === 0) return { kind: "claimed", slots: 0 };
    const claim = await intend(session, request, digest);
    return claim.digest === digest ? finish(table, request, held) : { kind: "others-held", heldSlots: claim.slots };
  }
  if (known.state === "done") {
    const isRepeated = known.digest === digest && held.size === slots.length;
    return isRepeated ? { kind: "claimed", slots: 0 } : { kind: "others-held", heldSlots: held.size };
  }
  return known.digest === digest ? finish(table, request, held) : { kind: "others-held", heldSlots: known.slots };
}

/** Of a set, whatever its order. */
function digestOf(slots: readonly SlotId[]): string {
  return hash("sha256", JSON.stringify([...slots].sort(compareCodePoints)), "base64url");
}

async function findHeld(table: OwnershipTable): Promise<ReadonlySet<SlotId>> {
  const held = new Set<SlotId>();
  for await (const page of heldSlots(table)) for (const slot of page) held.add(slot);
  return held;
}

/** The intent that stands: this one, or that of whoever came first. */
async function intend(
  session: CassandraSession,
  { claims, collection, slots }: ClaimRequest,
  digest: string,
): Promise<StoredClaim> {
  let doubt: unknown = new StoreError("unavailable", `the claim of "${collection}" has gone`);
  try {
    const { isApplied } = await session.compareAndSet([claims.intend(collection, digest, slots)]);
    if (isApplied) return { digest, slots: slots.length, state: "intended" };
  } catch (error) {
    if (!isUnknown(error)) throw error;
    doubt = error;
  }
  const found = parseClaim((await session.readSerial(claims.read(collection)))[0]);
  if (found === null) throw doubt;
  return found;
}

/** Claims what is not held yet. Nothing is done twice by it: a claim that comes late is outranked by all that came since. */
async function finish(table: OwnershipTable, request: ClaimRequest, held: ReadonlySet<SlotId>): Promise<FirstClaim> {
  const { session, statements } = table;
  const { claims, collection, slots } = request;
  const missing = slots.filter((slot) => !held.has(slot));
  const groups = Array.from({ length: Math.ceil(missing.length / SLOTS_PER_CLAIM) }, (_, index) =>
    missing.slice(index * SLOTS_PER_CLAIM, (index + 1) * SLOTS_PER_CLAIM).map((slot) => statements.claimSlot(slot)),
  );
  await writeAll(session, groups);
  // If this is not applied, somebody else has done it; if nobody knows, the next claim does it again.
  await session.compareAndSet([claims.finish(collection, digestOf(slots))]);
  return { kind: "claimed", slots: missing.length };
}

/** Rejects with the first error once nothing of it is under way any more: whoever tries again must not meet what is left of it. */
async function writeAll(session: CassandraSession, groups: readonly (readonly Statement[])[]): Promise<void> {
  const queue = groups.values();
  const failures: unknown[] = [];
  const isGivenUp = (): boolean => failures.length > 0;
  const workers = Array.from({ length: CLAIMS_IN_FLIGHT_MAX }, async () => {
    for (const group of queue) {
      if (isGivenUp()) return;
      await insist(() => session.write(group), isGivenUp).catch((error: unknown) => failures.push(error));
    }
  });
  await Promise.all(workers);
  if (isGivenUp()) throw failures[0];
}

/** For a write that may be repeated: what nobody knows to be done is done again, a bounded number of times. */
async function insist(write: () => Promise<void>, isGivenUp: () => boolean): Promise<void> {
  for (let repetition = 1; ; repetition += 1) {
    try {
      return await write();
    } catch (error) {
      if (!isUnknown(error) || repetition === WRITES_MAX || isGivenUp()) throw error;
    }
  }
}
