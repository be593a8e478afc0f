/**
 * The configuration that ranges move under: two shards, the first of which owns everything at the beginning.
 * It must not hold a secret.
 */

import { type CollectionName, parseCollectionName } from "../router/ids.ts";

/** The two shards. */
export const MOVE_SHARDS = ["shard-1", "shard-2"] as const;

/** A collection of kind `range`. */
export interface MoveCollection {
  readonly name: string;
  readonly stripes: number;
}

/** A cluster that both shards have a keyspace of. */
export interface MoveCluster {
  readonly contactPoints: readonly string[];
  readonly datacenter: string;
  readonly keyspacePrefix: string;
}

/** What the text is made of. `cluster` null: each shard has a SQLite file. */
export interface MoveConfigParts {
  readonly collections: readonly MoveCollection[];
  /** One for each shard. */
  readonly ports: readonly number[];
  readonly cluster: MoveCluster | null;
}

/** The name of a collection that a bench makes; throws where it could not be one. */
export function collectionNamed(text: string): CollectionName {
  const name = parseCollectionName(text);
  if (name.ok) return name.value;
  throw new Error(name.detail);
}

/** Text of the zgate.toml. */
export function moveConfigText({ collections, ports, cluster }: MoveConfigParts): string {
  return [
    ...collections.map(collectionText),
    ...(cluster === null ? [] : [storeText(cluster)]),
    ...ports.map((port, index) => {
      const store = cluster === null ? "" : '\nstore = "bench"';
      return `[[shards]]\nid = "${MOVE_SHARDS[index]}"\norigins = ["http://127.0.0.1:${port}"]${store}\n`;
    }),
  ].join("\n");
}

function collectionText({ name, stripes }: MoveCollection): string {
  const head = `[[collections]]\nname = "${name}"\nkind = "range"\nstripes = ${stripes}\nread = "public"`;
  return `${head}\n[[collections.map]]\nstart = ""\nshard = "${MOVE_SHARDS[0]}"\n`;
}

function storeText({ contactPoints, datacenter, keyspacePrefix }: MoveCluster): string {
  return `[stores.bench]
kind = "cassandra"
contact_points = ${JSON.stringify(contactPoints)}
datacenter = "${datacenter}"
replication = { ${JSON.stringify(datacenter)} = 3 }
keyspace_prefix = "${keyspacePrefix}"
`;
}
