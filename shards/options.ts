/**
 * Command line and environment of a shard process.
 * It must not read files; it only says which ones.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { parseSigningKeys, SIGNING_KEYS_ENV, type SigningKeys } from "../config/signing-keys.ts";
import { parseShardId, quote, type ShardId } from "../router/ids.ts";
import { FatalError } from "./fatal-error.ts";

/** Everything a shard process is told. */
export interface ShardOptions {
  readonly shard: ShardId;
  /** The `zgate.toml` to read. */
  readonly configFile: string;
  /** Where an embedded store lies; null when none was named. */
  readonly dataDirectory: string | null;
  /** Where an embedded catalog lies; null when none was named. */
  readonly catalogFile: string | null;
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  /** How long requests in flight may take while the process stops, in milliseconds. */
  readonly stopMsMax: number;
  /** Most writes in one commit. */
  readonly groupRowsMax: number;
  readonly signingKeys: SigningKeys;
}

/** What `--help` prints. */
export const USAGE = `Usage: node cli/launch.mjs shards/main.ts --shard ID --config FILE --port N [options]

  --shard ID            which shard of the configuration this is
  --config FILE         the zgate.toml
  --port N              where to listen
  --data DIR            where this shard keeps its store; needed only for the embedded one (SQLite)
  --catalog FILE        the catalog's file; needed only for the embedded one (SQLite)
  --host ADDRESS        on which address (127.0.0.1)
  --workers N           worker processes (one per core)
  --stop-timeout-ms N   how long requests in flight may take to finish when stopping (10000)
  --group-rows N        most writes in one commit, 1 to 256 (256)

Environment: ${SIGNING_KEYS_ENV}="id:base64url[,id:base64url]", the keys shared with the edge; passwords and
credentials of stores and catalog that are not embedded (docs/configuration.md).`;

const WORKERS_MAX = 256;
const STOP_MS_MAX = 600_000;
const GROUP_ROWS_MAX = 256;

type Values = ReturnType<typeof readValues>;

/** Throws `FatalError` OPTIONS_INVALID or KEYS_INVALID. */
export function parseShardOptions(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ShardOptions {
  const values = readValues(argv);
  const shard = parseShardId(required(values, "shard"));
  if (!shard.ok) throw invalid(`--shard: ${shard.detail}`);
  return {
    shard: shard.value,
    configFile: required(values, "config"),
    dataDirectory: given(values.data),
    catalogFile: given(values.catalog),
    host: values.host,
    port: parseCount(values, "port", { min: 1, max: 65_535 }),
    workers:
      values.workers === undefined
        ? availableParallelism()
        : parseCount(values, "workers", { min: 1, max: WORKERS_MAX }),
    stopMsMax: parseCount(values, "stop-timeout-ms", { min: 0, max: STOP_MS_MAX }),
    groupRowsMax: parseCount(values, "group-rows", { min: 1, max: GROUP_ROWS_MAX }),
    signingKeys: readKeys(environment[SIGNING_KEYS_ENV]),
  };
}

function readValues(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      options: {
        shard: { type: "string" },
        config: { type: "string" },
        data: { type: "string" },
        catalog: { type: "string" },
        port: { type: "string" },
        host: { type: "string", default: "127.0.0.1" },
        workers: { type: "string" },
        "stop-timeout-ms": { type: "string", default: "10000" },
        "group-rows": { type: "string", default: String(GROUP_ROWS_MAX) },
      },
    }).values;
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

function required(values: Values, name: keyof Values): string {
  const value = values[name];
  if (value === undefined || value === "") throw invalid(`--${name} is missing; see --help`);
  return value;
}

/** An unset variable in a script is no path. */
function given(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}

function parseCount(
  values: Values,
  name: keyof Values,
  bounds: { readonly min: number; readonly max: number },
): number {
  const text = required(values, name);
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  throw invalid(`--${name}: expected a whole number from ${bounds.min} to ${bounds.max}, got ${quote(text)}`);
}

function readKeys(text: string | undefined): SigningKeys {
  try {
    return parseSigningKeys(text);
  } catch (error) {
    throw new FatalError("KEYS_INVALID", error instanceof Error ? error.message : SIGNING_KEYS_ENV);
  }
}

function invalid(message: string): FatalError {
  return new FatalError("OPTIONS_INVALID", message);
}
