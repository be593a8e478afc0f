/**
 * The configuration the benched gateway runs with: one shard, one public collection with and one without a cache.
 * It must not hold a secret; the signing key is made anew for each run.
 */
import { randomBytes } from "node:crypto";

/** Public, not cached: every read goes to the shard. */
export const PLAIN_COLLECTION = "plain";
/** Public, kept in the edge's cache for longer than any run lasts. */
export const CACHED_COLLECTION = "cached";
/** Written to by the benches on Cassandra. */
export const WRITTEN_COLLECTION = "written";
/** The one shard. */
export const SHARD_ID = "shard-1";

/** Text of a zgate.toml whose shard listens on `port` of this machine. */
export function configText(port: number): string {
  return `[[collections]]
name = "${PLAIN_COLLECTION}"
kind = "range"
read = "public"
[[collections.map]]
start = ""
shard = "${SHARD_ID}"

[[collections]]
name = "${CACHED_COLLECTION}"
kind = "range"
read = "public"
[collections.cache]
fresh = "1h"
[[collections.map]]
start = ""
shard = "${SHARD_ID}"

[[shards]]
id = "${SHARD_ID}"
origins = ["http://127.0.0.1:${port}"]
`;
}

/** Where a shard on Cassandra listens, and which keyspaces of which cluster are its. */
export interface CassandraPlace {
  readonly port: number;
  readonly contactPoints: readonly string[];
  readonly datacenter: string;
  readonly keyspacePrefix: string;
}

/** Text of a zgate.toml whose shard keeps three copies of everything in Cassandra. */
export function cassandraConfigText({ port, contactPoints, datacenter, keyspacePrefix }: CassandraPlace): string {
  const collections = [PLAIN_COLLECTION, WRITTEN_COLLECTION].map(
    (name) => `[[collections]]
name = "${name}"
kind = "range"
read = "public"
[[collections.map]]
start = ""
shard = "${SHARD_ID}"
`,
  );
  return `${collections.join("\n")}
[stores.bench]
kind = "cassandra"
contact_points = ${JSON.stringify(contactPoints)}
datacenter = "${datacenter}"
replication = { ${JSON.stringify(datacenter)} = 3 }
keyspace_prefix = "${keyspacePrefix}"

[[shards]]
id = "${SHARD_ID}"
origins = ["http://127.0.0.1:${port}"]
store = "bench"
`;
}

/** A fresh key in the form of ZGATE_SIGNING_KEYS. */
export function makeSigningKeys(): string {
  return `bench:${randomBytes(32).toString("base64url")}`;
}
