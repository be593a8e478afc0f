/**
 * The shape of `zgate.toml` as valibot schemas: every setting, its default and its limits.
 * It must not check what concerns several settings at once; config.ts does.
 */
import * as v from "valibot";
import { DOCUMENT_BYTES_MAX } from "../router/contract.ts";
import { type CollectionName, parseCollectionName, parseShardId, type ShardId } from "../router/ids.ts";
import { STRIPES_MAX } from "../router/slot.ts";
import { parseDurationMs, parseSizeBytes } from "./duration.ts";

const duration = durationBetween("0s", "365d");

/** The store that every shard has unless it names another one. */
export const EMBEDDED_STORE = "sqlite";

/** A wait: timers count milliseconds in 31 bits, and a wait of nothing always runs out. */
const wait = durationBetween("1ms", "1h");

function durationBetween(least: string, most: string) {
  const [leastMs, mostMs] = [parseDurationMs(least) ?? 0, parseDurationMs(most) ?? 0];
  const expected = `a duration such as "250ms", "30s", "10m", "24h" or "7d", from "${least}" to "${most}"`;
  return v.pipe(
    v.string(`expected ${expected}`),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = parseDurationMs(dataset.value);
      if (value !== null && value >= leastMs && value <= mostMs) return value;
      addIssue({ expected });
      return NEVER;
    }),
  );
}

const SIZE_EXPECTED = 'a size such as "512B" or "64KiB", at most "256KiB"';
const sizeBytes = v.pipe(
  v.string(`expected ${SIZE_EXPECTED}`),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const value = parseSizeBytes(dataset.value);
    if (value !== null && value >= 1 && value <= DOCUMENT_BYTES_MAX) return value;
    addIssue({ expected: SIZE_EXPECTED });
    return NEVER;
  }),
);

const shardId: v.GenericSchema<string, ShardId> = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const parsed = parseShardId(dataset.value);
    if (parsed.ok) return parsed.value;
    addIssue({ expected: 'a shard id such as "shard-1" ([a-z0-9-], at most 32)' });
    return NEVER;
  }),
);

const collectionName: v.GenericSchema<string, CollectionName> = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const parsed = parseCollectionName(dataset.value);
    if (parsed.ok) return parsed.value;
    addIssue({ expected: 'a collection name such as "products" ([a-z0-9-], at most 32, not reserved)' });
    return NEVER;
  }),
);

const origin = v.pipe(
  v.string(),
  v.check(
    (text) => isOrigin(text),
    "expected an origin such as http://127.0.0.1:8801 or https://shard-1.example, without a path or a default port",
  ),
);

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (url.protocol === "http:" || url.protocol === "https:") && url.origin === text;
}

const keysUrl = v.pipe(
  v.string(),
  v.check((text) => isKeysUrl(text), "expected an https URL (http only on 127.0.0.1 or localhost)"),
);

/** Whoever can change the keys on their way can sign tokens. */
function isKeysUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || (protocol === "http:" && (hostname === "127.0.0.1" || hostname === "localhost"));
}

function atLeastOne<const Schema extends v.GenericSchema>(item: Schema) {
  return v.pipe(v.array(item, "expected a list"), v.minLength(1, "expected a list of at least one"));
}

const cache = v.strictObject({
  fresh: duration,
  stale_while_revalidate: v.optional(duration, "0s"),
  stale_if_error: v.optional(duration, "0s"),
});

const cors = v.strictObject({
  origins: atLeastOne(v.union([v.literal("*"), origin])),
  max_age: v.optional(duration, "10m"),
});

const mapRange = v.strictObject({ start: v.string(), end: v.optional(v.string()), shard: shardId });

const STRIPES_EXPECTED = `expected a whole number from 1 to ${STRIPES_MAX}`;
const stripes = v.pipe(
  v.number(STRIPES_EXPECTED),
  v.check((count) => Number.isInteger(count) && count >= 1 && count <= STRIPES_MAX, STRIPES_EXPECTED),
);

