/**
 * What an instance keeps its data and its maps in: embedded files, engines that `up` starts beside it, or what the
 * configuration names. It must not start anything.
 */
import type { GatewayConfig } from "../config/config.ts";
import { shardIds } from "./even-map.ts";
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

/** Where a shard keeps its data: in a file here, in a cluster that `up` runs, or where the configuration says. */
export type StorePlace = (typeof STORE_KINDS)[number] | "configured";

/** What is used. What the configuration names `up` neither starts nor prepares. */
export interface StorageChoice {
  /** By shard: those that have no file here, and among them those of the directory that are to be left out. */
  readonly stores: ReadonlyMap<string, StorePlace>;
  readonly catalog: (typeof CATALOG_KINDS)[number] | "configured";
  /** Cassandra nodes to run; 0 where no shard needs them. */
  readonly nodes: number;
}

/** One file per shard and one for the catalog. */
export const EMBEDDED_STORAGE: StorageChoice = { stores: new Map(), catalog: "sqlite", nodes: 0 };

/** Shards and where they lie. */
export interface MadeStorage {
  readonly shards: readonly string[];
  readonly storage: StorageChoice;
}

/** What a directory was made for. `former`: where shards that were left out since have what they last held. */
export interface KnownStorage extends MadeStorage {
  readonly former: ReadonlyMap<string, StorePlace>;
}

/**
 * What a wish comes to. A shard lies where the configuration says, else where the directory has it, else where was asked for: so a wish for
 * another store is one for new shards. The catalog is the configuration's, else the one asked for, else the directory's (`made`, null for a
 * new one). Throws `CliFailure` where two of them contradict each other.
 */
export function chooseStorage(wish: StorageWish, made: KnownStorage | null, config: GatewayConfig): StorageChoice {
  const known = knownPlaces(made);
  const places = choosePlaces(wish, known, config);
  requireUse(wish, places, known);
  const namesCatalog = config.catalog.kind !== "sqlite";
  if (namesCatalog && wish.catalog !== null) throw contradicted("its catalog", "--catalog");
  const kept = made?.storage.catalog ?? "sqlite";
  const catalog = namesCatalog ? "configured" : (wish.catalog ?? (kept === "configured" ? "sqlite" : kept));
  const left = [...(made?.storage.stores ?? [])].filter(([id]) => !places.has(id));
  const stores = new Map([...places, ...left].filter(([, place]) => place !== "sqlite"));
  const hasCluster = [...stores.values()].includes("cassandra");
  const nodes = hasCluster ? (wish.nodes ?? Math.max(1, made?.storage.nodes ?? 0)) : 0;
  return { stores, catalog, nodes };
}

/** Of each shard that the directory has or had. One that comes back finds what it left, so it must not come back elsewhere. */
function knownPlaces(made: KnownStorage | null): ReadonlyMap<string, StorePlace> {
  if (made === null) return new Map();
  return new Map([...made.former, ...made.shards.map((id) => [id, placeOf(made.storage, id)] as const)]);
}

/** Of each shard of the configuration. */
function choosePlaces(
  { store }: StorageWish,
  known: ReadonlyMap<string, StorePlace>,
  { shards }: GatewayConfig,
): ReadonlyMap<string, StorePlace> {
  // What was configured, and is no more, is not here: whoever settles the directory refuses it.
  const kept = new Map([...known].filter(([, place]) => place !== "configured"));
  const usual = store ?? [...kept.values()].at(-1) ?? "sqlite";
  const places = [...shards.values()].map((shard): [string, StorePlace] => [
    shard.id,
    shard.store.kind === "sqlite" ? (kept.get(shard.id) ?? usual) : "configured",
  ]);
  return new Map(places);
}

/** What was asked for has to be of some shard. */
function requireUse(
  { store, nodes }: StorageWish,
  places: ReadonlyMap<string, StorePlace>,
  known: ReadonlyMap<string, StorePlace>,
): void {
  const used = new Set(places.values());
  const areConfigured = used.size === 1 && used.has("configured");
  if (store !== null && !used.has(store)) {
    if (areConfigured) throw contradicted("the stores of its shards", "--store");
    const kept = [...used].map((place) => PLACE_NAMES[place]).join(" and ");
    throw new CliFailure(`no shard would be on ${PLACE_NAMES[store]}: those of this directory stay on ${kept}`, {
      hint: `--shards ${numberWithANewOne(places, known)} adds one that is, and \`zgate move\` takes ranges to it; or start a new directory with --data DIR`,
      exitCode: 2,
    });
  }
  if (nodes === null || used.has("cassandra")) return;
  if (areConfigured) throw contradicted("the stores of its shards", "--nodes");
  throw new CliFailure("--nodes is the size of a Cassandra cluster", {
    hint: "add --store cassandra, or leave out --nodes",
    exitCode: 2,
  });
}

