/**
 * Group commit in one partition: one conditional batch, on conditions that were guessed or read before.
 * It must not answer from a guess, nor send anything again that may have been applied.
 *
 * Every outcome is proven in one of three ways: by the batch's own conditions, by what failed conditions have seen, or by a SERIAL
 * read; the last two happen between the request and the answer, so a refusal was true at that moment. In the common case
 * the guess is right and a commit is one round of Paxos.
 */
import type { Ownership } from "../../router/ownership.ts";
import {
  type CassandraSession,
  type Columns,
  type CompareAndSet,
  ContendedError,
  type Statement,
} from "../cassandra/session.ts";
import type { Clock } from "../clock.ts";
import { expiryKeyOf } from "./cassandra-expiry.ts";
import { isUnknown, storeErrorOf, unknownBecauseOf } from "./cassandra-fault.ts";
import { insistOnReading } from "./cassandra-insist.ts";
import type { SlotMemory } from "./cassandra-memory.ts";
import {
  deletedVersion,
  type GroupPlan,
  guessBase,
  liveVersion,
  needsText,
  type PlanBase,
  type PlannedDocument,
  planGroup,
} from "./cassandra-plan.ts";
import { type ConditionRow, parseConditions, parseSlotContent } from "./cassandra-rows.ts";
import type { TableStatements } from "./cassandra-statements.ts";
import type { StoredDocument } from "./decide-write.ts";
import { type SlotAddress, StoreError, type Write, type WriteOutcome } from "./port.ts";

/**
 * Bounds of one batch. The servers take a mutation of half a commit log segment, 16 MiB by default; a character takes at
 * most three bytes.
 */
const BATCH_CHARACTERS_MAX = 4 * 1024 * 1024;
const BATCH_WRITES_MAX = 512;
/** Rounds that may be lost to other writers of the same keys before a commit gives up. */
const ROUNDS_MAX = 24;
/** Times that one batch is sent when the servers give it up because of others. */
const SENDINGS_MAX = 6;
const APPLIED: CompareAndSet = { isApplied: true, rows: [] };
/**
 * After so long nothing more is begun: whoever asked is about to give up (a gateway waits 5 s), and to go on would only keep
 * others of the slot waiting.
 */
export const COMMIT_MS_MAX = 4_000;
/** Longest pause between two rounds, in milliseconds; a shorter one is drawn each time. */
const PAUSE_MS_MAX = 40;

/** What commits stand on. */
export interface CommitServices {
  readonly session: CassandraSession;
  readonly memory: SlotMemory;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** A name that was never used before. */
  readonly newBatchId: () => string;
  /** Where this process leaves the traces of its batches. Another may use the same: then traces tell less, and nothing wrong. */
  readonly traceKey: string;
}

/** Writes to one slot, at least one. */
export interface SlotGroup {
  readonly statements: TableStatements;
  readonly address: SlotAddress;
  readonly writes: readonly Write[];
  /** By the clock: when nothing more is to be begun. */
  readonly endsAtMs: number;
}

/** The slot is owned at `epoch`, and these are its rows. `isSeen` false: nobody has looked. */
interface Base extends PlanBase {
  readonly epoch: number;
  readonly isSeen: boolean;
}

/** Applies the writes in order. Rejects with StoreError or CassandraError. */
export async function commitGroup(services: CommitServices, group: SlotGroup): Promise<readonly WriteOutcome[]> {
  const { writes } = group;
  if (writes.length === 1 || fitsOneBatch(writes)) return commitBatch(services, group);
  const middle = writes.length >>> 1;
  const first = await commitGroup(services, { ...group, writes: writes.slice(0, middle) });
  try {
    return [...first, ...(await commitGroup(services, { ...group, writes: writes.slice(middle) }))];
  } catch (error) {
    throw unknownBecauseOf(error);
  }
}

/** Beside what is written: where one text has to be read, those of all keys are, for they must come from one read. */
function fitsOneBatch(writes: readonly Write[]): boolean {
  const textOf = new Map<string, number>();
  let characters = 0;
  for (const { change, address, documentBytesMax } of writes) {
    if (change.kind === "put") characters += change.json.length;
    textOf.set(address.key, documentBytesMax);
  }
  const read = needsText(writes) ? [...textOf.values()].reduce((sum, bytes) => sum + bytes, 0) : 0;
  return Math.max(characters, read) <= BATCH_CHARACTERS_MAX && writes.length <= BATCH_WRITES_MAX;
}

async function commitBatch(services: CommitServices, group: SlotGroup): Promise<readonly WriteOutcome[]> {
  let base = guess(services, group);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    if (isOver(services, group))
      throw new StoreError("busy", `the slot is under pressure: ${round} attempts took too long`);
    if (round > 1) await services.clock.sleep(services.random() * Math.min(PAUSE_MS_MAX, 2 ** round));
    const found = base ?? (await readBase(services, group));
    if ("state" in found) return group.writes.map(() => ({ kind: "not-owned", ownership: found }));
    const plan = planGroup(group.writes, found);
    if (plan.documents.length + plan.records.length === 0 && found.isSeen) return plan.outcomes;
    const isProven = found.isSeen || plan.isProven;
    const done = isProven ? await applyPlan(services, group, { base: found, plan }) : null;
    if (done === "applied") return plan.outcomes;
    base = done;
  }
  throw new StoreError("busy", `others write the same keys: ${ROUNDS_MAX} attempts have met a change each`);
}

