/**
 * The configuration as the CLI needs it: the file people write, and what `up` makes of it for one machine.
 * It must not hold secrets.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseToml, stringify, type TomlTable } from "smol-toml";
import { ConfigError, type GatewayConfig, parseConfig } from "../config/config.ts";
import { accessPermissions } from "../router/permissions.ts";
import { type DataDirectory, displayPath, PROJECT_ROOT, readIfThere } from "./data-directory.ts";
import { evenMap, shardIds } from "./even-map.ts";
import { CliFailure, errorLine } from "./failure.ts";
import { LOCAL_ISSUER, LOCAL_JWKS_ENV } from "./keys.ts";

/** Configuration file when none is named. */
export const DEFAULT_CONFIG: string = join(PROJECT_ROOT, "zgate.toml");

const PORT_MAX = 65_535;

/** A configuration with the text it came from. */
export interface Configuration {
  readonly text: string;
  readonly config: GatewayConfig;
}

/**
 * What `up` makes of a configuration. `hasOwnMaps`: the first maps are the file's, whatever happens; where a number of shards was asked
 * for, now or earlier, they may be cut evenly.
 */
export interface LocalConfiguration extends Configuration {
  readonly hasOwnMaps: boolean;
}

/** What `up` decides in place of the file. `shards` null keeps the file's number. */
export interface LocalLayout {
  readonly shards: number | null;
  readonly shardPort: number;
}

/** Engines of this machine, in place of embedded files; null where the files stay. */
export interface LocalEngines {
  readonly cassandra: { readonly contactPoints: readonly string[]; readonly datacenter: string } | null;
  readonly dynamodb: { readonly endpoint: string; readonly region: string } | null;
}

/** Name of the store that engines of this machine are, and of the catalog's table in them. */
const LOCAL_STORE = "local-engines";
const LOCAL_TABLE = "zgate-catalog";

/** Reads and checks a configuration file. Throws `CliFailure` that lists what is wrong. */
export function readConfiguration(path: string): Configuration {
  const text = readText(path);
  return { text, config: parsed(text, displayPath(path)) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CliFailure(`cannot read the configuration ${displayPath(path)}: ${errorLine(error)}`, {
      hint: "name another file with --config FILE",
      cause: error,
    });
  }
}

/** The configuration an instance last ran with, or the project's own when it never ran. */
export function instanceConfiguration(directory: DataDirectory): Configuration {
  return readConfiguration(readIfThere(directory.config) === null ? DEFAULT_CONFIG : directory.config);
}

/**
 * The file's configuration with this machine's origins, as many shards as asked for, and the local issuer. With the
 * file's own number of shards its maps stay; with another number every collection is cut evenly.
 */
export function localConfiguration(file: Configuration, layout: LocalLayout): LocalConfiguration {
  const table = parseToml(file.text);
  const configured = [...file.config.shards.keys()];
  const isOwnNumber = layout.shards === null || layout.shards === configured.length;
  const ids = isOwnNumber ? configured : shardIds(layout.shards);
  checkLastPort(layout.shardPort, ids);
  const stores = storesOf(table, ids);
  table["shards"] = ids.map((id, index) => ({
    id,
    origins: [`http://127.0.0.1:${layout.shardPort + index}`],
    ...(stores[index] === undefined ? {} : { store: stores[index] }),
  }));
  if (!isOwnNumber) for (const entry of tablesOf(table["collections"])) cutEvenly(entry, ids);
  if (!hasLocalIssuer(file.config)) addLocalIssuer(table);
  const text = stringify(table);
  const config = parsed(text, "the configuration with this machine's origins");
  return { text, config, hasOwnMaps: layout.shards === null };
}

