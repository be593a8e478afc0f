// What an instance keeps its data in: the configuration's word, then the command line's, then the directory's.
import { describe, expect, it } from "vitest";
import {
  chooseStorage,
  describeStorage,
  EMBEDDED_STORAGE,
  formerAfter,
  type KnownStorage,
  placeOf,
  type StorageChoice,
  type StorageWish,
  type StorePlace,
  storageDifference,
} from "../../../cli/storage-choice.ts";
import { parseConfig } from "../../../config/config.ts";

const EMBEDDED = `
[[collections]]
name = "products"
kind = "range"
map = [{ start = "", shard = "shard-1" }]
[[shards]]
id = "shard-1"
origins = ["http://127.0.0.1:8801"]
`;

const STORES = `store = "main"
[stores.main]
kind = "cassandra"
contact_points = ["10.0.0.1:9042"]
datacenter = "dc1"
replication = { dc1 = 3 }
`;

const CATALOG = `
[catalog]
kind = "dynamodb"
table = "zgate-catalog"
region = "eu-central-1"
`;

const NOTHING: StorageWish = { store: null, catalog: null, nodes: null };

/** A directory with these shards, some of which have no file. */
function made(stores: Readonly<Record<string, StorePlace>>, more: Partial<StorageChoice> = {}): KnownStorage {
  const places = Object.entries(stores);
  const away = places.filter(([, place]) => place !== "sqlite");
  const nodes = away.some(([, place]) => place === "cassandra") ? 1 : 0;
  return {
    shards: places.map(([id]) => id),
    storage: { stores: new Map(away), catalog: "sqlite", nodes, ...more },
    former: new Map(),
  };
}

/** A directory in files that had a second shard. */
function without(second: StorePlace): KnownStorage {
  return { ...ON_FILES, former: new Map([["shard-2", second]]) };
}

const ON_FILES = made({ "shard-1": "sqlite" });
const THREE = made({ "shard-1": "cassandra" }, { catalog: "dynamodb", nodes: 3 });
const MIXED = made({ "shard-1": "sqlite", "shard-2": "cassandra" });
const ELSEWHERE = made({ "shard-1": "configured" }, { catalog: "configured" });

const SECOND = `
[[shards]]
id = "shard-2"
origins = ["http://127.0.0.1:8802"]
`;

function choose(wish: Partial<StorageWish>, known: KnownStorage | null = null, text = EMBEDDED): StorageChoice {
  return chooseStorage({ ...NOTHING, ...wish }, known, parseConfig(text, "zgate.toml"));
}

function placesOf(choice: StorageChoice): readonly string[] {
  return ["shard-1", "shard-2"].map((id) => placeOf(choice, id));
}

