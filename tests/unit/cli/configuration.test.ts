// What `up` makes of the configuration file. It must not touch a data directory.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterAll, describe, expect, it } from "vitest";
import {
  DEFAULT_CONFIG,
  localConfiguration,
  localIssuer,
  readConfiguration,
  withLocalEngines,
} from "../../../cli/configuration.ts";
import { CliFailure } from "../../../cli/failure.ts";
import { EMBEDDED_STORAGE } from "../../../cli/storage-choice.ts";
import { plainToml } from "../../../cli/supervisor/edge-part.ts";
import { shardPlans, wantedPorts, withOwnShards } from "../../../cli/supervisor/up-options.ts";

const folder = mkdtempSync(join(tmpdir(), "zgate-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = readConfiguration(DEFAULT_CONFIG);
const options = {
  ...{ port: 9000, data: "", workers: null, withSample: true, config: DEFAULT_CONFIG },
  ...{ shards: null, shardPort: 9001, storage: { store: null, catalog: null, nodes: null } },
};

describe("the local configuration", () => {
  it("keeps the configured maps for the configured number of shards", () => {
    for (const shards of [null, file.config.shards.size]) {
      const local = localConfiguration(file, { shards, shardPort: 9001 });
      for (const [name, { initialMap }] of file.config.collections) {
        expect(local.config.collections.get(name)?.initialMap).toEqual(initialMap);
      }
    }
  });

  it("puts the shards on ports of this machine, one after the other", () => {
    const { config } = localConfiguration(file, { shards: 3, shardPort: 9001 });
    expect([...config.shards.values()].flatMap((shard) => shard.origins)).toEqual([
      "http://127.0.0.1:9001",
      "http://127.0.0.1:9002",
      "http://127.0.0.1:9003",
    ]);
  });

  it("cuts every collection evenly for another number of shards", () => {
    const { config } = localConfiguration(file, { shards: 5, shardPort: 9001 });
    for (const { initialMap } of config.collections.values()) expect(initialMap.ranges).toHaveLength(5);
  });

  it("adds the local issuer where the file has none", () => {
    const path = join(folder, "own.toml");
    writeFileSync(path, file.text.replace(/\[\[issuers\]\][\s\S]*?(?=\n\[edge\])/, ""));
    const own = readConfiguration(path);
    expect(own.config.issuers).toEqual([]);
    const { config } = localConfiguration(own, options);
    expect(localIssuer(config)).toMatchObject({ issuer: "zgate-local", audience: "zgate" });
    expect(config.issuers).toHaveLength(1);
  });
});

const STORES = `
[stores.main]
kind = "cassandra"
contact_points = ["10.0.0.1:9042"]
datacenter = "dc1"
replication = { dc1 = 3 }
`;

/** The shipped configuration with stores for its shards, in order; null for the embedded one. */
function withStores(name: string, stores: readonly (string | null)[]) {
  const path = join(folder, name);
  const ids = stores.map((store, index) => ({ id: `id = "shard-${index + 1}"`, store }));
  const setting = (store: string | null): string => (store === null ? "" : `\nstore = "${store}"`);
  const text = ids.reduce((all, { id, store }) => all.replace(id, id + setting(store)), file.text);
  writeFileSync(path, text + STORES);
  return readConfiguration(path);
}

describe("the local configuration of a file that names stores", () => {
  const kindsOf = (local: typeof file) => [...local.config.shards.values()].map(({ store }) => store.kind);

  it("keeps them, shard by shard", () => {
    const local = localConfiguration(withStores("mixed.toml", ["main", null]), { shards: null, shardPort: 9001 });
    expect(kindsOf(local)).toEqual(["cassandra", "sqlite"]);
  });

  it("gives more shards the one store that all have", () => {
    const local = localConfiguration(withStores("same.toml", ["main", "main"]), { shards: 3, shardPort: 9001 });
    expect(kindsOf(local)).toEqual(["cassandra", "cassandra", "cassandra"]);
  });

  it("has none for more shards where they differ", () => {
    const mixed = withStores("mixed.toml", ["main", null]);
    expect(() => localConfiguration(mixed, { shards: 3, shardPort: 9001 })).toThrow(/there is none for shard-3$/);
  });
});

describe("engines of this machine", () => {
  const cassandra = { contactPoints: ["127.0.0.1:9", "127.0.0.2:9", "127.0.0.3:9"], datacenter: "dc1" };
  const dynamodb = { endpoint: "http://127.0.0.1:8", region: "us-east-1" };
  const local = localConfiguration(file, { shards: null, shardPort: 9001 });

  const all = (): boolean => true;

  it("hold every shard, on all their nodes, and the catalog", () => {
    const { config } = withLocalEngines(local, { cassandra, dynamodb }, all);
    for (const { store } of config.shards.values()) {
      expect(store).toMatchObject({ contactPoints: cassandra.contactPoints, replication: new Map([["dc1", 3]]) });
    }
    expect(config.catalog).toMatchObject({ kind: "dynamodb", ...dynamodb });
    expect(config.collections).toEqual(local.config.collections);
  });

  it("leave in files what they are not for", () => {
    expect(withLocalEngines(local, { cassandra, dynamodb: null }, all).config.catalog).toEqual({ kind: "sqlite" });
    const { config } = withLocalEngines(local, { cassandra: null, dynamodb }, all);
    expect([...config.shards.values()].map(({ store }) => store.kind)).toEqual(["sqlite", "sqlite"]);
  });

  it("hold the shards that are theirs, beside the file's own stores", () => {
    const here = localConfiguration(withStores("own.toml", ["main", null]), { shards: null, shardPort: 9001 });
    const { config } = withLocalEngines(here, { cassandra, dynamodb: null }, (shard) => shard === "shard-2");
    expect([...config.shards.values()].map(({ store }) => (store.kind === "cassandra" ? store.name : null))).toEqual([
      "main",
      "local-engines",
    ]);
  });
});

it.each([
  ["is not TOML", "collections = [", /line 1/],
  ["has a wrong setting", "[[collections]]\nname = 1\n", /collections/],
])("a file that %s is refused with the place", (_name, text, message) => {
  const path = join(folder, "bad.toml");
  writeFileSync(path, text);
  expect(() => readConfiguration(path)).toThrow(message);
});

it("a file that is not there is refused with its name", () => {
  expect(() => readConfiguration(join(folder, "none.toml"))).toThrow(/none\.toml/);
});

it("TOML for an environment file means the same without quotes and dollars", () => {
  const text = `a = "it's \\"$HOME\\" and \`x\`"\n`;
  expect(plainToml(text)).not.toMatch(/['$`]/);
  expect(parse(plainToml(text))).toEqual(parse(text));
});

it("every port is named with the option that changes it", () => {
  const local = localConfiguration(file, options);
  expect(wantedPorts(options, shardPlans(options, local))).toEqual([
    { port: 9000, use: "edge", option: "--port" },
    { port: 9001, use: "shard-1", option: "--shard-port" },
    { port: 9002, use: "shard-2", option: "--shard-port" },
  ]);
});

it.each([
  ["is used again by a directory that was made with it", null, 3, 3],
  ["may be named again", 3, 3, 3],
  ["is not made up", null, null, null],
  ["of a new directory is the one asked for", 4, null, 4],
])("the number of shards %s", (_name, shards, asked, expected) => {
  const layout =
    asked === null ? null : { shards: ["a"], asked, storage: EMBEDDED_STORAGE, former: new Map(), isCreated: true };
  expect(withOwnShards({ ...options, shards }, layout).shards).toBe(expected);
});

it("shards beyond the last port are refused with the option that moves them", () => {
  expect(() => localConfiguration(file, { shards: null, shardPort: 65_535 })).toThrow(
    /^port 65536 for shard-2 is above 65535; choose a lower --shard-port$/,
  );
  expect(() => localConfiguration(file, { shards: 2, shardPort: 65_534 })).not.toThrow();
});

it("a fault that only this machine's configuration has is told with all its lines", () => {
  const text = file.text.replace('start = "m" #', 'start = "n" #');
  const make = () => localConfiguration({ ...file, text }, options);
  expect(make).toThrow(CliFailure);
  expect(make).toThrow(/is not valid:\n {2}collections\[0\]\.map\[1\]: /);
});
