/**
 * Where each thing lies in the catalog's one table, and as which attributes. docs/dynamodb.md has the same as a table.
 * It must not read or write.
 *
 * Numbers in sort keys have a fixed number of digits, so that their order as text is their order as numbers.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { CollectionName, MapVersion, ShardId } from "../../router/ids.ts";
import type { KeyRange } from "../../router/range.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import type { Condition, Item, ItemKey } from "./dynamodb-table.ts";
import { type MoveRecord, parseMoveRecord } from "./move-record.ts";
import { type AuditEntry, type Author, CatalogError, type PublishedMap } from "./port.ts";

/** Changes when a program of an earlier layout must no longer use the table. */
export const LAYOUT_VERSION = 1;

/** DynamoDB's limit for an item is 400 KB, names included; the rest is for attributes beside the ranges. */
const RANGES_BYTES_MAX = 400 * 1024 - 4096;

const COUNTER_DIGITS = 12;
const TIME_DIGITS = 15;

/** The first and the last sort key that begin with `prefix` and a number. */
export function everythingOf(prefix: string): { readonly low: string; readonly high: string } {
  return { low: prefix, high: `${prefix}~` };
}

/** Sort keys of a collection's partition begin with these. */
export const PREFIX = { version: "version#", audit: "audit#", move: "move#", live: "live#" } as const;

/** The partition that names every collection. */
export const COLLECTIONS = "collections";

/** Keys of single items. */
export const KEY = {
  layout: { pk: "catalog", sk: "layout" },
  collection: (collection: CollectionName): ItemKey => ({ pk: COLLECTIONS, sk: collection }),
  head: (collection: CollectionName): ItemKey => ({ pk: partitionOf(collection), sk: "head" }),
  version: (collection: CollectionName, version: number): ItemKey => ({
    pk: partitionOf(collection),
    sk: PREFIX.version + counter(version),
  }),
  claim: (collection: CollectionName, shard: ShardId): ItemKey => ({
    pk: partitionOf(collection),
    sk: `claim#${shard}`,
  }),
  move: (id: string): ItemKey => ({ pk: `move#${id}`, sk: "move" }),
  lease: (name: string): ItemKey => ({ pk: `lease#${name}`, sk: "lease" }),
} as const;

/** The partition of a collection. */
export function partitionOf(collection: CollectionName): string {
  return `collection#${collection}`;
}

/** A counter as part of a sort key. */
export function counter(value: number): string {
  return String(value).padStart(COUNTER_DIGITS, "0");
}

/** True of nothing but an item that is not there. */
export const ABSENT: Condition = { expression: "attribute_not_exists(#pk)", names: { "#pk": "pk" }, values: {} };

/** True while that attribute is what it was. */
export function unchanged(name: string, value: AttributeValue): Condition {
  return { expression: "#name = :value", names: { "#name": name }, values: { ":value": value } };
}

/** True whatever is there; a condition all the same, so that every write has one. */
export const PRESENT: Condition = { expression: "attribute_exists(#pk)", names: { "#pk": "pk" }, values: {} };

/**
 * The head of a collection. Every change of the collection that has to be in order with others raises `revision`; it is
 * the position in the audit trail.
 */
export interface Head {
  readonly revision: number;
  readonly version: MapVersion;
  /** Who published that version: an answer may be kept for as long as both are the same. */
  readonly writer: string;
  /** Time of the latest move, never going back, so that moves of several collections can be merged in order. */
  readonly moveMs: number;
}

/** A head as an item. */
export function headItem(collection: CollectionName, head: Head): Item {
  return {
    ...keyItem(KEY.head(collection)),
    revision: number(head.revision),
    version: number(head.version),
    writer: text(head.writer),
    moveMs: number(head.moveMs),
  };
}

/** An item as a head. */
export function parseHead(item: Item): Head {
  const version = numberOf(item, "version") as MapVersion;
  return {
    revision: numberOf(item, "revision"),
    version,
    writer: textOf(item, "writer"),
    moveMs: numberOf(item, "moveMs"),
  };
}

/** A version of a map as an item. Throws `CatalogError` for a map that no item can hold. */
export function versionItem(map: ShardMap, author: Author): Item {
  const ranges = JSON.stringify(map.ranges);
  const bytes = Buffer.byteLength(ranges);
  if (bytes > RANGES_BYTES_MAX) {
    const size = `${map.ranges.length} ranges of "${map.collection}" take ${bytes} bytes`;
    throw new CatalogError(`${size}, an item of DynamoDB holds ${RANGES_BYTES_MAX} of them; merge neighbouring ranges`);
  }
  return {
    ...keyItem(KEY.version(map.collection, map.version)),
    ...authorAttributes(author),
    version: number(map.version),
    parent: number(map.parent),
    ranges: text(ranges),
    writer: text(author.writer),
  };
}

