/**
 * Verification of a range of keys, part by part: ownership and the places of all keys over all shards, and what moves left behind against
 * its owner. It must not change anything, nor report what is merely under way.
 */
import type { CollectionName, ShardId, SlotId } from "../../router/ids.ts";
import { contains, describeRange, type KeyRange } from "../../router/range.ts";
import { rangeOf } from "../../router/shard-map.ts";
import { type Placement, prefixesOf, prefixOfSlot } from "../../router/slot.ts";
import { type AuditFinding, auditSlot, ownersOf, sidesOf } from "../../router/slot-audit.ts";
import { CliFailure } from "../failure.ts";
import type { Operator } from "../operator.ts";
import { compareLeftBehind } from "./left-behind.ts";
import { confirmedFindings, type Look, type LookRequest, liveMoveOf, lookAtSlots } from "./look.ts";

/** What was looked at and found. */
interface Found {
  readonly slots: number;
  /** At all shards; of each the name was looked at. */
  readonly rows: number;
  /** Rows that moves left behind, compared with their owner's. */
  readonly compared: { readonly slots: number; readonly rows: number };
  readonly findings: readonly AuditFinding[];
}

const NOTHING_FOUND: Found = { slots: 0, rows: 0, compared: { slots: 0, rows: 0 }, findings: [] };

/** `next`: where to go on; null at the end. */
export interface Verdict extends Found {
  readonly collection: CollectionName;
  readonly next: string | null;
}

/** How far it came; `failure`: why not to the end. */
export interface Verification {
  readonly verdict: Verdict;
  readonly failure: string | null;
}

/** `show` takes what is being done now. `signal` ends it before the next part. */
export interface Watching {
  readonly show: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Prefixes that are looked at before anything is said: a failure costs no more than this much work. */
const PREFIXES_PER_PART = 128;

/** What to verify. */
type RangeRequest = Omit<LookRequest, "depth">;

/** Part by part, up to the end, Ctrl-C, or the first part of which nothing can be said: then `failure` tells why. */
export async function verifyInParts(
  operator: Operator,
  request: RangeRequest,
  { show, signal }: Watching,
): Promise<Verification> {
  const { collection } = request;
  let verdict: Verdict = { collection: collection.name, ...NOTHING_FOUND, next: null };
  const knownMoves: KnownMoves = new Map();
  for (const range of partsOf(collection.placement, request.range)) {
    const failed = (failure: string) => ({ verdict: { ...verdict, next: range.start }, failure });
    if (signal.aborted) return failed("interrupted");
    const found = await verifyPart(operator, { ...request, range }, { show, knownMoves }).catch((error: unknown) => {
      if (error instanceof CliFailure) return error;
      throw error;
    });
    if (found instanceof CliFailure) return failed(found.message);
    verdict = { ...verdict, ...sumOf(verdict, found) };
  }
  return { verdict, failure: null };
}

function partsOf(placement: Placement, range: KeyRange): readonly KeyRange[] {
  const prefixes = prefixesOf(placement).filter((prefix) => contains(range, prefix));
  const cuts = prefixes.filter((_, index) => index > 0 && index % PREFIXES_PER_PART === 0);
  return [range.start, ...cuts].map((start, index) => ({ start, end: cuts[index] ?? range.end }));
}

function sumOf(left: Found, right: Found): Found {
  return {
    slots: left.slots + right.slots,
    rows: left.rows + right.rows,
    compared: {
      slots: left.compared.slots + right.compared.slots,
      rows: left.compared.rows + right.compared.rows,
    },
    findings: [...left.findings, ...right.findings],
  };
}

/** When each move was created, by its id: asked once for each. */
type KnownMoves = Map<string, number | null>;

interface PartOptions extends Pick<Watching, "show"> {
  readonly knownMoves: KnownMoves;
}

async function verifyPart(
  operator: Operator,
  request: RangeRequest,
  { show, knownMoves }: PartOptions,
): Promise<Found> {
  show(`asking all shards about ${request.collection.name} ${describeRange(request.range)}…`);
  const look = async (range: LookRequest["range"]): Promise<Look> => {
    const seen = await lookAtSlots(operator, { ...request, range, depth: "names" });
    for (const reason of seen.silent.values()) throw new CliFailure(`nothing can be said of a part alone: ${reason}`);
    return seen;
  };
  const first = await look(request.range);
  const findings = await confirmedFindings(first, look, (seen, slot) => Promise.resolve(audit(seen, slot)));
  const compared = { slots: 0, rows: 0 };
  const differences: AuditFinding[] = [];
  for (const { slot, source, owner } of leftIn(first)) {
    show(`comparing ${JSON.stringify(slot)}…`);
    const leftAtMs = await leftSince(operator, knownMoves, first.slots.get(slot)?.get(source)?.ownership.move ?? null);
    const { collection } = request;
    const left = { collection, slot, source, owner, leftAtMs, nowMs: operator.nowMs() };
    const comparison = await compareLeftBehind(operator.shards, left);
    if (comparison.kind === "moved") continue;
    compared.slots += 1;
    compared.rows += comparison.rows;
    differences.push(...comparison.findings);
  }
  return { slots: first.slots.size, rows: rowsIn(first), compared, findings: [...findings, ...differences] };
}

function rowsIn({ slots }: Look): number {
  return [...slots.values()].flatMap((reports) => [...reports.values()]).reduce((sum, { rows = 0 }) => sum + rows, 0);
}

/** What the router says of a slot in one look. */
function audit(look: Look, slot: SlotId): readonly AuditFinding[] {
  const { placement } = look.collection;
  const mapOwner = rangeOf(look.map, prefixOfSlot(placement, slot)).shard;
  const isMoving = liveMoveOf(look, slot) !== undefined;
  return auditSlot({ slot, reports: look.slots.get(slot) ?? new Map(), mapOwner, isMoving });
}

interface LeftSlot {
  readonly slot: SlotId;
  readonly source: ShardId;
  readonly owner: ShardId;
}

/** Slots of which a shard still has rows that have gone to the owner. */
function leftIn({ slots }: Look): readonly LeftSlot[] {
  return [...slots].flatMap(([slot, reports]) => {
    const [owner, ...others] = ownersOf(sidesOf({ slot, reports }));
    if (owner === undefined || others.length > 0) return [];
    return [...reports].flatMap(([source, { ownership, rows = 0 }]) => {
      const isLeft = ownership.state === "GONE" && ownership.to === owner && rows > 0;
      return isLeft && reports.get(owner)?.ownership.epoch === ownership.epoch ? [{ slot, source, owner }] : [];
    });
  });
}

/** When the move was created. */
async function leftSince({ catalog }: Operator, known: KnownMoves, id: string | null): Promise<number | null> {
  if (id === null) return null;
  const found = known.get(id);
  if (found !== undefined) return found;
  const createdAtMs = (await catalog.move(id))?.createdAtMs ?? null;
  known.set(id, createdAtMs);
  return createdAtMs;
}
