/**
 * `zgate.toml` to a checked configuration that edge, shards and CLI share.
 * It must not read files or the environment; secrets never pass through here.
 */
import { parse as parseToml, TomlError } from "smol-toml";
import * as v from "valibot";
import { type CollectionName, nextVersion, quote, type ShardId } from "../router/ids.ts";
import { parseRanges, type ShardMap } from "../router/shard-map.ts";
import type { Placement } from "../router/slot.ts";
import { configSchema, type ParsedFile } from "./schema.ts";
import { buildCatalog, buildStores, type CatalogConfig, EMBEDDED, type StoreConfig } from "./storage.ts";

/** How the edge caches public reads, in milliseconds. */
export interface CacheConfig {
  readonly freshMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
}

/** Which browsers' origins may read answers; "*" for all. */
export interface CorsConfig {
  readonly origins: readonly string[];
  readonly maxAgeMs: number;
}

/** One collection. `cache` is null for every collection that is not public. */
export interface CollectionConfig {
  readonly name: CollectionName;
  readonly placement: Placement;
  readonly isPublic: boolean;
  readonly requiresIfMatch: boolean;
  readonly documentBytesMax: number;
  readonly idempotencyRetentionMs: number;
  readonly tombstoneRetentionMs: number;
  readonly cache: CacheConfig | null;
  readonly cors: CorsConfig | null;
  /** Version 1, published when the collection is created. */
  readonly initialMap: ShardMap;
}

/** One shard: where its backends listen, and what its data lie in. */
export interface ShardConfig {
  readonly id: ShardId;
  readonly origins: readonly string[];
  readonly store: StoreConfig;
}

/** Signature algorithms that an issuer may use. */
export type TokenAlgorithm = "EdDSA" | "ES256" | "RS256";

/** Whose tokens are trusted, and where its keys come from. */
export interface IssuerConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly TokenAlgorithm[];
  readonly keys: { readonly kind: "url"; readonly url: string } | { readonly kind: "env"; readonly name: string };
}

/** Time limits of the edge, in milliseconds. */
export interface EdgeConfig {
  /** One attempt at one shard. */
  readonly shardTimeoutMs: number;
  /** One client request with all its attempts. */
  readonly totalTimeoutMs: number;
  /** Age at which the map is fetched again in the background. */
  readonly mapRefreshMs: number;
}

/** Everything that is configured and not secret. */
export interface GatewayConfig {
  readonly collections: ReadonlyMap<string, CollectionConfig>;
  readonly shards: ReadonlyMap<string, ShardConfig>;
  readonly catalog: CatalogConfig;
  readonly issuers: readonly IssuerConfig[];
  readonly edge: EdgeConfig;
}

/** Every fault found, each a line: where, what was expected, what came. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(source: string, faults: readonly string[]) {
    super(`${source} is not valid:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
    this.name = "ConfigError";
    this.faults = faults;
  }
}

/** Text of a `zgate.toml`; `source` names it in errors. Throws `ConfigError`. */
export function parseConfig(text: string, source: string): GatewayConfig {
  const result = v.safeParse(configSchema, parseFile(text, source), { abortEarly: false });
  if (!result.success) throw new ConfigError(source, result.issues.map(describeIssue));
  const faults: string[] = [];
  const config = buildConfig(result.output, faults);
  if (faults.length > 0) throw new ConfigError(source, faults);
  return config;
}

function parseFile(text: string, source: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0] ?? "not TOML";
    throw new ConfigError(source, [`line ${error.line}, column ${error.column}: ${reason}`]);
  }
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  return `${pathOf(issue)}: expected ${expectedBy(issue)}, got ${quote(issue.input)}`;
}

function expectedBy(issue: v.BaseIssue<unknown>): string {
  // A message of our own beats what valibot makes of the schema.
  if (issue.message.startsWith("expected ")) return issue.message.slice("expected ".length);
  const expected = issue.expected ?? issue.message;
  if (issue.type !== "strict_object") return plainWords(expected);
  if (expected === "never") return "no setting of this name";
  return expected === "Object" ? "a table" : "a value";
}

