/**
 * One page of a collection in Cassandra: slot by slot in key order, several slots in a request, never by token.
 * It must not read a slot's rows and its ownership at different moments, nor hold more than a bounded part of the collection.
 *
 * A page is put together from several reads, and slots may change hands in between. It is right whatever happens, because:
 *
 * - Each read judges itself. The rows of a slot count only if the ownership columns that came with them, from the same
 *   read of the partition, say that the slot is readable here. What another read found is never relied on.
 * - So each row, and each gap between rows, was true here at a moment between the request and the answer: no more is promised of a
 *   page. The order of the reads does not matter, nor that a later part of the page may be older than an earlier one.
 * - A page says nothing beyond the first prefix in which any read met a slot that is not readable, or that was never held. Rows of that
 *   prefix which earlier reads had given are dropped.
 * - An answer that was cut short says nothing of the slots behind the cut. They are read again, not taken for empty.
 * - QUORUM suffices: a change of ownership counts only after its commit at QUORUM, so every later read sees it. Rows of
 *   one partition are written together and read together. Rows are removed from a slot that is GONE only after a retention time,
 *   which is longer than any read takes.
 *
 * A page that takes too long ends where it has come to: tombstones, empty slots and stripes must not keep it from ending. Of the
 * stripes of one prefix the one that lags most is read first, so that they come forward together.
 *
 * Memory: at most ROWS_AT_ONCE_MAX rows are under way, some ANSWER_BYTES_MAX once lists have learned how large documents are, and
 * beside them no more than the page and one row.
 */
import type { CollectionName, SlotId } from "../../router/ids.ts";
import { isReadable, type Ownership } from "../../router/ownership.ts";
import { type Placement, prefixesOf, type SortKey, slotsOfPrefix } from "../../router/slot.ts";
import { compareCodePoints } from "../../router/text.ts";
import type { CassandraSession } from "../cassandra/session.ts";
import type { Clock } from "../clock.ts";
import { type ScannedSlot, type SlotScan, scanSlots } from "./cassandra-slot-scan.ts";
import { type FoundRow, PageDraft } from "./list-page.ts";
import { type ListWindow, windowOf } from "./list-window.ts";
import type { ListOutcome, ListRequest } from "./port.ts";

/** In one answer: 16 MiB of the largest documents that there may be, where nothing is known of their sizes yet. */
const ROWS_AT_ONCE_MAX = 64;

/** Documents in one answer, once their size is known roughly: two full pages, so that tombstones between them do not cost a request each. */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024;

/**
 * Slots in one request. The node that takes it reads them all at once; several requests at once were measured no faster.
 * More slots than rows would be of no use: each slot gives one row at least.
 */
const SLOTS_AT_ONCE_MAX = ROWS_AT_ONCE_MAX;

/** Rows lie unevenly in slots: the servers may bring so many times the rows of an answer into their memory. */
const UNEVENNESS = 4;

/** A start between two hash prefixes: nothing of the lower one is in the window, but the window begins in it. */
const BEHIND_ALL_KEYS = "\u{10ffff}";

/** What lists have learned of a collection, to read the right amount at once: only ever a guess. */
interface Experience {
  readonly slotsAtOnce: number;
  readonly documentBytes: number;
}

/** By collection. */
export type ListExperience = Map<CollectionName, Experience>;

const NO_EXPERIENCE: Experience = { slotsAtOnce: 16, documentBytes: 1024 };

/** What a page may cost. One that has not come forward at all by then goes on until it has: else it could never be asked for again. */
export interface ListBudget {
  readonly durationMs: number;
  readonly requestsMax: number;
}

/** Well below what a gateway waits for a shard (5 s), with one slow request still to come. */
export const LIST_BUDGET: ListBudget = { durationMs: 1_500, requestsMax: 500 };

/** What the lists of one collection stand on. `experience` belongs to the process. */
export interface ListSource {
  readonly session: CassandraSession;
  readonly table: string;
  readonly placement: Placement;
  readonly experience: ListExperience;
  readonly clock: Pick<Clock, "nowMs">;
  readonly budget: ListBudget;
}

/** The page that `request` asks for. Rejects with `CassandraError`. */
export async function listCassandra(source: ListSource, request: ListRequest): Promise<ListOutcome> {
  const window = windowOf(source.placement, request);
  if (window === null) return { kind: "page", rows: [], coveredTo: null };
  const walk = startWalk(source, request, window);
  for (let parts = nextParts(walk); parts.length > 0; parts = nextParts(walk)) {
    if (isSpent(walk) && isForward(walk)) {
      walk.page.dropBehind(positionOf(walk));
      return walk.page.finish(positionOf(walk));
    }
    applyAnswers(walk, await readParts(walk, parts));
    source.experience.set(request.collection, walk.guess);
  }
  return outcomeOf(walk);
}

