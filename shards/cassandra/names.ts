/**
 * How keyspaces and tables are called. It must not change for what exists: names are where the data lie.
 */
import type { CollectionName, ShardId } from "../../router/ids.ts";

/** The keyspace of a shard. Both ids are `[a-z0-9-]`, and Cassandra takes `[a-z0-9_]` without quotes. */
export function keyspaceOf(prefix: string, shard: ShardId): string {
  return `${prefix}${shard.replaceAll("-", "_")}`;
}

/** The table of a collection's documents, inside a shard's keyspace. */
export function tableOf(collection: CollectionName): string {
  return `c_${collection.replaceAll("-", "_")}`;
}
