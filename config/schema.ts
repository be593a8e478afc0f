/**
 * The shape of `zgate.toml` as valibot schemas: every setting, its default and its limits.
 * It must not check what concerns several settings at once; config.ts does.
 */
import * as v from "valibot";
import { DOCUMENT_BYTES_MAX } from "../router/contract.ts";
import { type CollectionName, parseCollectionName, parseShardId, type ShardId } from "../router/ids.ts";
import { STRIPES_MAX } from "../router/slot.ts";
import { parseDurationMs, parseSizeBytes } from "./duration.ts";

const durationMs = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const value = parseDurationMs(dataset.value);
    if (value !== null) return value;
    addIssue({ expected: 'a duration such as "250ms", "30s", "10m", "24h" or "7d"' });
    return NEVER;
  }),
);

const sizeBytes = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const value = parseSizeBytes(dataset.value);
    if (value !== null && value >= 1 && value <= DOCUMENT_BYTES_MAX) return value;
    addIssue({ expected: 'a size such as "512B" or "64KiB", at most "256KiB"' });
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
  v.check((text) => isOrigin(text), "expected an origin such as http://127.0.0.1:8801, without a path"),
);

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (url.protocol === "http:" || url.protocol === "https:") && url.origin === text;
}

const cache = v.strictObject({
  fresh: durationMs,
  stale_while_revalidate: v.optional(durationMs, "0s"),
  stale_if_error: v.optional(durationMs, "0s"),
});

const cors = v.strictObject({
  origins: v.pipe(v.array(v.union([v.literal("*"), origin])), v.minLength(1)),
  max_age: v.optional(durationMs, "10m"),
});

const mapRange = v.strictObject({ start: v.string(), end: v.optional(v.string()), shard: shardId });

const collection = v.strictObject({
  name: collectionName,
  kind: v.picklist(["range", "hash"]),
  stripes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(STRIPES_MAX)), 1),
  read: v.optional(v.picklist(["public", "permission"]), "permission"),
  require_if_match: v.optional(v.boolean(), false),
  document_max: v.optional(sizeBytes, "256KiB"),
  idempotency_retention: v.optional(durationMs, "24h"),
  tombstone_retention: v.optional(durationMs, "24h"),
  cache: v.optional(cache),
  cors: v.optional(cors),
  map: v.pipe(v.array(mapRange), v.minLength(1)),
});

const shard = v.strictObject({ id: shardId, origins: v.pipe(v.array(origin), v.minLength(1)) });

const issuer = v.strictObject({
  issuer: v.pipe(v.string(), v.minLength(1)),
  audience: v.pipe(v.string(), v.minLength(1)),
  algorithms: v.pipe(v.array(v.picklist(["EdDSA", "ES256", "RS256"])), v.minLength(1)),
  jwks_url: v.optional(v.pipe(v.string(), v.url())),
  jwks_env: v.optional(v.pipe(v.string(), v.regex(/^[A-Z][A-Z0-9_]*$/, "expected the name of an environment variable"))),
});

const edge = v.strictObject({
  shard_timeout: v.optional(durationMs, "5s"),
  total_timeout: v.optional(durationMs, "15s"),
  map_refresh: v.optional(durationMs, "10s"),
});

/** The whole file. */
export const configSchema = v.strictObject({
  collections: v.pipe(v.array(collection), v.minLength(1)),
  shards: v.pipe(v.array(shard), v.minLength(1)),
  issuers: v.optional(v.array(issuer), []),
  edge: v.optional(edge, {}),
});

/** The file as validated, names as in the file, durations in milliseconds, sizes in bytes. */
export type ParsedFile = v.InferOutput<typeof configSchema>;
