/**
 * Moves and runner leases in DynamoDB.
 * It must not decide how long to try; the operation does.
 */
import type { CollectionName } from "../../router/ids.ts";
import { compareCodePoints } from "../../router/text.ts";
import {
  auditItem,
  COLLECTIONS,
  everythingOf,
  type Head,
  KEY,
  type Listing,
  leaseItem,
  listingItem,
  listingKey,
  moveItem,
  number,
  orderOf,
  PREFIX,
  PRESENT,
  parseLease,
  parseListing,
  parseMove,
  partitionOf,
  type StoredMove,
  text,
  textOf,
  unchanged,
} from "./dynamodb-layout.ts";
import { demandHead, headWrite, newItem } from "./dynamodb-maps.ts";
import type { DynamodbOperation, ItemWrite, Step } from "./dynamodb-table.ts";
import { decideChange, isLive, isWanted, overlaps, repeatCreation, startMove } from "./move-record.ts";
import {
  type Author,
  CatalogError,
  type LeaseOutcome,
  type LeaseRequest,
  type Move,
  type MoveChange,
  type MoveCreation,
  type MoveIntent,
  type MovesPage,
  type MoveUpdate,
} from "./port.ts";

/** One move; null when there is none. */
export async function readMove(operation: DynamodbOperation, id: string): Promise<StoredMove | null> {
  const item = await operation.get(KEY.move(id));
  return item === null ? null : parseMove(item);
}

/**
 * Records a move. The head is read first and must not have changed when the move is written, so nothing that was checked
 * in between can have changed either: every creation, end and publication raises the head's revision.
 */
export function createMove(operation: DynamodbOperation, intent: MoveIntent, author: Author): Promise<MoveCreation> {
  const record = startMove(intent, author);
  return operation.settle(async (): Promise<Step<MoveCreation>> => {
    const before = await demandHead(operation, intent.collection);
    const same = await readMove(operation, intent.id);
    if (same !== null) return { kind: "answer", value: repeatCreation(same, author) };
    if (before.version !== intent.parent) {
      return { kind: "answer", value: { kind: "map-changed", current: before.version } };
    }
    const other = await findOverlap(operation, intent);
    if (other !== null) return { kind: "answer", value: { kind: "overlaps", move: other } };
    const head: Head = {
      ...before,
      revision: before.revision + 1,
      moveMs: Math.max(before.moveMs, record.move.createdAtMs),
    };
    const stored = { ...record, order: orderOf(head) };
    const items = [
      headWrite(intent.collection, before, head),
      newItem(moveItem(stored)),
      newItem(listingItem(PREFIX.move, stored)),
      newItem(listingItem(PREFIX.live, stored)),
      auditWrite({ stored, head, action: "move-created" }, author),
    ];
    return { kind: "write", items, value: { kind: "created", move: stored.move } };
  });
}

/** A live move in the way; null when there is none. One that ends meanwhile has raised the head, which is found out later. */
async function findOverlap(operation: DynamodbOperation, intent: MoveIntent): Promise<Move | null> {
  const live = { pk: partitionOf(intent.collection), ...everythingOf(PREFIX.live), order: "ascending" } as const;
  for await (const item of operation.query(live)) {
    const listing = parseListing(item);
    if (listing.id === intent.id || !overlaps(listing, intent)) continue;
    const found = await readMove(operation, listing.id);
    if (found !== null && isLive(found.move.state)) return found.move;
  }
  return null;
}

interface MoveDeed {
  readonly stored: StoredMove;
  readonly head: Head;
  readonly action: string;
}

function auditWrite({ stored, head, action }: MoveDeed, author: Author): ItemWrite {
  const { collection, id } = stored.move;
  return newItem(auditItem({ collection, position: head.revision, action, version: null, move: id }, author));
}

/** A change of a move, and who makes it. */
export interface ChangeRequest {
  readonly change: MoveChange;
  readonly author: Author;
}

