// What an instance keeps its data in: the configuration's word, then the command line's, then the directory's.
import { describe, expect, it } from "vitest";
import {
  chooseStorage,
  describeStorage,
  EMBEDDED_STORAGE,
  optionsOf,
  type StorageChoice,
  type StorageWish,
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
const THREE: StorageChoice = { store: "cassandra", catalog: "dynamodb", nodes: 3 };

function choose(wish: Partial<StorageWish>, known: StorageChoice | null = null, text = EMBEDDED): StorageChoice {
  return chooseStorage({ ...NOTHING, ...wish }, known, parseConfig(text, "zgate.toml"));
}

describe("the storage of an instance", () => {
  it.each([
    ["is embedded unless anything says otherwise", choose({}), EMBEDDED_STORAGE],
    ["is what was asked for", choose({ store: "cassandra", catalog: "dynamodb", nodes: 3 }), THREE],
    ["is one node unless more are asked for", choose({ store: "cassandra" }).nodes, 1],
    ["has no nodes without Cassandra", choose({ catalog: "dynamodb" }), { ...EMBEDDED_STORAGE, catalog: "dynamodb" }],
    ["is what the directory was created with", choose({}, THREE), THREE],
    ["is what was asked for, whatever the directory knows", choose({ store: "sqlite" }, THREE).store, "sqlite"],
    ["keeps the directory's size when its store is named", choose({ store: "cassandra" }, THREE).nodes, 3],
    ["is the configuration's where it names stores", choose({}, null, EMBEDDED + STORES).store, "configured"],
    ["is the configuration's where it names a catalog", choose({}, THREE, EMBEDDED + CATALOG).catalog, "configured"],
  ])("%s", (_name, choice, expected) => {
    expect(choice).toEqual(expected);
  });

  it.each<readonly [string, Partial<StorageWish>, string, RegExp]>([
    ["another store than configured", { store: "sqlite" }, EMBEDDED + STORES, /--store cannot name another/],
    ["a size for a configured cluster", { nodes: 3 }, EMBEDDED + STORES, /--nodes cannot name another/],
    ["another catalog than configured", { catalog: "sqlite" }, EMBEDDED + CATALOG, /--catalog cannot name another/],
    ["a size without a cluster", { nodes: 3 }, EMBEDDED, /^--nodes is the size of a Cassandra cluster$/],
  ])("cannot be %s", (_name, wish, text, message) => {
    expect(() => choose(wish, null, text)).toThrow(message);
  });

  it("is described for people and as options", () => {
    expect(describeStorage(THREE)).toBe("Cassandra (3 nodes) with the catalog in DynamoDB");
    expect(optionsOf(THREE)).toBe("--store cassandra --nodes 3 --catalog dynamodb");
    expect(optionsOf(EMBEDDED_STORAGE)).toBe("--store sqlite --catalog sqlite");
  });
});
