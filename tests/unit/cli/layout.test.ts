// What a data directory must be before an instance may use it. It must not start a part.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_CONFIG, localConfiguration, readConfiguration } from "../../../cli/configuration.ts";
import { createDataDirectory, type DataDirectory, dataDirectory } from "../../../cli/data-directory.ts";
import { EMBEDDED_STORAGE, type StorageChoice } from "../../../cli/storage-choice.ts";
import {
  completeLayout,
  parseLayout,
  readLayout,
  refuseForeign,
  settleLayout,
} from "../../../cli/supervisor/layout.ts";
import { type Preparation, prepareDirectory, prepareStorage } from "../../../cli/supervisor/preparation.ts";
import { findFreePorts } from "../../e2e/free-ports.ts";

const TWO = { shards: ["shard-1", "shard-2"], asked: null, storage: EMBEDDED_STORAGE };
const ON_CASSANDRA = { "shard-1": "cassandra", "shard-2": "cassandra" } as const;
const ON_ENGINES: StorageChoice = { stores: new Map(Object.entries(ON_CASSANDRA)), catalog: "dynamodb", nodes: 1 };
const PROGRESS = { step: () => undefined, update: () => undefined, clear: () => undefined };

let directory: DataDirectory;

beforeEach(() => {
  directory = dataDirectory(mkdtempSync(join(tmpdir(), "zgate-layout-")));
});

afterEach(() => rmSync(directory.root, { recursive: true, force: true }));

function put(...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(directory.root, name)), { recursive: true });
    writeFileSync(join(directory.root, name), "");
  }
}

/** Both halves of what a start does, on embedded storage. */
async function prepare(preparation: Preparation): Promise<readonly string[]> {
  await prepareDirectory(preparation, PROGRESS);
  const leaving = { slots: () => Promise.reject(new Error("nobody leaves")) };
  return (await prepareStorage({ ...preparation, leaving }, PROGRESS)).notes;
}

