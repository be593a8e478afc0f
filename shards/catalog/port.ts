/**
 * The catalog port: versions of the shard map, and that each shard has claimed its first slots. A log and a
 * hint, never the safety: the data path works with the catalog down.
 */
import type { CollectionName, MapVersion, ShardId } from "../../router/ids.ts";
import type { ShardMap } from "../../router/shard-map.ts";

/** One line of the audit trail. Times in milliseconds since 1970. */
export interface AuditEntry {
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly collection: CollectionName;
  readonly version: MapVersion;
}

/** Who publishes. `writer` is a fresh random token per attempt: it tells an own success from a lost race. */
export interface Author {
  readonly actor: string;
  readonly writer: string;
  readonly atMs: number;
}

/** `conflict`: somebody else published first; `current` is what is there. */
export type PublishOutcome = { readonly kind: "published" } | { readonly kind: "conflict"; readonly current: ShardMap };

/** The catalog failed; administration must wait, the data path need not. */
export class CatalogError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CatalogError";
  }
}

/** Where the versions of the shard maps lie. All methods reject with `CatalogError` only. */
export interface Catalog {
  /** Publishes version 1 of a collection; `conflict` when it already has a map. */
  create(map: ShardMap, author: Author): Promise<PublishOutcome>;
  /** Publishes the next version if `map.parent` is still the current one. */
  publish(map: ShardMap, author: Author): Promise<PublishOutcome>;
  /** The current map; null when the collection was never created. */
  current(collection: CollectionName): Promise<ShardMap | null>;
  /** One version, for ever the same; null when there is none. */
  version(collection: CollectionName, version: MapVersion): Promise<ShardMap | null>;
  /** What was published, latest first, at most `limit`. */
  audit(collection: CollectionName, limit: number): Promise<readonly AuditEntry[]>;
  /** Whether `shard` has claimed its slots of version 1. It may do so once. */
  hasClaimed(collection: CollectionName, shard: ShardId): Promise<boolean>;
  /** Records, for ever, that `shard` has claimed its slots. Repeating it changes nothing. */
  recordClaim(collection: CollectionName, shard: ShardId, author: Author): Promise<void>;
  close(): Promise<void>;
}