/** Changes a move. Progress alone touches the move's own item; all else goes with the head and the audit trail. */
export function changeMove(operation: DynamodbOperation, id: string, request: ChangeRequest): Promise<MoveUpdate> {
  const { change, author } = request;
  return operation.settle(async (attempts): Promise<Step<MoveUpdate>> => {
    const stored = await readMove(operation, id);
    if (stored === null) throw new CatalogError(`there is no move ${id}`);
    const decision = decideChange(stored, change, author);
    if (decision.kind === "repetition") return { kind: "answer", value: { kind: "changed", move: stored.move } };
    if (decision.kind === "forgotten" && attempts > 0) throw forgotten(stored.move, change);
    if (decision.kind !== "change") return { kind: "answer", value: { kind: "conflict", current: stored.move } };
    const { next, action } = decision;
    const after = { ...next, order: stored.order };
    const condition = unchanged("revision", number(stored.move.revision));
    const write: ItemWrite = { kind: "put", item: moveItem(after), condition };
    const rest = action === null ? [] : await deedWrites(operation, { stored: after, action, author });
    return { kind: "write", items: [write, ...rest], value: { kind: "changed", move: next.move } };
  });
}

interface DeedRequest {
  readonly stored: StoredMove;
  readonly action: string;
  readonly author: Author;
}

async function deedWrites(operation: DynamodbOperation, request: DeedRequest): Promise<readonly ItemWrite[]> {
  const { stored, action, author } = request;
  const { collection, state } = stored.move;
  const before = await demandHead(operation, collection);
  const head = { ...before, revision: before.revision + 1 };
  const writes = [headWrite(collection, before, head), auditWrite({ stored, head, action }, author)];
  if (isLive(state)) return writes;
  return [...writes, { kind: "delete", key: listingKey(PREFIX.live, stored), condition: PRESENT }];
}

function forgotten({ id, revision }: Move, { expectedRevision }: MoveChange): CatalogError {
  const late = `has revision ${revision} by now, too many after ${expectedRevision} to tell whether this change is one`;
  return new CatalogError(`move ${id} ${late}: its outcome is unknown`, { kind: "outcome-unknown" });
}

/** So many moves are fetched at once while a page is filled. */
const FETCH_MOVES_MAX = 25;
/** So many listings are read at once. */
const LISTINGS_MAX = 50;

/** Moves, newest first. */
export async function readMoves(
  operation: DynamodbOperation,
  collection: CollectionName | null,
  page: MovesPage,
): Promise<readonly Move[]> {
  const { limit, state } = page;
  const moves: Move[] = [];
  if (limit < 1) return moves;
  const chosen = collection === null ? await readCollections(operation) : [collection];
  const after = page.after === undefined ? null : await findPlace(operation, page.after);
  const ofLive = state !== undefined && (state === "live" || isLive(state));
  const prefix = ofLive ? PREFIX.live : PREFIX.move;
  const streams = chosen.map((name) => listNewest(operation, { collection: name, prefix, after }));
  // Among the ended ones only some have the state that is wanted, so a small page may take many.
  const fetchMax = prefix === PREFIX.move && state !== undefined ? FETCH_MOVES_MAX : Math.min(FETCH_MOVES_MAX, limit);
  let ids: string[] = [];
  const fetch = async (): Promise<void> => {
    const found = await readMany(operation, ids);
    moves.push(...found.filter((move) => isWanted(state, move.state)));
    ids = [];
  };
  for await (const { id } of mergeNewest(streams)) {
    ids.push(id);
    if (ids.length >= fetchMax) await fetch();
    if (moves.length >= limit) break;
  }
  if (moves.length < limit) await fetch();
  return moves.slice(0, limit);
}