const collection = v.strictObject({
  name: collectionName,
  kind: v.picklist(["range", "hash"]),
  stripes: v.optional(stripes, 1),
  read: v.optional(v.picklist(["public", "permission"]), "permission"),
  require_if_match: v.optional(v.boolean(), false),
  document_max: v.optional(sizeBytes, "256KiB"),
  idempotency_retention: v.optional(duration, "24h"),
  tombstone_retention: v.optional(duration, "24h"),
  cache: v.optional(cache),
  cors: v.optional(cors),
  map: atLeastOne(mapRange),
});

const someText = v.pipe(v.string(), v.minLength(1, "expected a text that is not empty"));

const shard = v.strictObject({
  id: shardId,
  origins: atLeastOne(origin),
  store: v.optional(someText, EMBEDDED_STORE),
});

const contactPoint = v.pipe(
  v.string(),
  v.check((text) => isContactPoint(text), "expected host:port, such as 10.0.0.1:9042"),
);

function isContactPoint(text: string): boolean {
  const [, port = "0"] = /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})$/.exec(text) ?? [];
  return Number(port) >= 1 && Number(port) <= 65_535;
}

/**
 * Cassandra's own rule for names that need no quotes; 48 characters with the longest shard id behind it. Its own
 * keyspaces are called system, system_auth and the like.
 */
const keyspacePrefix = v.pipe(
  v.string(),
  v.regex(/^(?!system)[a-z][a-z0-9_]{0,15}$/, 'expected a letter and at most 15 of [a-z0-9_], not "system…"'),
);

const REPLICAS_EXPECTED = "expected a number of replicas from 1 to 9";
const replicas = v.pipe(
  v.number(REPLICAS_EXPECTED),
  v.check((count) => Number.isInteger(count) && count >= 1 && count <= 9, REPLICAS_EXPECTED),
);

const environmentName = v.pipe(
  v.string(),
  v.regex(/^[A-Z][A-Z0-9_]*$/, "expected the name of an environment variable"),
);

const FRACTION_EXPECTED = "expected a number from 0 to 1";
const fraction = v.pipe(
  v.number(FRACTION_EXPECTED),
  v.check((value) => value >= 0 && value <= 1, FRACTION_EXPECTED),
);

const cassandraStore = v.strictObject({
  kind: v.literal("cassandra"),
  contact_points: atLeastOne(contactPoint),
  datacenter: someText,
  replication: v.pipe(
    v.record(someText, replicas),
    v.check((value) => Object.keys(value).length > 0, "expected at least one datacenter with its number of replicas"),
  ),
  keyspace_prefix: v.optional(keyspacePrefix, "zgate_"),
  user: v.optional(someText),
  password_env: v.optional(environmentName, "ZGATE_CASSANDRA_PASSWORD"),
  tls: v.optional(v.strictObject({ ca: v.optional(someText), cert: v.optional(someText), key: v.optional(someText) })),
  trace_fraction: v.optional(fraction, 0),
});

const catalog = v.variant("kind", [
  v.strictObject({ kind: v.literal("sqlite") }),
  v.strictObject({
    kind: v.literal("dynamodb"),
    table: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{3,255}$/, "expected a table name: 3 to 255 of [A-Za-z0-9_.-]")),
    region: someText,
    endpoint: v.optional(origin),
  }),
]);

const issuer = v.strictObject({
  issuer: someText,
  audience: someText,
  algorithms: atLeastOne(v.picklist(["EdDSA", "ES256", "RS256"])),
  jwks_url: v.optional(keysUrl),
  jwks_env: v.optional(environmentName),
});

const edge = v.strictObject({
  shard_timeout: v.optional(wait, "5s"),
  total_timeout: v.optional(wait, "15s"),
  map_refresh: v.optional(wait, "10s"),
});

/** The whole file. */
export const configSchema = v.strictObject({
  collections: atLeastOne(collection),
  shards: atLeastOne(shard),
  stores: v.optional(v.record(someText, cassandraStore), {}),
  catalog: v.optional(catalog, { kind: "sqlite" }),
  issuers: v.optional(v.array(issuer), []),
  edge: v.optional(edge, {}),
});

/** The file as validated, names as in the file, durations in milliseconds, sizes in bytes. */
export type ParsedFile = v.InferOutput<typeof configSchema>;