/** The least number of shards, above what is wanted, whose last one the directory never had. */
function numberWithANewOne(places: ReadonlyMap<string, StorePlace>, known: ReadonlyMap<string, StorePlace>): number {
  let count = places.size + 1;
  while (known.has(shardIds(count).at(-1) ?? "")) count += 1;
  return count;
}

/** Where a shard has its data. */
export function placeOf({ stores }: StorageChoice, shard: string): StorePlace {
  return stores.get(shard) ?? "sqlite";
}

/** Whether `up` has engines to start. */
export function needsEngines({ nodes, catalog }: StorageChoice): boolean {
  return nodes > 0 || catalog === "dynamodb";
}

/** Whether everything lies in files of the data directory. */
export function isEmbedded({ stores, catalog }: StorageChoice): boolean {
  return stores.size === 0 && catalog === "sqlite";
}

/** For people. */
const PLACE_NAMES: Readonly<Record<StorePlace, string>> = {
  sqlite: "SQLite",
  cassandra: "Cassandra",
  configured: "the configuration's stores",
};

/** For people: "Cassandra (3 nodes) with the catalog in DynamoDB". */
export function describeStorage({ shards, storage }: MadeStorage): string {
  const { catalog, nodes } = storage;
  const places = new Set(shards.map((id) => placeOf(storage, id)));
  const size = nodes === 1 ? "1 node" : `${nodes} nodes`;
  const stores = [...places].map((place) => `${PLACE_NAMES[place]}${place === "cassandra" ? ` (${size})` : ""}`);
  const catalogs = { sqlite: "SQLite", dynamodb: "DynamoDB", configured: "the configuration's place" };
  return `${stores.join(" and ")} with the catalog in ${catalogs[catalog]}`;
}

/**
 * Why data that were made on one storage would not be found on the other, for people; null where they would be. Shards that only one of
 * them knows do not count.
 */
export function storageDifference(made: KnownStorage, wanted: MadeStorage): string | null {
  const known = knownPlaces(made);
  for (const id of wanted.shards) {
    const [from, to] = [known.get(id), placeOf(wanted.storage, id)];
    if (from !== undefined && from !== to)
      return `${id} was created on ${PLACE_NAMES[from]}, not on ${PLACE_NAMES[to]}`;
  }
  const [from, to] = [made.storage, wanted.storage];
  const isOtherSize = from.nodes > 0 && to.nodes > 0 && from.nodes !== to.nodes;
  if (from.catalog === to.catalog && !isOtherSize) return null;
  return `it was created on ${describeStorage(made)}, not on ${describeStorage(wanted)}`;
}

/** What a directory knows of the storage of its shards, untrusted; what is missing is embedded, as it was before there was a choice. */
export function parseStorage(fields: Readonly<Record<string, unknown>>, shards: readonly string[]): StorageChoice {
  const { stores, catalog, nodes }: { readonly [name: string]: unknown } = fields;
  const places = typeof stores === "object" && stores !== null ? Object.entries(stores) : [];
  const known = places.filter(([id]) => shards.includes(id)).map(([id, place]) => [id, parsePlace(place)] as const);
  return {
    stores: new Map(known.filter(([, place]) => place !== "sqlite")),
    catalog: [...CATALOG_KINDS, "configured" as const].find((kind) => kind === catalog) ?? "sqlite",
    nodes: typeof nodes === "number" ? nodes : 0,
  };
}

/** Where left-out shards lie, untrusted. */
export function parseFormer(fields: Readonly<Record<string, unknown>>): KnownStorage["former"] {
  const { former }: { readonly [name: string]: unknown } = fields;
  const places = typeof former === "object" && former !== null ? Object.entries(former) : [];
  return new Map(places.map(([id, place]) => [id, parsePlace(place)]));
}

function parsePlace(input: unknown): StorePlace {
  return (["cassandra", "configured"] as const).find((place) => place === input) ?? "sqlite";
}

/** Places after a change: who is left out now has what it held where it lay. */
export function formerAfter(made: KnownStorage | null, shards: readonly string[]): KnownStorage["former"] {
  return new Map([...knownPlaces(made)].filter(([id]) => !shards.includes(id)));
}

function contradicted(what: string, option: string): CliFailure {
  return new CliFailure(`the configuration names ${what}: ${option} cannot name another one`, {
    hint: `leave out ${option}, or take them out of the configuration`,
    exitCode: 2,
  });
}
