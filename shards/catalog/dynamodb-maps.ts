/**
 * Heads, versions, audit trail and claims in DynamoDB.
 * It must not decide how long to try; the operation does.
 */
import type { CollectionName, MapVersion } from "../../router/ids.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import {
  ABSENT,
  auditItem,
  counter,
  everythingOf,
  type Head,
  headItem,
  KEY,
  keyItem,
  number,
  PREFIX,
  parseEntry,
  parseHead,
  parsePublished,
  partitionOf,
  textOf,
  unchanged,
  versionItem,
} from "./dynamodb-layout.ts";
import type { DynamodbOperation, Item, ItemWrite, Step } from "./dynamodb-table.ts";
import {
  type AuditEntry,
  type AuditPage,
  type Author,
  CatalogError,
  type PublishedMap,
  type PublishOutcome,
  type VersionsPage,
} from "./port.ts";

/** The head of a collection; null when it was never created. */
export async function readHead(operation: DynamodbOperation, collection: CollectionName): Promise<Head | null> {
  const item = await operation.get(KEY.head(collection));
  return item === null ? null : parseHead(item);
}

/** The head of a collection that has to be there. */
export async function demandHead(operation: DynamodbOperation, collection: CollectionName): Promise<Head> {
  const head = await readHead(operation, collection);
  if (head === null) throw new CatalogError(`collection "${collection}" was never created`);
  return head;
}

/** Takes a head from `before` to `after`, if nobody has changed it in between. */
export function headWrite(collection: CollectionName, before: Head, after: Head): ItemWrite {
  const condition = unchanged("revision", number(before.revision));
  return { kind: "put", item: headItem(collection, after), condition };
}

/** Writes an item where none is. */
export function newItem(item: Item): ItemWrite {
  return { kind: "put", item, condition: ABSENT };
}

/** One version of a map; null when there is none. */
export async function readVersion(
  operation: DynamodbOperation,
  collection: CollectionName,
  version: MapVersion,
): Promise<ShardMap | null> {
  const item = await operation.get(KEY.version(collection, version));
  return item === null ? null : parsePublished(collection, item).map;
}

/** Publishes version 1. */
export function createMap(operation: DynamodbOperation, map: ShardMap, author: Author): Promise<PublishOutcome> {
  const { collection, version } = map;
  const head: Head = { revision: 1, version, writer: author.writer, moveMs: 0 };
  return operation.settle(async () => {
    const before = await readHead(operation, collection);
    if (before !== null) return { kind: "answer", value: await outcomeOf(operation, map, author) };
    const names = newItem(keyItem(KEY.collection(collection)));
    const items = [
      newItem(headItem(collection, head)),
      names,
      ...versionWrites({ map, author, head, action: "create" }),
    ];
    return { kind: "write", items, value: { kind: "published" } };
  });
}

/** Publishes the next version. */
export function publishMap(operation: DynamodbOperation, map: ShardMap, author: Author): Promise<PublishOutcome> {
  const { collection, version, parent } = map;
  return operation.settle(async (): Promise<Step<PublishOutcome>> => {
    const before = await demandHead(operation, collection);
    if (before.version !== parent) return { kind: "answer", value: await outcomeOf(operation, map, author) };
    const head: Head = { ...before, revision: before.revision + 1, version, writer: author.writer };
    const items = [headWrite(collection, before, head), ...versionWrites({ map, author, head, action: "publish" })];
    return { kind: "write", items, value: { kind: "published" } };
  });
}

interface Publication {
  readonly map: ShardMap;
  readonly author: Author;
  readonly head: Head;
  readonly action: "create" | "publish";
}

function versionWrites({ map, author, head, action }: Publication): readonly ItemWrite[] {
  const deed = { collection: map.collection, position: head.revision, action, version: map.version, move: null };
  return [newItem(versionItem(map, author)), newItem(auditItem(deed, author))];
}

/** The head has gone on from the map's parent: by the author, if the version there has the author's token. */
async function outcomeOf(operation: DynamodbOperation, map: ShardMap, author: Author): Promise<PublishOutcome> {
  const { collection, version } = map;
  const item = await operation.get(KEY.version(collection, version));
  if (item !== null && textOf(item, "writer") === author.writer) return { kind: "published" };
  const head = await demandHead(operation, collection);
  const current = await readVersion(operation, collection, head.version);
  if (current === null) throw lostVersion(collection, head.version);
  return { kind: "conflict", current };
}

/** The head names a version that is not there. */
export function lostVersion(collection: CollectionName, version: MapVersion): CatalogError {
  return new CatalogError(`version ${version} of "${collection}" is gone from the table; restore it from a backup`);
}

/** The history of a map, newest first. */
export async function readVersions(
  operation: DynamodbOperation,
  collection: CollectionName,
  page: VersionsPage,
): Promise<readonly PublishedMap[]> {
  const items = await readNewest(operation, { pk: partitionOf(collection), prefix: PREFIX.version, ...page });
  return items.map((item) => parsePublished(collection, item));
}

/** The audit trail, latest first. */
export async function readAudit(
  operation: DynamodbOperation,
  collection: CollectionName,
  page: AuditPage,
): Promise<readonly AuditEntry[]> {
  const items = await readNewest(operation, { pk: partitionOf(collection), prefix: PREFIX.audit, ...page });
  return items.map((item) => parseEntry(collection, item));
}

interface Newest {
  readonly pk: string;
  readonly prefix: string;
  readonly limit: number;
  readonly before?: number;
}

async function readNewest(operation: DynamodbOperation, newest: Newest): Promise<readonly Item[]> {
  const { pk, prefix, limit, before } = newest;
  if (limit < 1 || (before !== undefined && before <= 1)) return [];
  const everything = everythingOf(prefix);
  const high = before === undefined ? everything.high : prefix + counter(before - 1);
  const items: Item[] = [];
  for await (const item of operation.query({ pk, low: everything.low, high, order: "descending", limit })) {
    items.push(item);
    if (items.length === limit) break;
  }
  return items;
}