function isOver({ clock }: CommitServices, { endsAtMs }: SlotGroup): boolean {
  return clock.nowMs() >= endsAtMs;
}

function guess({ memory }: CommitServices, { address, writes }: SlotGroup): Base | null {
  const base = guessBase(writes, (key) => memory.versionOf(address.collection, key));
  return base === null ? null : { ...base, epoch: memory.epochOf(address), isSeen: false };
}

/** What is there, or the ownership of a slot that takes no writes. */
async function readBase(services: CommitServices, group: SlotGroup): Promise<Base | Ownership> {
  const { address, statements, writes } = group;
  const names = new Set<string>(writes.map((write) => write.address.key));
  for (const { idempotency } of writes) if (idempotency !== null) names.add(idempotency.id);
  const statement = needsText(writes)
    ? statements.readGroup(address.slot, [...names])
    : statements.readVersions(address.slot, [...names]);
  const { ownership, documents, records } = parseSlotContent(await services.session.readSerial(statement));
  if (ownership.state !== "OWNER") return ownership;
  return { epoch: ownership.epoch, documents, records, isSeen: true };
}

interface Attempt {
  readonly base: Base;
  readonly plan: GroupPlan;
}

/** Sends the batch. Otherwise what its conditions have seen; null when that is not enough to plan again. */
async function applyPlan(
  services: CommitServices,
  group: SlotGroup,
  attempt: Attempt,
): Promise<"applied" | Base | null> {
  const sent = await sendBatch(services, group, attempt);
  if (sent === "dead") return null;
  if (!sent.isApplied) return learn(services, group, { attempt, rows: sent.rows });
  rememberAll(services.memory, group.address, attempt);
  return "applied";
}

/**
 * Sends until something is known, or rejects as `unknown`. The same batch is sent again only when the servers gave it up because of
 * others and every row is as its conditions expect: then it was not applied so far, and of two that arrive only one can be,
 * for no op is ever used twice. After a doubt a refusal proves nothing: the first sending may be what it has met.
 */
async function sendBatch(
  services: CommitServices,
  group: SlotGroup,
  attempt: Attempt,
): Promise<CompareAndSet | "dead"> {
  const batch = services.newBatchId();
  const traces = traceOf(services, group, { attempt, batch });
  const statements = [...batchOf(group, attempt, batch), ...traces];
  const isTraced = traces.length > 0;
  let doubt: unknown = null;
  for (let sending = 1; ; sending += 1) {
    let isContended = true;
    try {
      const result = await services.session.compareAndSet(statements);
      if (result.isApplied && isTraced) services.memory.rememberTrace(group.address, batch);
      if (result.isApplied || doubt === null) return result;
    } catch (error) {
      if (doubt === null && !isUnknown(error)) throw error;
      isContended = error instanceof ContendedError;
      doubt ??= error;
    }
    const fate = await fateOf(services, group, { attempt, batch, isTraced, doubt });
    if (fate === "applied" && isTraced) services.memory.rememberTrace(group.address, batch);
    if (fate === "applied") return APPLIED;
    if (fate === "dead") return fate;
    if (fate === "unknown" || !isContended || sending === SENDINGS_MAX) throw storeErrorOf(doubt);
    await services.clock.sleep(services.random() * PAUSE_MS_MAX * sending);
    if (isOver(services, group)) throw storeErrorOf(doubt);
  }
}

/** One statement alone goes without a trace: it is cheaper so, and most slots have one writer at a time. */
function traceOf(
  { memory, traceKey }: CommitServices,
  { statements, address }: SlotGroup,
  { attempt, batch }: { readonly attempt: Attempt; readonly batch: string },
): readonly Statement[] {
  const { plan, base } = attempt;
  const isAlone = plan.documents.length === 1 && plan.records.length === 0 && !base.isSeen;
  return isAlone && memory.traceOf(address) === null ? [] : [statements.putTrace(address.slot, traceKey, batch)];
}

function batchOf({ statements, address }: SlotGroup, { base, plan }: Attempt, batch: string): readonly Statement[] {
  const { slot } = address;
  const all: Statement[] = [];
  // One statement asks for the ownership; the conditions of all hold, or nothing is done.
  const epochOnce = (): number | null => (all.length === 0 ? base.epoch : null);
  for (const document of plan.documents) all.push(statements.putDocument(slot, epochOnce(), document));
  for (const { id, record, atMs } of plan.records) {
    all.push(statements.putRecord(slot, epochOnce(), { id, record, atMs, batch }));
    all.push(statements.putRecordExpiry(slot, expiryKeyOf({ what: "record", atMs, name: id })));
  }
  for (const { key, after } of plan.documents) {
    if (after.json !== null) continue;
    const entry = expiryKeyOf({ what: "tombstone", atMs: after.modifiedAtMs, name: key });
    all.push(statements.putTombstoneExpiry(slot, entry, after.op));
  }
  return all;
}

