/**
 * What commands that move ranges stand on: the configuration, the catalog, the shards, and who asks. It must not know what a
 * command does with them.
 */
import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { type Command, Option } from "commander";
import type { CollectionConfig, GatewayConfig } from "../config/config.ts";
import { parseSigningKeys, SIGNING_KEYS_ENV, type SigningKeys } from "../config/signing-keys.ts";
import type { CollectionName } from "../router/ids.ts";
import type { MapRules, ShardMap } from "../router/shard-map.ts";
import { describeCatalog, openCatalog } from "../shards/catalog/open-catalog.ts";
import { type Author, type Catalog, CatalogError } from "../shards/catalog/port.ts";
import { addDataOption, type CommandContext, noCatalog, notRunning } from "./command-context.ts";
import { instanceConfiguration, readConfiguration } from "./configuration.ts";
import { type DataDirectory, dataDirectory, displayPath, isThere } from "./data-directory.ts";
import { CliFailure, errorLine } from "./failure.ts";
import { readSigningKeys } from "./keys.ts";
import { createShardClient, type ShardClient } from "./shard-client.ts";
import { findInstance } from "./supervisor/instance-file.ts";
import { readLayout } from "./supervisor/layout.ts";

/** `--data`, `--config`, `--json` as given. */
export interface OperatorFlags {
  readonly data: string;
  readonly config?: string;
  readonly json?: true;
}

/** The world of an operator's command. */
export interface Operator {
  readonly config: GatewayConfig;
  readonly catalog: Catalog;
  readonly shards: ShardClient;
  /** For the audit trail, with a fresh writer token. */
  readonly author: () => Author;
  readonly nowMs: () => number;
}

/** `--data`, `--config` and `--json`. */
export function addOperatorOptions(command: Command, json: string): Command {
  return addConfigOption(addDataOption(command)).option("--json", json);
}

/** `--config` alone. */
export function addConfigOption(command: Command): Command {
  return command.addOption(new Option("--config <file>", "configuration (default: what the instance last ran with)"));
}

/** What the command goes by. Throws `CliFailure` when that cannot be read. */
export function operatorConfiguration({ data, config }: OperatorFlags): GatewayConfig {
  return (config === undefined ? instanceConfiguration(dataDirectory(data)) : readConfiguration(config)).config;
}

/** Opens what a command needs, and closes it after its work. Catalog failures become `CliFailure`. */
export async function withOperator<Value>(
  context: CommandContext,
  flags: OperatorFlags,
  work: (operator: Operator) => Promise<Value>,
): Promise<Value> {
  const directory = dataDirectory(flags.data);
  const config = operatorConfiguration(flags);
  const where = describeCatalog(config.catalog, displayPath(directory.catalog));
  const catalog = await open(config, directory, context).catch((error: unknown) => {
    throw error instanceof CatalogError ? unreadable(where, error) : error;
  });
  const nowMs = Date.now;
  const shards = createShardClient({ shards: config.shards, keys: () => signingKeys(context, directory), nowMs });
  const author = (): Author => ({ actor: actorName(), writer: randomUUID(), atMs: nowMs() });
  try {
    return await work({ config, catalog, shards, author, nowMs });
  } catch (error) {
    throw error instanceof CatalogError ? unreadable(where, error) : error;
  } finally {
    await Promise.all([catalog.close(), shards.close()]);
  }
}

function open(config: GatewayConfig, directory: DataDirectory, { env }: CommandContext): Promise<Catalog> {
  if (config.catalog.kind === "sqlite" && !isThere(directory.catalog)) throw noCatalog(directory);
  // Engines of this machine run only while the instance does.
  const isLocal = readLayout(directory)?.storage.catalog === "dynamodb";
  if (isLocal && findInstance(directory) === null) throw notRunning(directory);
  return openCatalog(config.catalog, { file: directory.catalog, environment: env });
}

function unreadable(where: string, error: CatalogError): CliFailure {
  return new CliFailure(`the catalog, ${where}: ${faultText(error)}`, { cause: error });
}

function faultText(error: CatalogError): string {
  const unknown =
    error.kind === "outcome-unknown" ? "; whether the change was made is not known, look with `zgate moves`" : "";
  return `${errorLine(error)}${unknown}`;
}

/** What kept a command from a part of its work, for people. Null where it is none of the foreseen failures. */
export function failureText(error: unknown): string | null {
  if (error instanceof CliFailure) return error.message;
  return error instanceof CatalogError ? `the catalog: ${faultText(error)}` : null;
}

function signingKeys({ env }: CommandContext, directory: DataDirectory): SigningKeys {
  try {
    return parseSigningKeys(env[SIGNING_KEYS_ENV] ?? readSigningKeys(directory));
  } catch (error) {
    if (!(error instanceof CliFailure)) throw new CliFailure(errorLine(error), { cause: error });
    throw new CliFailure(`shards want signed requests: ${error.message}`, {
      hint: `set ${SIGNING_KEYS_ENV} as the shards have it, or name the instance's directory with --data DIR`,
      cause: error,
    });
  }
}

function actorName(): string {
  try {
    return userInfo().username;
  } catch {
    // Some containers run as a user without a name.
    return "zgate";
  }
}

/** A configured collection. Throws `CliFailure` when there is none of that name. */
export function demandCollection({ config }: Operator, name: string): CollectionConfig {
  const found = config.collections.get(name);
  if (found !== undefined) return found;
  throw new CliFailure(`there is no collection "${name}"`, {
    hint: `configured are: ${[...config.collections.keys()].join(", ")}`,
  });
}

/** The collection's current map. Throws `CliFailure` before its first version. */
export async function demandMap({ catalog }: Operator, name: CollectionName): Promise<ShardMap> {
  const map = await catalog.current(name);
  if (map !== null) return map;
  throw new CliFailure(`the collection "${name}" has no map yet`, { hint: "`npm start` publishes its first" });
}

/** What a new map of the collection is checked against. */
export function rulesOf({ config }: Operator, { placement }: CollectionConfig): MapRules {
  return { placement, shards: new Set(config.shards.keys()) };
}