/** Valibot's names of types, as people call them. */
const TYPE_NAMES: Readonly<{ [name: string]: string }> = { string: "a text", boolean: "true or false" };

function plainWords(expected: string): string {
  const names = expected.replace(/^\((.*)\)$/, "$1").split(" | ");
  return names.map((name) => TYPE_NAMES[name] ?? name).join(" or ");
}

function pathOf(issue: v.BaseIssue<unknown>): string {
  const steps = issue.path?.map((item) => (typeof item.key === "number" ? `[${item.key}]` : `.${String(item.key)}`));
  return steps === undefined ? "the file" : steps.join("").replace(/^\./, "");
}

function buildConfig(file: ParsedFile, faults: string[]): GatewayConfig {
  const stores = buildStores(file.stores, faults);
  const entries = file.shards.map((entry, index) => buildShard(entry, { index, stores, faults }));
  const shards = indexUnique(entries, (shard) => shard.id, { what: "shards", faults });
  checkOrigins(file.shards, faults);
  checkLimits(file.edge, faults);
  const known: ReadonlySet<string> = new Set(shards.keys());
  const collections = file.collections.map((entry, index) => buildCollection(entry, { index, known, faults }));
  for (const [index, entry] of file.collections.entries()) checkRetentions(entry, { index, shards, faults });
  const issuers = file.issuers.flatMap((entry, index) => buildIssuer(entry, { index, faults }));
  return {
    collections: indexUnique(collections, (collection) => collection.name, { what: "collections", faults }),
    shards,
    catalog: buildCatalog(file.catalog),
    issuers: [...indexUnique(issuers, ({ issuer }) => issuer, { what: "issuers", faults }).values()],
    edge: {
      shardTimeoutMs: file.edge.shard_timeout,
      totalTimeoutMs: file.edge.total_timeout,
      mapRefreshMs: file.edge.map_refresh,
    },
  };
}

function indexUnique<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  report: { readonly what: string; readonly faults: string[] },
): ReadonlyMap<string, Item> {
  const index = new Map<string, Item>();
  for (const item of items) {
    if (index.has(nameOf(item))) report.faults.push(`${report.what}: ${quote(nameOf(item))} is there twice`);
    index.set(nameOf(item), item);
  }
  return index;
}

interface ShardContext {
  readonly index: number;
  readonly stores: ReadonlyMap<string, StoreConfig>;
  readonly faults: string[];
}

function buildShard(entry: ParsedFile["shards"][number], { index, stores, faults }: ShardContext): ShardConfig {
  const { id, origins, store: name } = entry;
  const store = stores.get(name);
  if (store === undefined) {
    const known = [...stores.keys()].map(quote).join(", ");
    faults.push(`shards[${index}].store: expected one of ${known}, got ${quote(name)}`);
  }
  return { id, origins, store: store ?? EMBEDDED };
}

/** Behind one origin is one store: shared by two shards, each would take the other's slots for foreign ones. */
function checkOrigins(shards: ParsedFile["shards"], faults: string[]): void {
  const owners = new Map<string, ShardId>();
  for (const [index, { id, origins }] of shards.entries()) {
    for (const [place, origin] of origins.entries()) {
      const owner = owners.get(origin) ?? id;
      owners.set(origin, owner);
      if (owner === id) continue;
      const path = `shards[${index}].origins[${place}]`;
      faults.push(`${path}: expected an origin that no other shard has, got ${quote(origin)}, which is ${owner}'s`);
    }
  }
}

function checkLimits({ shard_timeout: one, total_timeout: all }: ParsedFile["edge"], faults: string[]): void {
  if (all >= one) return;
  faults.push(`edge.total_timeout: expected at least edge.shard_timeout (${one} ms), got ${all} ms`);
}

