/**
 * What an instance keeps its data and its maps in: embedded files, engines that `up` starts beside it, or what the
 * configuration names. It must not start anything.
 */
import type { GatewayConfig } from "../config/config.ts";
import { CliFailure } from "./failure.ts";

/** Stores and catalogs that `up` can run by itself. */
export const STORE_KINDS = ["sqlite", "cassandra"] as const;
export const CATALOG_KINDS = ["sqlite", "dynamodb"] as const;

/** What was asked for on the command line; null where nothing was. */
export interface StorageWish {
  readonly store: (typeof STORE_KINDS)[number] | null;
  readonly catalog: (typeof CATALOG_KINDS)[number] | null;
  readonly nodes: number | null;
}

/**
 * What is used. `configured`: what the configuration names, which `up` neither starts nor prepares; of a directory that was
 * made with such a configuration it stays, so that a start without it is refused.
 */
export interface StorageChoice {
  readonly store: (typeof STORE_KINDS)[number] | "configured";
  readonly catalog: (typeof CATALOG_KINDS)[number] | "configured";
  /** Cassandra nodes to run; 0 for every other store. */
  readonly nodes: number;
}

/** One file per shard and one for the catalog. */
export const EMBEDDED_STORAGE: StorageChoice = { store: "sqlite", catalog: "sqlite", nodes: 0 };

/**
 * What a wish comes to: the configuration's own stores and catalog come first, then what was asked for, then what the
 * directory was created with (null for a new one). Throws `CliFailure` where two of them contradict each other.
 */
export function chooseStorage(wish: StorageWish, known: StorageChoice | null, config: GatewayConfig): StorageChoice {
  const namesStore = [...config.shards.values()].some(({ store }) => store.kind !== "sqlite");
  if (namesStore && (wish.store !== null || wish.nodes !== null)) {
    throw contradicted("the stores of its shards", wish.store === null ? "--nodes" : "--store");
  }
  const namesCatalog = config.catalog.kind !== "sqlite";
  if (namesCatalog && wish.catalog !== null) throw contradicted("its catalog", "--catalog");
  const store = namesStore ? "configured" : (wish.store ?? known?.store ?? "sqlite");
  const catalog = namesCatalog ? "configured" : (wish.catalog ?? known?.catalog ?? "sqlite");
  if (store !== "cassandra" && wish.nodes !== null) {
    throw new CliFailure("--nodes is the size of a Cassandra cluster", {
      hint: "add --store cassandra, or leave out --nodes",
      exitCode: 2,
    });
  }
  const nodes = store === "cassandra" ? (wish.nodes ?? (known?.store === "cassandra" ? known.nodes : 1)) : 0;
  return { store, catalog, nodes };
}

/** Whether `up` has engines to start. */
export function needsEngines({ store, catalog }: StorageChoice): boolean {
  return store === "cassandra" || catalog === "dynamodb";
}

/** For people: "Cassandra (3 nodes) with the catalog in DynamoDB". */
export function describeStorage({ store, catalog, nodes }: StorageChoice): string {
  const stores = {
    sqlite: "SQLite",
    cassandra: `Cassandra (${nodes === 1 ? "1 node" : `${nodes} nodes`})`,
    configured: "the configuration's stores",
  };
  const catalogs = { sqlite: "SQLite", dynamodb: "DynamoDB", configured: "the configuration's place" };
  return `${stores[store]} with the catalog in ${catalogs[catalog]}`;
}

/** The options that ask for it. */
export function optionsOf({ store, catalog, nodes }: StorageChoice): string {
  const more = store === "cassandra" ? ` --nodes ${nodes}` : "";
  return `--store ${store}${more} --catalog ${catalog}`;
}

/** What a directory knows, untrusted, to what is used; what is missing is embedded, as it was before there was a choice. */
export function parseStorage(fields: Readonly<Record<string, unknown>>): StorageChoice {
  const { store, catalog, nodes }: { readonly [name: string]: unknown } = fields;
  return {
    store: [...STORE_KINDS, "configured" as const].find((kind) => kind === store) ?? "sqlite",
    catalog: [...CATALOG_KINDS, "configured" as const].find((kind) => kind === catalog) ?? "sqlite",
    nodes: typeof nodes === "number" ? nodes : 0,
  };
}

function contradicted(what: string, option: string): CliFailure {
  return new CliFailure(`the configuration names ${what}: ${option} cannot name another one`, {
    hint: `leave out ${option}, or take them out of the configuration`,
    exitCode: 2,
  });
}