function rememberAll(memory: SlotMemory, address: SlotAddress, { base, plan }: Attempt): void {
  memory.rememberEpoch(address, base.epoch);
  for (const { key, after } of plan.documents) memory.rememberVersion(address.collection, key, after);
}

interface Refused {
  readonly attempt: Attempt;
  readonly rows: readonly Columns[];
}

/** The servers have looked at every row that the batch depends on: most often no read is needed to plan again. */
function learn({ memory }: CommitServices, { address, writes }: SlotGroup, refused: Refused): Base | null {
  const { base, plan } = refused.attempt;
  const { state, epoch, rows } = parseConditions(refused.rows);
  const byKey = new Map(rows.map((row) => [row.key ?? plan.documents[0]?.key ?? "", row]));
  const documents = new Map(base.documents);
  for (const { key } of plan.documents) {
    const document = versionOf(byKey.get(key));
    documents.set(key, document);
    memory.rememberVersion(address.collection, key, document);
  }
  if (state === "OWNER") memory.rememberEpoch(address, epoch);
  // Only a read tells who owns the slot, what a record says, a text, and what no condition was about.
  const isComplete =
    base.isSeen || writes.every((write) => plan.documents.some(({ key }) => key === write.address.key));
  const isEnough = state === "OWNER" && !rows.some((row) => row.isRecord) && !needsText(writes);
  return isEnough && isComplete ? { epoch, documents, records: base.records, isSeen: true } : null;
}

function versionOf(row: ConditionRow | undefined): StoredDocument | null {
  if (row === undefined || row.op === null) return null;
  return row.isDeleted ? deletedVersion(row.op) : liveVersion(row.op);
}

interface Doubtful {
  readonly attempt: Attempt;
  readonly batch: string;
  readonly isTraced: boolean;
  readonly doubt: unknown;
}

/**
 * What a read tells of a batch. One of its rows proves it applied, and all with it: a record names its batch; the op of a write without
 * a claim was never sent before; its trace. One row as it was before, or the trace of an earlier batch of this process or of none, proves that
 * it was not applied so far; then it is `dead` if one of
 * its conditions has become false, which none does for a while only: epochs grow, and no op comes back. It is `waiting` if they
 * all hold. Where every row is somebody else's, nobody knows. Of a slot that has gone, rows may have been cleaned up: there only what is
 * still there proves something.
 */
async function fateOf(
  services: CommitServices,
  group: SlotGroup,
  { attempt: { base, plan }, batch, isTraced, doubt }: Doubtful,
): Promise<"applied" | "dead" | "waiting" | "unknown"> {
  const { memory, traceKey, clock, random } = services;
  const { statements, address } = group;
  const names = [...plan.documents.map(({ key }) => key), ...plan.records.map(({ id }) => id), traceKey];
  const read = statements.readVersions(address.slot, names);
  const rows = await insistOnReading(() => services.session.readSerial(read, "urgent"), {
    sleep: (ms) => clock.sleep(ms),
    random,
    isOver: () => isOver(services, group),
  }).catch((error: unknown) => {
    throw new StoreError("unknown", messageOf(doubt, error), { cause: doubt });
  });
  const { ownership, documents, records, traces } = parseSlotContent(rows);
  const trace = traces.get(traceKey) ?? null;
  const isOurs = ({ key, after, isClaimed }: PlannedDocument) => !isClaimed && documents.get(key)?.op === after.op;
  const isRecorded = plan.records.some(({ id }) => records.get(id)?.batch === batch);
  if (trace === batch || isRecorded || plan.documents.some(isOurs)) return "applied";
  const isThere = plan.documents.some(({ key, before }) => before !== null && documents.get(key)?.op === before.op);
  const isEarlierTrace = isTraced && trace !== null && trace === memory.traceOf(address);
  const isIntact = ownership.state === "OWNER" || ownership.state === "FENCED";
  if (!isIntact && !isThere && !isEarlierTrace) return "unknown";
  const isAsBefore = [
    ...plan.documents.map(({ key, before }) => isSameVersion(documents.get(key) ?? null, before)),
    ...plan.records.map(({ id }) => !records.has(id)),
  ];
  const isTraceless = isTraced && trace === null;
  if (!isTraceless && !isEarlierTrace && !isAsBefore.includes(true)) return "unknown";
  return isAsBefore.includes(false) || ownership.epoch !== base.epoch ? "dead" : "waiting";
}

function isSameVersion(left: StoredDocument | null, right: StoredDocument | null): boolean {
  return left?.op === right?.op && (left?.json === null) === (right?.json === null);
}

function messageOf(...errors: readonly unknown[]): string {
  return errors.map((error) => (error instanceof Error ? error.message : String(error))).join("; looking for it: ");
}