/** What is still to be read of a slot: from this key on, inclusive. */
interface Part {
  readonly slot: SlotId;
  readonly prefix: number;
  readonly start: string;
}

/** A list on its way. `pending` is in order; behind it come all slots of the prefixes from `nextPrefix` on. */
interface Walk {
  readonly source: ListSource;
  readonly window: ListWindow;
  readonly page: PageDraft;
  pending: readonly Part[];
  nextPrefix: number;
  obstacle: { readonly prefix: number; readonly slot: SlotId; readonly ownership: Ownership } | null;
  guess: Experience;
  rowsAtOnce: number;
  requests: number;
  readonly endsAtMs: number;
}

function startWalk(source: ListSource, request: ListRequest, window: ListWindow): Walk {
  return {
    source,
    window,
    page: new PageDraft(request),
    pending: [],
    nextPrefix: window.firstPrefix,
    obstacle: null,
    guess: source.experience.get(request.collection) ?? NO_EXPERIENCE,
    rowsAtOnce: 0,
    requests: 0,
    endsAtMs: source.clock.nowMs() + source.budget.durationMs,
  };
}

function isSpent({ source, requests, endsAtMs }: Walk): boolean {
  return requests >= source.budget.requestsMax || source.clock.nowMs() >= endsAtMs;
}

function isForward(walk: Walk): boolean {
  return compareCodePoints(positionOf(walk), walk.window.start) > 0;
}

/** All before it is read, and nothing of what comes after it is needed. There is something left to be read. */
function positionOf(walk: Walk): SortKey {
  const [first] = walk.pending;
  if (first === undefined) throw new Error("broken assumption: a list that is not over has something to read");
  // Of the first prefix this part lags most. Where nothing of the window lies in a prefix, there is no key to name.
  const start = first.start === BEHIND_ALL_KEYS ? "" : first.start;
  const reached = [prefixText(walk, first.prefix), sortKeyIn(walk, first.prefix, start)];
  return reached.reduce((last, key) => (compareCodePoints(key, last) > 0 ? key : last), walk.window.start);
}

/** What to read next by one request: parts that begin at the same key, in the order in which the servers answer. */
function nextParts(walk: Walk): readonly Part[] {
  const slotsMax = walk.guess.slotsAtOnce;
  refill(walk, slotsMax);
  walk.pending = laggardsFirst(walk.pending);
  const [first, ...others] = walk.pending;
  if (first === undefined) return [];
  const parts = [first];
  for (const part of others.slice(0, slotsMax - 1)) {
    const isNext = compareCodePoints(parts.at(-1)?.slot ?? "", part.slot) < 0;
    if (part.start !== first.start || !isNext) break;
    parts.push(part);
  }
  return parts;
}

/** The stripes of the first prefix by what they have come to, and then the rest as it was. */
function laggardsFirst(parts: readonly Part[]): readonly Part[] {
  const stripes = parts.filter(({ prefix }) => prefix === parts[0]?.prefix);
  const compare = (left: Part, right: Part): number =>
    compareCodePoints(left.start, right.start) || compareCodePoints(left.slot, right.slot);
  return [...stripes.toSorted(compare), ...parts.slice(stripes.length)];
}

function refill(walk: Walk, count: number): void {
  const { window, source } = walk;
  if (walk.pending.length >= count) return;
  const parts = [...walk.pending];
  for (; parts.length < count && walk.nextPrefix <= window.lastPrefix; walk.nextPrefix += 1) {
    const prefix = walk.nextPrefix;
    const start = startIn(walk, prefix);
    const slots = slotsOfPrefix(source.placement, prefixText(walk, prefix));
    parts.push(...slots.map((slot) => ({ slot, prefix, start })));
  }
  walk.pending = parts;
}

function prefixText({ source }: Walk, prefix: number): string {
  return prefixesOf(source.placement)[prefix] ?? "";
}

/** First key of the window in slots of this prefix. All slots of a range are read from the window's start: theirs lie behind it. */
function startIn(walk: Walk, prefix: number): string {
  const { start, firstPrefix } = walk.window;
  if (walk.source.placement.kind === "range") return start;
  const text = prefixText(walk, prefix);
  if (prefix !== firstPrefix || compareCodePoints(start, text) <= 0) return "";
  return start.startsWith(text) ? start.slice(text.length) : BEHIND_ALL_KEYS;
}

function sortKeyIn(walk: Walk, prefix: number, key: string): SortKey {
  return walk.source.placement.kind === "range" ? key : prefixText(walk, prefix) + key;
}

interface Answer {
  readonly part: Part;
  /** Null: the answer says nothing of this slot. */
  readonly scanned: ScannedSlot | null;
}

