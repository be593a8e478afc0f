/**
 * What a connection to a Cassandra cluster needs: the configuration with the secrets and files it names.
 * It must not write any of it anywhere: the password and the client's key are in here.
 */
import { readFileSync } from "node:fs";
import type { CassandraStoreConfig, TlsFiles } from "../../config/storage.ts";
import { CassandraError } from "./session.ts";

/** PEM texts; null where the system's own authorities, or no client certificate, are to be used. */
export interface CassandraTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

/** A cluster, and how to be let in. */
export interface CassandraSettings {
  /** The store's name in `zgate.toml`. */
  readonly name: string;
  /** `host:port` each. */
  readonly contactPoints: readonly string[];
  readonly datacenter: string;
  readonly replication: ReadonlyMap<string, number>;
  readonly keyspacePrefix: string;
  /** Null for a cluster without authentication. */
  readonly credentials: { readonly user: string; readonly password: string } | null;
  /** Null for a connection in the clear. */
  readonly tls: CassandraTls | null;
  readonly traceFraction: number;
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the password and the PEM files. Throws a `broken` CassandraError that names the setting at fault. */
export function readCassandraSettings(config: CassandraStoreConfig, environment: Environment): CassandraSettings {
  const { name, contactPoints, datacenter, replication, keyspacePrefix, traceFraction } = config;
  return {
    name,
    contactPoints,
    datacenter,
    replication,
    keyspacePrefix,
    credentials: readCredentials(config, environment),
    tls: config.tls === null ? null : readTls(name, config.tls),
    traceFraction,
  };
}

function readCredentials(config: CassandraStoreConfig, environment: Environment): CassandraSettings["credentials"] {
  const { name, user, passwordEnv } = config;
  if (user === null) return null;
  const password = environment[passwordEnv];
  if (password !== undefined && password !== "") return { user, password };
  throw new CassandraError(
    "broken",
    `stores.${name}: the environment has no ${passwordEnv}, the password of "${user}"`,
  );
}

function readTls(name: string, { caFile, certFile, keyFile }: TlsFiles): CassandraTls {
  const read = (setting: string, file: string | null) =>
    file === null ? null : readPem(`stores.${name}.tls.${setting}`, file);
  return { ca: read("ca", caFile), cert: read("cert", certFile), key: read("key", keyFile) };
}

function readPem(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CassandraError("broken", `${setting}: ${reason}`, { cause: error });
  }
}