async function readMany(operation: DynamodbOperation, ids: readonly string[]): Promise<readonly Move[]> {
  const items = await operation.getMany(ids.map((id) => KEY.move(id)));
  const byId = new Map(items.map(parseMove).map(({ move }) => [move.id, move]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

async function readCollections(operation: DynamodbOperation): Promise<readonly CollectionName[]> {
  const names: CollectionName[] = [];
  const query = { pk: COLLECTIONS, low: "a", high: "~", order: "ascending" } as const;
  for await (const item of operation.query(query)) names.push(parseName(textOf(item, "sk")));
  return names;
}

function parseName(name: string): CollectionName {
  return name as CollectionName;
}

/** Where a move lies among all moves. */
interface Place {
  readonly collection: CollectionName;
  readonly order: string;
}

/** Newest first; of equal ones the collection decides. */
function comparePlaces(left: Place, right: Place): number {
  return compareCodePoints(right.order, left.order) || compareCodePoints(left.collection, right.collection);
}

async function findPlace(operation: DynamodbOperation, id: string): Promise<Place> {
  const stored = await readMove(operation, id);
  if (stored === null) throw new CatalogError(`there is no move ${id}`);
  return { collection: stored.move.collection, order: stored.order };
}

interface ListRequest {
  readonly collection: CollectionName;
  readonly prefix: "move#" | "live#";
  readonly after: Place | null;
}

type PlacedListing = Listing & Place;

async function* listNewest(operation: DynamodbOperation, request: ListRequest): AsyncGenerator<PlacedListing, void> {
  const { collection, prefix, after } = request;
  const { low, high } = everythingOf(prefix);
  const end = after === null ? high : prefix + after.order;
  const query = { pk: partitionOf(collection), low, high: end, order: "descending", limit: LISTINGS_MAX } as const;
  for await (const item of operation.query(query)) {
    const listing = { ...parseListing(item), collection };
    if (after === null || comparePlaces(after, listing) < 0) yield listing;
  }
}

/** Merges streams that are each in order. */
async function* mergeNewest(streams: readonly AsyncGenerator<PlacedListing, void>[]) {
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  for (;;) {
    let first = -1;
    for (const [index, head] of heads.entries()) {
      const best = heads[first];
      if (head.done === true) continue;
      if (best === undefined || best.done === true || comparePlaces(head.value, best.value) < 0) first = index;
    }
    const next = heads[first];
    const stream = streams[first];
    if (next === undefined || next.done === true || stream === undefined) return;
    yield next.value;
    heads[first] = await stream.next();
  }
}

/** Takes or renews a lease. A repetition by its holder is a renewal, so a lost answer does no harm. */
export function takeLease(operation: DynamodbOperation, name: string, request: LeaseRequest): Promise<LeaseOutcome> {
  const { holder, nowMs, ttlMs } = request;
  const untilMs = nowMs + ttlMs;
  const item = leaseItem(name, { holder, untilMs });
  const value = { kind: "acquired", untilMs } as const;
  return operation.settle(async (): Promise<Step<LeaseOutcome>> => {
    const found = await operation.get(KEY.lease(name));
    if (found === null) return { kind: "write", items: [newItem(item)], value };
    const lease = parseLease(found);
    if (lease.holder !== holder && lease.untilMs > nowMs) return { kind: "answer", value: { kind: "held", ...lease } };
    const condition = {
      expression: "#holder = :holder AND #until = :until",
      names: { "#holder": "holder", "#until": "untilMs" },
      values: { ":holder": text(lease.holder), ":until": number(lease.untilMs) },
    };
    return { kind: "write", items: [{ kind: "put", item, condition }], value };
  });
}

/** Gives a lease back. */
export function dropLease(operation: DynamodbOperation, name: string, holder: string): Promise<void> {
  return operation.settle(async (): Promise<Step<void>> => {
    const found = await operation.get(KEY.lease(name));
    if (found === null || parseLease(found).holder !== holder) return { kind: "answer", value: undefined };
    const condition = unchanged("holder", text(holder));
    return { kind: "write", items: [{ kind: "delete", key: KEY.lease(name), condition }], value: undefined };
  });
}
