/**
 * Chooses the catalog that the configuration names. What is not chosen is not loaded: the cloud's client costs every
 * process a part of a second.
 * It must not be imported by anything but composition roots and commands.
 */
import type { CatalogConfig } from "../../config/storage.ts";
import type { DynamodbAddress } from "./dynamodb-client.ts";
import type { Catalog } from "./port.ts";

/** Environment variables by name. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Whose presence says that credentials were provided for. */
const CREDENTIAL_VARIABLES = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"] as const;

/** DynamoDB Local takes any credentials, but wants some. */
const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" } as const;

/** What opening needs beside the configuration. */
export interface OpenCatalogOptions {
  /** Where the embedded catalog lies. */
  readonly file: string;
  readonly environment: Environment;
  /** How long an operation of a catalog that is not embedded goes on trying, in milliseconds. */
  readonly patienceMs?: number;
}

/** Where the catalog is, for people. `file` is the embedded one's. */
export function describeCatalog(config: CatalogConfig, file: string): string {
  if (config.kind === "sqlite") return file;
  return `the table ${config.table} of ${config.endpoint ?? `DynamoDB in ${config.region}`}`;
}

/** Opens the catalog. Rejects with `CatalogError`. */
export async function openCatalog(config: CatalogConfig, options: OpenCatalogOptions): Promise<Catalog> {
  if (config.kind === "sqlite") {
    const { createSqliteCatalog } = await import("./sqlite-catalog.ts");
    return createSqliteCatalog({ file: options.file });
  }
  const { createDynamodbCatalog } = await import("./dynamodb-catalog.ts");
  const patience = options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs };
  return createDynamodbCatalog({ ...dynamodbAddressOf(config, options.environment), ...patience });
}

/** The table, and credentials where it is on this machine and none were provided for. */
export function dynamodbAddressOf(
  { table, region, endpoint }: Extract<CatalogConfig, { kind: "dynamodb" }>,
  environment: Environment,
): DynamodbAddress {
  const isProvided = CREDENTIAL_VARIABLES.some((name) => environment[name] !== undefined);
  const isLocal = endpoint !== null && /^http:\/\/(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::|$)/.test(endpoint);
  return { table, region, endpoint, ...(isLocal && !isProvided ? { credentials: LOCAL_CREDENTIALS } : {}) };
}
