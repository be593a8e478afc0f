/**
 * A document's path to the collection and row it names, and what the caller may do there.
 * It must not accept a key in any other spelling than the canonical one: the edge has made it canonical.
 */
import type { CollectionConfig } from "../../config/config.ts";
import { encodeKey, parsePathSegment } from "../../router/canonical-key.ts";
import { HEADER, type HeaderReader } from "../../router/contract.ts";
import { quote } from "../../router/ids.ts";
import { accessPermission } from "../../router/permissions.ts";
import { accepted, type Result, refused } from "../../router/result.ts";
import { slotOf, sortKeyOf } from "../../router/slot.ts";
import type { RowAddress } from "../store/port.ts";

/** One document of one collection. */
export interface DocumentTarget {
  readonly collection: CollectionConfig;
  readonly address: RowAddress;
}

type Collections = ReadonlyMap<string, CollectionConfig>;

/** `/{collection}/{key}`, raw. */
export function parseDocumentPath(
  path: string,
  collections: Collections,
): Result<DocumentTarget, "ROUTE_NOT_FOUND" | "INVALID_KEY"> {
  const slash = path.indexOf("/", 1);
  const collection = collections.get(path.slice(1, slash));
  const segment = path.slice(slash + 1);
  if (slash < 0 || collection === undefined || segment.includes("/")) return noSuchRoute(path);
  const key = parsePathSegment(segment);
  if (!key.ok) return refused("INVALID_KEY", key.detail);
  if (encodeKey(key.value) !== segment) {
    return refused("INVALID_KEY", `expected the canonical spelling ${encodeKey(key.value)}, got ${quote(segment)}`);
  }
  const { name, placement } = collection;
  const sortKey = sortKeyOf(placement, key.value);
  const address = { collection: name, slot: slotOf(placement, key.value), key: key.value, sortKey };
  return accepted({ collection, address });
}

/** `/{collection}`, raw. */
export function parseCollectionPath(
  path: string,
  collections: Collections,
): Result<CollectionConfig, "ROUTE_NOT_FOUND"> {
  const collection = collections.get(path.slice(1));
  return collection === undefined ? noSuchRoute(path) : accepted(collection);
}

/** Whether the signed permissions allow it; null when they do. The edge has checked too, this is the second lock. */
export function refusePermission(
  collection: CollectionConfig,
  intent: "read" | "write",
  header: HeaderReader,
): { readonly ok: false; readonly reason: "FORBIDDEN"; readonly detail: string } | null {
  if (intent === "read" && collection.isPublic) return null;
  const needed = accessPermission(collection.name, intent);
  const permissions = header(HEADER.permissions) ?? "";
  return permissions.split(" ").includes(needed) ? null : refused("FORBIDDEN", `expected the permission ${needed}`);
}

function noSuchRoute(path: string): {
  readonly ok: false;
  readonly reason: "ROUTE_NOT_FOUND";
  readonly detail: string;
} {
  return refused("ROUTE_NOT_FOUND", `expected /{collection} or /{collection}/{key}, got ${quote(path)}`);
}
