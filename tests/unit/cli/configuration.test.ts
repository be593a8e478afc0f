// What `up` makes of the configuration file. It must not touch a data directory.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterAll, describe, expect, it } from "vitest";
import { DEFAULT_CONFIG, localConfiguration, localIssuer, readConfiguration } from "../../../cli/configuration.ts";
import { CliFailure } from "../../../cli/failure.ts";
import { plainToml } from "../../../cli/supervisor/edge-part.ts";
import { shardPlans, wantedPorts, withOwnShards } from "../../../cli/supervisor/up-options.ts";

const folder = mkdtempSync(join(tmpdir(), "zgate-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = readConfiguration(DEFAULT_CONFIG);
const options = {
  ...{ port: 9000, data: "", workers: null, withSample: true, config: DEFAULT_CONFIG },
  ...{ shards: null, shardPort: 9001 },
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
  const layout = asked === null ? null : { shards: ["a"], asked, isCreated: true };
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