/** The same configuration with the catalog and the shards that `isHere` names in engines of this machine. */
export function withLocalEngines(
  local: LocalConfiguration,
  { cassandra, dynamodb }: LocalEngines,
  isHere: (shard: string) => boolean,
): LocalConfiguration {
  const table = parseToml(local.text);
  if (cassandra !== null) {
    const { contactPoints, datacenter } = cassandra;
    const replication = { [datacenter]: contactPoints.length };
    const store = { kind: "cassandra", contact_points: [...contactPoints], datacenter, replication };
    const stores = table["stores"];
    table["stores"] = { ...(stores !== undefined && isTable(stores) ? stores : {}), [LOCAL_STORE]: store };
    table["shards"] = tablesOf(table["shards"]).map((shard) =>
      typeof shard["id"] === "string" && isHere(shard["id"]) ? { ...shard, store: LOCAL_STORE } : shard,
    );
  }
  if (dynamodb !== null) table["catalog"] = { kind: "dynamodb", table: LOCAL_TABLE, ...dynamodb };
  const text = stringify(table);
  return { ...local, text, config: parsed(text, "the configuration with this machine's engines") };
}

/** A shard beside those that are configured, and where it listens. */
export interface ExtraShard {
  readonly id: string;
  readonly origin: string;
}

/** The same configuration with one more shard, which lies where `last`, an earlier configuration of the instance, says. */
export function withShard(local: LocalConfiguration, last: Configuration, { id, origin }: ExtraShard): Configuration {
  const table = parseToml(local.text);
  const [store] = storesOf(parseToml(last.text), [id]);
  const extra = { id, origins: [origin], ...(store === undefined ? {} : { store }) };
  table["shards"] = [...tablesOf(table["shards"]), extra];
  const text = stringify(table);
  return { text, config: parsed(text, `the configuration with ${id}`) };
}

/** The file's own stores by shard; shards that it does not have get the one store that all of its shards have. */
function storesOf(table: TomlTable, ids: readonly string[]): readonly (string | undefined)[] {
  const configured = new Map(tablesOf(table["shards"]).map(({ id, store }) => [id, store]));
  const stores = new Set(configured.values());
  return ids.map((id) => {
    const store = configured.has(id) || stores.size !== 1 ? configured.get(id) : [...stores][0];
    if (!configured.has(id) && stores.size !== 1) throw noStoreFor(id);
    return typeof store === "string" ? store : undefined;
  });
}

function noStoreFor(id: string): CliFailure {
  return new CliFailure(`the shards of the configuration have different stores: there is none for ${id}`, {
    hint: "leave out --shards",
    exitCode: 2,
  });
}

function checkLastPort(first: number, ids: readonly string[]): void {
  const last = first + ids.length - 1;
  if (last <= PORT_MAX) return;
  const at = PORT_MAX + 1 - first;
  throw new CliFailure(`port ${first + at} for ${ids[at]} is above ${PORT_MAX}; choose a lower --shard-port`, {
    exitCode: 2,
  });
}

function parsed(text: string, source: string): GatewayConfig {
  try {
    return parseConfig(text, source);
  } catch (error) {
    if (error instanceof ConfigError) throw new CliFailure(error.message, { cause: error });
    throw error;
  }
}

/** Issuer and audience that tokens of the local key carry. */
export function localIssuer(config: GatewayConfig): { readonly issuer: string; readonly audience: string } {
  return (
    config.issuers.find((entry) => entry.keys.kind === "env" && entry.keys.name === LOCAL_JWKS_ENV) ?? LOCAL_ISSUER
  );
}

/** Read and write permissions for every collection. */
export function allPermissions(config: GatewayConfig): readonly string[] {
  return [...config.collections.keys()].flatMap(accessPermissions);
}

function cutEvenly(collection: TomlTable, ids: readonly string[]): void {
  collection["map"] = evenMap(collection["kind"] === "hash" ? "hash" : "range", ids).map((entry) => ({ ...entry }));
}

function hasLocalIssuer(config: GatewayConfig): boolean {
  return config.issuers.some((entry) => entry.keys.kind === "env" && entry.keys.name === LOCAL_JWKS_ENV);
}

function addLocalIssuer(table: TomlTable): void {
  const local = { ...LOCAL_ISSUER, algorithms: ["EdDSA"], jwks_env: LOCAL_JWKS_ENV };
  table["issuers"] = [...tablesOf(table["issuers"]), local];
}

function tablesOf(value: TomlTable[string] | undefined): readonly TomlTable[] {
  return Array.isArray(value) ? value.filter((entry): entry is TomlTable => isTable(entry)) : [];
}

function isTable(value: TomlTable[string]): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}