/**
 * What became of a write whose answer was lost is read from rows of Cassandra, tombstones and records among them: they have to
 * outlive every request that may still be under way there.
 */
const CASSANDRA_RETENTION_MS_MIN = 3_600_000;

interface RetentionContext {
  readonly index: number;
  readonly shards: ReadonlyMap<string, ShardConfig>;
  readonly faults: string[];
}

/** A move may bring a collection to any shard: one on Cassandra is enough. */
function checkRetentions(entry: ParsedFile["collections"][number], context: RetentionContext): void {
  const shard = [...context.shards.values()].find(({ store }) => store.kind === "cassandra");
  if (shard === undefined) return;
  for (const name of ["idempotency_retention", "tombstone_retention"] as const) {
    if (entry[name] >= CASSANDRA_RETENTION_MS_MIN) continue;
    const path = `collections[${context.index}].${name}`;
    const expected = `at least "1h" (the store of shard ${quote(shard.id)} is Cassandra)`;
    context.faults.push(`${path}: expected ${expected}, got ${entry[name]} ms`);
  }
}

interface CollectionContext {
  readonly index: number;
  readonly known: ReadonlySet<string>;
  readonly faults: string[];
}

function buildCollection(entry: ParsedFile["collections"][number], context: CollectionContext): CollectionConfig {
  const path = `collections[${context.index}]`;
  const placement: Placement = { kind: entry.kind, stripes: entry.stripes };
  if (entry.cache !== undefined && entry.read !== "public") {
    context.faults.push(
      `${path}.cache: expected read = "public" (nothing private is cached), got read = "${entry.read}"`,
    );
  }
  const ranges = parseRanges(entry.map, { placement, shards: context.known });
  if (!ranges.ok) context.faults.push(mapFault(`${path}.map`, entry.map, ranges.detail));
  return {
    name: entry.name,
    placement,
    isPublic: entry.read === "public",
    requiresIfMatch: entry.require_if_match,
    documentBytesMax: entry.document_max,
    idempotencyRetentionMs: entry.idempotency_retention,
    tombstoneRetentionMs: entry.tombstone_retention,
    cache: entry.cache === undefined ? null : buildCache(entry.cache),
    cors: entry.cors === undefined ? null : { origins: entry.cors.origins, maxAgeMs: entry.cors.max_age },
    initialMap: {
      collection: entry.name,
      version: nextVersion(0),
      parent: 0,
      ranges: ranges.ok ? ranges.value : [],
    },
  };
}

/** What the router says about a map, as a place in the file. */
function mapFault(path: string, map: readonly { readonly end?: string | undefined }[], detail: string): string {
  const [, place, rest = detail] = /^ranges(\[\d+\]): (.*)$/s.exec(detail) ?? [];
  if (place !== undefined) return `${path}${place}: ${rest}`;
  const end = quote(map.at(-1)?.end);
  return `${path}[${map.length - 1}]: expected the last range to go to the very end (leave out end), got end = ${end}`;
}

function buildCache(entry: NonNullable<ParsedFile["collections"][number]["cache"]>): CacheConfig {
  return {
    freshMs: entry.fresh,
    staleWhileRevalidateMs: entry.stale_while_revalidate,
    staleIfErrorMs: entry.stale_if_error,
  };
}

function buildIssuer(
  entry: ParsedFile["issuers"][number],
  context: { readonly index: number; readonly faults: string[] },
): IssuerConfig[] {
  const { issuer, audience, algorithms, jwks_url: url, jwks_env: name } = entry;
  if (url !== undefined && name === undefined) return [{ issuer, audience, algorithms, keys: { kind: "url", url } }];
  if (name !== undefined && url === undefined) return [{ issuer, audience, algorithms, keys: { kind: "env", name } }];
  context.faults.push(`issuers[${context.index}]: expected either jwks_url or jwks_env, got ${quote(entry)}`);
  return [];
}