async function readParts(walk: Walk, parts: readonly Part[]): Promise<readonly Answer[]> {
  const { session, table } = walk.source;
  const slots = parts.map(({ slot }) => slot);
  walk.requests += 1;
  const scanned = await scanSlots(session, {
    table,
    slots,
    start: parts[0]?.start ?? "",
    ...sizeOf(walk, parts.length),
  });
  return parts.map((part, index) => ({ part, scanned: scanned[index] ?? null }));
}

/**
 * As many rows as the page misses and a sentinel for each slot; more each time, for what was read turned out to be tombstones, but
 * not so many that they would be too large if they were not.
 */
function sizeOf(walk: Walk, slots: number): Pick<SlotScan, "rowsMax" | "slotRowsMax"> {
  const { documentBytes } = walk.guess;
  const wanted = walk.page.missingRows(documentBytes) + slots;
  const bearable = Math.ceil(ANSWER_BYTES_MAX / Math.max(1, documentBytes)) + slots;
  walk.rowsAtOnce = Math.min(ROWS_AT_ONCE_MAX, bearable, Math.max(wanted, 2 * walk.rowsAtOnce));
  return { rowsMax: walk.rowsAtOnce, slotRowsMax: Math.ceil((UNEVENNESS * walk.rowsAtOnce) / slots) };
}

/** Takes what is known in order, up to the first prefix that is not known to its end; what lies behind is read again. */
function applyAnswers(walk: Walk, answers: readonly Answer[]): void {
  const left: Part[] = [];
  const found: FoundRow[] = [];
  for (const { part, scanned } of answers) {
    const isBehind = left.length > 0 && left[0]?.prefix !== part.prefix;
    if (scanned !== null && !isBehind && !isReadable(scanned.ownership)) {
      walk.obstacle = { ...scanned, prefix: part.prefix };
      break;
    }
    if (scanned !== null && !isBehind) found.push(...foundRows(walk, part, scanned));
    const rest = scanned === null || isBehind ? part : restOf(walk, part, scanned);
    if (rest !== null) left.push(rest);
  }
  walk.pending = [...left, ...walk.pending.slice(answers.length)];
  walk.page.add(found);
  adapt(walk, answers, left.length);
  stopWhereItEnds(walk);
}

function foundRows(walk: Walk, { prefix }: Part, { documents }: ScannedSlot): readonly FoundRow[] {
  const rows = documents.map((row) => ({ sortKey: sortKeyIn(walk, prefix, row.key), prefix, row }));
  return rows.filter(({ sortKey }) => isInWindow(walk, sortKey));
}

/** What is left to be read of a slot. */
function restOf(walk: Walk, part: Part, { next }: ScannedSlot): Part | null {
  const isDone = next === null || !isInWindow(walk, sortKeyIn(walk, part.prefix, next));
  return isDone ? null : { ...part, start: next };
}

function isInWindow({ window }: Walk, sortKey: SortKey): boolean {
  return compareCodePoints(sortKey, window.end) < 0;
}

/** Nothing behind an obstacle counts. Once the page is full, only stripes that may still hold a smaller key matter. */
function stopWhereItEnds(walk: Walk): void {
  if (walk.obstacle !== null) {
    walk.page.dropFrom(walk.obstacle.prefix);
    return endWalk(walk, []);
  }
  const { horizon } = walk.page;
  if (horizon === null) return;
  const mayPrecede = ({ prefix, start }: Part): boolean =>
    prefix === horizon.prefix && compareCodePoints(sortKeyIn(walk, prefix, start), horizon.sortKey) < 0;
  endWalk(walk, walk.pending.filter(mayPrecede));
}

function endWalk(walk: Walk, pending: readonly Part[]): void {
  walk.pending = pending;
  walk.nextPrefix = walk.window.lastPrefix + 1;
}

/** Learns how many slots fill an answer, and how large the documents are. */
function adapt(walk: Walk, answers: readonly Answer[], left: number): void {
  const { slotsAtOnce, documentBytes } = walk.guess;
  const documents = answers.flatMap(({ scanned }) => scanned?.documents ?? []);
  const bytes = documents.reduce((sum, { json }) => sum + json.length, 0);
  walk.guess = {
    slotsAtOnce: left > 0 ? Math.max(1, answers.length - left) : Math.min(SLOTS_AT_ONCE_MAX, 2 * slotsAtOnce),
    documentBytes: documents.length === 0 ? documentBytes : (documentBytes + bytes / documents.length) / 2,
  };
}

function outcomeOf({ page, obstacle, window, source }: Walk): ListOutcome {
  if (obstacle === null) return page.finish(null);
  const { prefix, slot, ownership } = obstacle;
  if (prefix === window.firstPrefix) return { kind: "not-owned", slot, ownership };
  return page.finish(prefixesOf(source.placement)[prefix] ?? null);
}