describe("the storage of an instance", () => {
  it.each([
    ["is embedded unless anything says otherwise", choose({}), EMBEDDED_STORAGE],
    ["is what was asked for", choose({ store: "cassandra", catalog: "dynamodb", nodes: 3 }), THREE.storage],
    ["is one node unless more are asked for", choose({ store: "cassandra" }).nodes, 1],
    ["has no nodes without Cassandra", choose({ catalog: "dynamodb" }), { ...EMBEDDED_STORAGE, catalog: "dynamodb" }],
    ["is what the directory was created with", choose({}, THREE), THREE.storage],
    ["is another catalog where that was asked for", choose({ catalog: "sqlite" }, THREE).catalog, "sqlite"],
    ["keeps the directory's size when its store is named", choose({ store: "cassandra" }, THREE).nodes, 3],
    ["is the configuration's where it names stores", placesOf(choose({}, null, EMBEDDED + STORES))[0], "configured"],
    ["is the configuration's where it names a catalog", choose({}, THREE, EMBEDDED + CATALOG).catalog, "configured"],
    ["is nowhere when the configuration names it no more", choose({}, ELSEWHERE), EMBEDDED_STORAGE],
  ])("%s", (_name, choice, expected) => {
    expect(choice).toEqual(expected);
  });

  it.each<readonly [string, StorageChoice, readonly string[]]>([
    [
      "a new shard goes where was asked for",
      choose({ store: "cassandra" }, ON_FILES, EMBEDDED + SECOND),
      ["sqlite", "cassandra"],
    ],
    ["without a wish, where the others are", choose({}, THREE, EMBEDDED + SECOND), ["cassandra", "cassandra"]],
    [
      "the same wish again changes nothing",
      choose({ store: "cassandra" }, MIXED, EMBEDDED + SECOND),
      ["sqlite", "cassandra"],
    ],
    ["none is needed again", choose({}, MIXED, EMBEDDED + SECOND), ["sqlite", "cassandra"]],
    ["where the configuration says", choose({}, ON_FILES, EMBEDDED + SECOND + STORES), ["sqlite", "configured"]],
    ["one that is left out is still somewhere", choose({}, MIXED), ["sqlite", "cassandra"]],
    [
      "one that comes back is where it was",
      choose({}, without("cassandra"), EMBEDDED + SECOND),
      ["sqlite", "cassandra"],
    ],
    ["and needs nothing as long as it is left out", choose({}, without("cassandra")), ["sqlite", "sqlite"]],
  ])("is one for each shard: %s", (_name, choice, places) => {
    expect(placesOf(choice)).toEqual(places);
    expect(choice.nodes).toBe(places.includes("cassandra") ? Math.max(1, choice.nodes) : 0);
  });

  it.each<readonly [string, Partial<StorageWish>, KnownStorage | null, string, RegExp]>([
    ["another store than configured", { store: "sqlite" }, null, EMBEDDED + STORES, /--store cannot name another/],
    ["a size for a configured cluster", { nodes: 3 }, null, EMBEDDED + STORES, /--nodes cannot name another/],
    [
      "another catalog than configured",
      { catalog: "sqlite" },
      null,
      EMBEDDED + CATALOG,
      /--catalog cannot name another/,
    ],
    ["a size without a cluster", { nodes: 3 }, null, EMBEDDED, /^--nodes is the size of a Cassandra cluster$/],
    [
      "another store for shards that have one",
      { store: "cassandra" },
      ON_FILES,
      EMBEDDED,
      /^no shard would be on Cassandra: .* on SQLite$/,
    ],
    [
      "the same the other way round",
      { store: "sqlite" },
      THREE,
      EMBEDDED,
      /^no shard would be on SQLite: .* on Cassandra$/,
    ],
    [
      "another store for a shard that comes back",
      { store: "cassandra" },
      without("sqlite"),
      EMBEDDED + SECOND,
      /^no shard would be on Cassandra: .* on SQLite$/,
    ],
  ])("cannot be %s", (_name, wish, known, text, message) => {
    expect(() => choose(wish, known, text)).toThrow(message);
  });

  it.each([
    { known: ON_FILES, shards: EMBEDDED, number: 2 },
    { known: made({ "shard-1": "sqlite", "shard-2": "sqlite" }), shards: EMBEDDED, number: 3 },
    { known: without("sqlite"), shards: EMBEDDED + SECOND, number: 3 },
    { known: without("sqlite"), shards: EMBEDDED, number: 3 },
  ])("names a number that adds a shard: $number", ({ known, shards, number }) => {
    expect(() => choose({ store: "cassandra" }, known, shards)).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(new RegExp(`^--shards ${number} adds one that is`)) }),
    );
  });

  it("is remembered of shards that are left out, until they come back", () => {
    const former = formerAfter(MIXED, ["shard-1"]);
    expect(former).toEqual(new Map([["shard-2", "cassandra"]]));
    expect(formerAfter({ ...ON_FILES, former }, ["shard-3"])).toEqual(
      new Map([
        ["shard-2", "cassandra"],
        ["shard-1", "sqlite"],
      ]),
    );
    expect(formerAfter({ ...ON_FILES, former }, ["shard-1", "shard-2"])).toEqual(new Map());
    expect(formerAfter(null, ["shard-1"])).toEqual(new Map());
  });

  it("is described for people", () => {
    expect(describeStorage(THREE)).toBe("Cassandra (3 nodes) with the catalog in DynamoDB");
    expect(describeStorage(MIXED)).toBe("SQLite and Cassandra (1 node) with the catalog in SQLite");
    expect(describeStorage(ELSEWHERE)).toBe("the configuration's stores with the catalog in the configuration's place");
  });

  it.each([
    ["the same", MIXED, MIXED, null],
    ["one more shard", ON_FILES, MIXED, null],
    ["one less", MIXED, ON_FILES, null],
    ["a shard that comes back elsewhere", without("sqlite"), MIXED, "shard-2 was created on SQLite, not on Cassandra"],
    ["a shard elsewhere", ON_FILES, THREE, "shard-1 was created on SQLite, not on Cassandra"],
    [
      "a shard that was configured",
      ELSEWHERE,
      ON_FILES,
      "shard-1 was created on the configuration's stores, not on SQLite",
    ],
    [
      "another catalog",
      THREE,
      made({ "shard-1": "cassandra" }, { nodes: 3 }),
      "it was created on Cassandra (3 nodes) with the catalog in DynamoDB, not on Cassandra (3 nodes) with the catalog in SQLite",
    ],
    [
      "another size",
      MIXED,
      made({ "shard-1": "sqlite", "shard-2": "cassandra" }, { nodes: 3 }),
      "it was created on SQLite and Cassandra (1 node) with the catalog in SQLite, not on SQLite and Cassandra (3 nodes) with the catalog in SQLite",
    ],
  ])("differs by what would not be found: %s", (_name, from, to, difference) => {
    expect(storageDifference(from, to)).toBe(difference);
  });
});