/** An item as a version of a map. */
export function parsePublished(collection: CollectionName, item: Item): PublishedMap {
  const map = {
    collection,
    version: numberOf(item, "version") as MapVersion,
    parent: numberOf(item, "parent"),
    ranges: JSON.parse(textOf(item, "ranges")) as ShardMap["ranges"],
  };
  return { map, actor: textOf(item, "actor"), atMs: numberOf(item, "atMs") };
}

/** What the audit trail is to tell. */
export interface Deed {
  readonly collection: CollectionName;
  readonly position: number;
  readonly action: string;
  readonly version: MapVersion | null;
  readonly move: string | null;
}

/** A line of the audit trail as an item. */
export function auditItem(deed: Deed, author: Author): Item {
  return {
    ...keyItem({ pk: partitionOf(deed.collection), sk: PREFIX.audit + counter(deed.position) }),
    ...authorAttributes(author),
    position: number(deed.position),
    action: text(deed.action),
    ...(deed.version === null ? {} : { version: number(deed.version) }),
    ...(deed.move === null ? {} : { move: text(deed.move) }),
  };
}

/** An item as a line of the audit trail. */
export function parseEntry(collection: CollectionName, item: Item): AuditEntry {
  return {
    position: numberOf(item, "position"),
    atMs: numberOf(item, "atMs"),
    actor: textOf(item, "actor"),
    action: textOf(item, "action"),
    collection,
    version: item["version"] === undefined ? null : (numberOf(item, "version") as MapVersion),
    move: item["move"] === undefined ? null : textOf(item, "move"),
  };
}

/** A move's place among the moves of its collection, and its record. */
export interface StoredMove extends MoveRecord {
  readonly order: string;
}

/** A place among moves: by time, then by the head's revision. */
export function orderOf(head: Head): string {
  return `${String(head.moveMs).padStart(TIME_DIGITS, "0")}#${counter(head.revision)}`;
}

/** A move as an item. */
export function moveItem({ move, writers, order }: StoredMove): Item {
  return {
    ...keyItem(KEY.move(move.id)),
    revision: number(move.revision),
    state: text(move.state),
    order: text(order),
    record: text(JSON.stringify({ move, writers })),
  };
}

/** An item as a move. */
export function parseMove(item: Item): StoredMove {
  return { ...parseMoveRecord(textOf(item, "record")), order: textOf(item, "order") };
}

/** Where a collection lists a move: under `PREFIX.move` for ever, under `PREFIX.live` while it holds its range. */
export function listingKey(prefix: "move#" | "live#", { move, order }: StoredMove): ItemKey {
  return { pk: partitionOf(move.collection), sk: prefix + order };
}

/** A listing as an item. */
export function listingItem(prefix: "move#" | "live#", stored: StoredMove): Item {
  const { id, start, end } = stored.move;
  return {
    ...keyItem(listingKey(prefix, stored)),
    id: text(id),
    order: text(stored.order),
    start: text(start),
    ...(end === null ? {} : { end: text(end) }),
  };
}

/** A listing: which move, where in order, over which range. */
export interface Listing extends KeyRange {
  readonly id: string;
  readonly order: string;
}

/** An item as a listing. */
export function parseListing(item: Item): Listing {
  const end = item["end"] === undefined ? null : textOf(item, "end");
  return { id: textOf(item, "id"), order: textOf(item, "order"), start: textOf(item, "start"), end };
}

/** A lease. */
export interface Lease {
  readonly holder: string;
  readonly untilMs: number;
}

/** A lease as an item. */
export function leaseItem(name: string, lease: Lease): Item {
  return { ...keyItem(KEY.lease(name)), holder: text(lease.holder), untilMs: number(lease.untilMs) };
}

/** An item as a lease. */
export function parseLease(item: Item): Lease {
  return { holder: textOf(item, "holder"), untilMs: numberOf(item, "untilMs") };
}

/** A claim as an item. */
export function claimItem(collection: CollectionName, shard: ShardId, author: Author): Item {
  return { ...keyItem(KEY.claim(collection, shard)), ...authorAttributes(author) };
}

/** A key as attributes. */
export function keyItem({ pk, sk }: ItemKey): Item {
  return { pk: text(pk), sk: text(sk) };
}

/** A number as an attribute. */
export function number(value: number): AttributeValue {
  return { N: String(value) };
}

/** Text as an attribute. */
export function text(value: string): AttributeValue {
  return { S: value };
}

/** A number of an item. */
export function numberOf(item: Item, name: string): number {
  return Number(item[name]?.N ?? missing(item, name));
}

/** A text of an item. */
export function textOf(item: Item, name: string): string {
  return item[name]?.S ?? missing(item, name);
}

function authorAttributes({ actor, atMs }: Author): Item {
  return { actor: text(actor), atMs: number(atMs) };
}

function missing(item: Item, name: string): never {
  throw new CatalogError(`item ${item["pk"]?.S} ${item["sk"]?.S} has no "${name}": it was not written by this program`);
}
