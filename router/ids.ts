/**
 * Branded identifiers and the only functions that make them.
 * It must not know what the identified things are.
 */
import { accepted, type Result, refused } from "./result.ts";

/** Marks a type that only its parser makes; the property exists for the compiler alone. */
export interface Brand<Name extends string> {
  readonly "~brand": Name;
}
type Branded<Base, Name extends string> = Base & Brand<Name>;

/** Name of a shard: `[a-z0-9]` then `[a-z0-9-]`, at most 32 characters. */
export type ShardId = Branded<string, "ShardId">;
/** Name of a collection: a lower-case letter, then `[a-z0-9-]`, at most 32 characters. */
export type CollectionName = Branded<string, "CollectionName">;
/** Identifies one slot within its collection; the storage partition's own key. */
export type SlotId = Branded<string, "SlotId">;
/** The one spelling of a key; see canonical-key.ts. */
export type CanonicalKey = Branded<string, "CanonicalKey">;
/** Counter of a collection's whole map, from 1. */
export type MapVersion = Branded<number, "MapVersion">;

const SHARD_ID = /^[a-z0-9][a-z0-9-]{0,31}$/;
const COLLECTION_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** Names that the gateway itself uses as a first path segment. */
const RESERVED_COLLECTIONS: ReadonlySet<string> = new Set(["healthz", "readyz", "internal", "problems", "maps"]);

/** Untrusted text to a shard id. */
export function parseShardId(text: string): Result<ShardId, "INVALID_SHARD_ID"> {
  if (SHARD_ID.test(text)) return accepted(text as ShardId);
  return refused(
    "INVALID_SHARD_ID",
    `expected a shard id such as "shard-1" ([a-z0-9-], at most 32), got ${quote(text)}`,
  );
}

/** Untrusted text to a collection name. */
export function parseCollectionName(text: string): Result<CollectionName, "INVALID_COLLECTION"> {
  if (COLLECTION_NAME.test(text) && !RESERVED_COLLECTIONS.has(text)) return accepted(text as CollectionName);
  return refused(
    "INVALID_COLLECTION",
    `expected a collection name such as "products" (a-z, then [a-z0-9-], at most 32, not reserved), got ${quote(text)}`,
  );
}

/** Untrusted number to a map version. */
export function parseMapVersion(value: unknown): Result<MapVersion, "INVALID_VERSION"> {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return accepted(value as MapVersion);
  return refused("INVALID_VERSION", `expected a whole number of at least 1, got ${quote(value)}`);
}

/** The version after `version`; the first comes after 0. */
export function nextVersion(version: MapVersion | 0): MapVersion {
  return (version + 1) as MapVersion;
}

/** A value as people should see it in an error, cut to a bounded length. Takes anything and never throws. */
export function quote(value: unknown): string {
  const text = textOf(value);
  return text.length <= 80 ? text : `${text.slice(0, 77).toWellFormed()}...`;
}

/** JSON where there is any; it has none for NaN, a bigint or a circle. */
function textOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  try {
    return String(JSON.stringify(value));
  } catch {
    return "an object that JSON cannot hold";
  }
}