function failureOf(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

describe("a folder", () => {
  it.each([
    ["that is empty", []],
    ["that only an install has used", ["install.lock/owner.json"]],
    ["that benchmarks have used", ["bench-run/catalog.db"]],
    ["whose first start was interrupted early", ["keys/signing-keys", "logs/edge.log", "run/lock.db", "imports/x"]],
    ["whose first start was interrupted late", ["keys/signing-keys", "layout.json", "other"]],
    ["that was restored from a backup", ["catalog.db", "shard-1/store.db", "notes.txt"]],
  ])("%s is taken", (_name, names) => {
    put(...names);
    expect(() => refuseForeign(directory)).not.toThrow();
  });

  it("that is not there yet is taken", () => {
    expect(() => refuseForeign(dataDirectory(join(directory.root, "new")))).not.toThrow();
  });

  it("with other files is refused before anything is written into it", () => {
    put("package.json", "keys/mine");
    expect(failureOf(() => refuseForeign(directory))).toMatchObject({
      message: expect.stringMatching(/is not a data directory/),
      exitCode: 2,
    });
  });
});

describe("a directory without its catalog", () => {
  it.each([
    ["was created", () => writeFileSync(directory.layout, '{"shards":["shard-1","shard-2"]}')],
    ["has an unreadable layout", () => writeFileSync(directory.layout, "{")],
    ["has a store", () => put("shard-1/store.db")],
  ])("is refused when it %s", (_name, make) => {
    make();
    expect(failureOf(() => settleLayout(directory, TWO))).toMatchObject({
      message: expect.stringMatching(/^the catalog .*catalog\.db is missing$/),
      hint: "restore it from the backup (docs/operations.md)",
    });
    expect(existsSync(directory.catalog)).toBe(false);
  });

  it("goes on when its first start was interrupted before there was one", () => {
    settleLayout(directory, TWO);
    expect(readLayout(directory)).toEqual({ ...TWO, former: new Map(), isCreated: false });
    settleLayout(directory, TWO);
    completeLayout(directory, TWO);
    expect(readLayout(directory)).toEqual({ ...TWO, former: new Map(), isCreated: true });
    expect(() => settleLayout(directory, TWO)).toThrow("is missing");
  });

  it("is never given a new one by a start", async () => {
    const port = await findFreePorts(3);
    const shardPort = port + 1;
    const options = { ...{ port, shardPort, data: directory.root, workers: 1, shards: null }, withSample: false };
    const storage = EMBEDDED_STORAGE;
    const wish = { store: null, catalog: null, nodes: null };
    const local = localConfiguration(readConfiguration(DEFAULT_CONFIG), options);
    const preparation = {
      ...{ directory, local, storage },
      options: { ...options, storage: wish, config: DEFAULT_CONFIG },
    };
    createDataDirectory(directory);
    expect(await prepare(preparation)).toEqual([]);
    const file = readFileSync(DEFAULT_CONFIG, "utf8").replaceAll(/"m"( #|$)/gm, '"n"$1');
    writeFileSync(join(directory.root, "other.toml"), file);
    const other = localConfiguration(readConfiguration(join(directory.root, "other.toml")), options);
    expect(await prepare({ ...preparation, local: other })).toEqual([
      "products: the catalog's map (version 1) is used, not zgate.toml's",
    ]);
    rmSync(directory.catalog);
    await expect(prepare(preparation)).rejects.toThrow("is missing");
    expect(existsSync(directory.catalog)).toBe(false);
  });
});

describe("a directory that was made on other storage", () => {
  const made = (storage: StorageChoice): void => {
    const stores = Object.fromEntries(storage.stores);
    writeFileSync(directory.layout, JSON.stringify({ shards: TWO.shards, ...storage, stores }));
    put(storage.catalog === "sqlite" ? "catalog.db" : "engines/dynamodb/data");
  };
  const anew = "start a new directory with --data DIR";

  it.each<readonly [string, StorageChoice, StorageChoice, RegExp, string]>([
    [
      "SQLite, and Cassandra is asked for",
      EMBEDDED_STORAGE,
      { ...ON_ENGINES, catalog: "sqlite" },
      /: shard-1 was created on SQLite, not on Cassandra: its data would not be found there$/,
      `leave out --store, --catalog and --nodes, or ${anew}`,
    ],
    [
      "another catalog",
      ON_ENGINES,
      { ...ON_ENGINES, catalog: "sqlite" },
      /with the catalog in DynamoDB, not on .* with the catalog in SQLite/,
      `leave out --store, --catalog and --nodes, or ${anew}`,
    ],
    [
      "what a configuration named that names nothing any more",
      { ...EMBEDDED_STORAGE, stores: new Map([["shard-2", "configured"]]) },
      EMBEDDED_STORAGE,
      /shard-2 was created on the configuration's stores/,
      `start it with the configuration it was created with, or ${anew}`,
    ],
    [
      "a configuration that names another place for a shard",
      EMBEDDED_STORAGE,
      { ...EMBEDDED_STORAGE, stores: new Map([["shard-2", "configured"]]) },
      /shard-2 was created on SQLite, not on the configuration's stores/,
      `start it with the configuration it was created with, or ${anew}`,
    ],
  ])("is refused: %s", (_name, from, to, message, hint) => {
    made(from);
    const refusal = failureOf(() => settleLayout(directory, { ...TWO, storage: to }));
    expect(refusal).toMatchObject({ message: expect.stringMatching(message), hint, exitCode: 2 });
  });

  it("takes a shard more that lies elsewhere, and remembers each", () => {
    made(EMBEDDED_STORAGE);
    const stores = new Map([["shard-3", "cassandra"] as const]);
    const wanted = { ...TWO, shards: [...TWO.shards, "shard-3"], storage: { ...EMBEDDED_STORAGE, stores, nodes: 1 } };
    expect(() => settleLayout(directory, wanted)).not.toThrow();
    completeLayout(directory, wanted);
    expect(readLayout(directory)).toEqual({ ...wanted, former: new Map(), isCreated: true });
    completeLayout(directory, { ...wanted, shards: TWO.shards });
    expect(readLayout(directory)?.storage.stores).toEqual(new Map());
    expect(readLayout(directory)?.former, "it keeps what it held").toEqual(stores);
    const elsewhere = { ...wanted, storage: EMBEDDED_STORAGE };
    expect(() => settleLayout(directory, elsewhere)).toThrow(/shard-3 was created on Cassandra, not on SQLite/);
  });

  it("is refused without its layout, too: by the files that lie in it", () => {
    put("catalog.db");
    expect(() => settleLayout(directory, { ...TWO, storage: ON_ENGINES })).toThrow(/of an instance on SQLite, not on/);
    rmSync(directory.catalog);
    put("engines/dynamodb/data");
    expect(() => settleLayout(directory, TWO)).toThrow(/of an instance on engines, not on SQLite/);
  });

  it("remembers what it was made on", () => {
    settleLayout(directory, { ...TWO, storage: { ...ON_ENGINES, nodes: 3 } });
    expect(readLayout(directory)?.storage).toEqual({ ...ON_ENGINES, nodes: 3 });
  });

  it("is refused when its engines' data are gone: empty ones would look like a new instance", () => {
    made(ON_ENGINES);
    expect(() => settleLayout(directory, { ...TWO, storage: ON_ENGINES })).not.toThrow();
    rmSync(directory.engines, { recursive: true });
    expect(() => settleLayout(directory, { ...TWO, storage: ON_ENGINES })).toThrow(/engines, is missing$/);
  });
});

it.each([
  [null, null],
  [{}, null],
  [{ shards: [1] }, null],
  [
    { shards: ["a", "b"] },
    { shards: ["a", "b"], asked: null, storage: EMBEDDED_STORAGE, former: new Map(), isCreated: true },
  ],
  [
    { shards: ["a"], asked: 1, created: false },
    { shards: ["a"], asked: 1, storage: EMBEDDED_STORAGE, former: new Map(), isCreated: false },
  ],
  [
    { shards: ["a"], stores: { a: "cassandra", b: "cassandra" }, catalog: "dynamodb", nodes: 3 },
    {
      ...{ shards: ["a"], asked: null, former: new Map(), isCreated: true },
      storage: { stores: new Map([["a", "cassandra"]]), catalog: "dynamodb", nodes: 3 },
    },
  ],
  [
    { shards: ["a"], stores: { a: "paper" }, catalog: 1, nodes: "3", former: { b: "paper", c: "cassandra" } },
    {
      ...{ shards: ["a"], asked: null, storage: EMBEDDED_STORAGE, isCreated: true },
      former: new Map([
        ["b", "sqlite"],
        ["c", "cassandra"],
      ]),
    },
  ],
])("the layout %j is read as %j", (fields, expected) => {
  expect(parseLayout(fields)).toEqual(expected);
});
