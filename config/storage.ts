/**
 * What shards keep their data in, and where the catalog lies, as `zgate.toml` says it.
 * It must not hold a secret: passwords and cloud credentials come from the environment of whoever connects.
 */
import { quote } from "../router/ids.ts";
import { EMBEDDED_STORE, type ParsedFile } from "./schema.ts";

/** The embedded store: one SQLite file per shard, on the shard's own disk. */
export interface SqliteStoreConfig {
  readonly kind: "sqlite";
}

/** PEM files of a TLS connection; null where the system's own authorities, or no client certificate, are to be used. */
export interface TlsFiles {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

/** A Cassandra cluster in which each shard has a keyspace of its own. */
export interface CassandraStoreConfig {
  readonly kind: "cassandra";
  /** The name in `zgate.toml`. */
  readonly name: string;
  /** `host:port` of some nodes, all with the same port; the others are found through them. */
  readonly contactPoints: readonly string[];
  /** Whose nodes are asked. */
  readonly datacenter: string;
  /** Replicas by datacenter (NetworkTopologyStrategy). */
  readonly replication: ReadonlyMap<string, number>;
  readonly keyspacePrefix: string;
  /** Null for a cluster without authentication. */
  readonly user: string | null;
  /** Environment variable that holds the password. */
  readonly passwordEnv: string;
  /** Null for a connection in the clear. */
  readonly tls: TlsFiles | null;
  /** Part of the requests that the servers are asked to trace, from 0 to 1. */
  readonly traceFraction: number;
}

/** What a shard's data lie in. */
export type StoreConfig = SqliteStoreConfig | CassandraStoreConfig;

/** Where the catalog lies. `endpoint` null is the cloud's own for the region. */
export type CatalogConfig =
  | { readonly kind: "sqlite" }
  | {
      readonly kind: "dynamodb";
      readonly table: string;
      readonly region: string;
      readonly endpoint: string | null;
    };

/** What a shard has that names no store. */
export const EMBEDDED: SqliteStoreConfig = { kind: "sqlite" };

/** The stores by name, the embedded one among them. */
export function buildStores(entries: ParsedFile["stores"], faults: string[]): ReadonlyMap<string, StoreConfig> {
  const stores = new Map<string, StoreConfig>([[EMBEDDED_STORE, EMBEDDED]]);
  for (const [name, entry] of Object.entries(entries)) {
    if (name === EMBEDDED_STORE) faults.push(`stores.${name}: expected another name, "${name}" is the embedded store`);
    else stores.set(name, buildStore(name, entry, faults));
  }
  return stores;
}

/** Where the catalog lies. */
export function buildCatalog(entry: ParsedFile["catalog"]): CatalogConfig {
  return entry.kind === "sqlite" ? entry : { ...entry, endpoint: entry.endpoint ?? null };
}

function buildStore(name: string, entry: ParsedFile["stores"][string], faults: string[]): CassandraStoreConfig {
  const path = `stores.${name}`;
  checkPorts(path, entry.contact_points, faults);
  if (entry.replication[entry.datacenter] === undefined) {
    faults.push(`${path}.replication: expected replicas in the datacenter ${quote(entry.datacenter)}, got none there`);
  }
  if ((entry.tls?.cert === undefined) !== (entry.tls?.key === undefined)) {
    faults.push(`${path}.tls: expected both cert and key, or neither, got one of them`);
  }
  return {
    kind: "cassandra",
    name,
    contactPoints: entry.contact_points,
    datacenter: entry.datacenter,
    replication: new Map(Object.entries(entry.replication)),
    keyspacePrefix: entry.keyspace_prefix,
    user: entry.user ?? null,
    passwordEnv: entry.password_env,
    tls: entry.tls === undefined ? null : tlsFiles(entry.tls),
    traceFraction: entry.trace_fraction,
  };
}

/** Nodes that are found through others are reached at the contact points' port. */
function checkPorts(path: string, points: readonly string[], faults: string[]): void {
  const ports = new Set(points.map((point) => point.slice(point.lastIndexOf(":") + 1)));
  if (ports.size > 1)
    faults.push(`${path}.contact_points: expected one port for all nodes, got ${[...ports].join(", ")}`);
}

function tlsFiles({ ca, cert, key }: NonNullable<ParsedFile["stores"][string]["tls"]>): TlsFiles {
  return { caFile: ca ?? null, certFile: cert ?? null, keyFile: key ?? null };
}
