/**
 * The configuration as a shard process reads it: the file once, by the primary, so that all of a shard agree on it.
 * It must not choose anything.
 */
import { readFileSync } from "node:fs";
import { ConfigError, type GatewayConfig, parseConfig, type ShardConfig } from "../config/config.ts";
import { FatalError, toFatal } from "./fatal-error.ts";
import type { ShardOptions } from "./options.ts";

/** The configuration, and this shard's part of it. */
export interface OwnConfig extends GatewayConfig {
  readonly own: ShardConfig;
}

/** The text of the file. Throws `FatalError` CONFIG_INVALID. */
export function readConfigFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new FatalError("CONFIG_INVALID", `cannot read the configuration: ${toFatal(error).message}`, {
      cause: error,
    });
  }
}

/** The configuration in `text`. Throws `FatalError` CONFIG_INVALID when it is none, or has no such shard. */
export function readConfig({ configFile, shard }: ShardOptions, text: string): OwnConfig {
  try {
    const config = parseConfig(text, configFile);
    const own = config.shards.get(shard);
    if (own !== undefined) return { ...config, own };
    throw new FatalError("CONFIG_INVALID", `${configFile} has no shard "${shard}"`);
  } catch (error) {
    throw error instanceof ConfigError ? new FatalError("CONFIG_INVALID", error.message, { cause: error }) : error;
  }
}
