// What a data directory must be before an instance may use it. It must not start a part.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_CONFIG, localConfiguration, readConfiguration } from "../../../cli/configuration.ts";
import { createDataDirectory, type DataDirectory, dataDirectory } from "../../../cli/data-directory.ts";
import {
  completeLayout,
  parseLayout,
  readLayout,
  refuseForeign,
  settleLayout,
} from "../../../cli/supervisor/layout.ts";
import { prepareInstance } from "../../../cli/supervisor/preparation.ts";
import { findFreePorts } from "../../e2e/free-ports.ts";

const TWO = { shards: ["shard-1", "shard-2"], asked: null };
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
    expect(readLayout(directory)).toEqual({ ...TWO, isCreated: false });
    settleLayout(directory, TWO);
    completeLayout(directory);
    expect(readLayout(directory)).toEqual({ ...TWO, isCreated: true });
    expect(() => settleLayout(directory, TWO)).toThrow("is missing");
  });

  it("is never given a new one by a start", async () => {
    const port = await findFreePorts(3);
    const shardPort = port + 1;
    const options = { ...{ port, shardPort, data: directory.root, workers: 1, shards: null }, withSample: false };
    const local = localConfiguration(readConfiguration(DEFAULT_CONFIG), options);
    const preparation = { directory, local, options: { ...options, config: DEFAULT_CONFIG } };
    createDataDirectory(directory);
    expect(await prepareInstance(preparation, PROGRESS)).toEqual([]);
    const file = readFileSync(DEFAULT_CONFIG, "utf8").replaceAll(/"m"( #|$)/gm, '"n"$1');
    writeFileSync(join(directory.root, "other.toml"), file);
    const other = localConfiguration(readConfiguration(join(directory.root, "other.toml")), options);
    expect(await prepareInstance({ ...preparation, local: other }, PROGRESS)).toEqual([
      "products: the catalog's map (version 1) is used, not zgate.toml's",
    ]);
    rmSync(directory.catalog);
    await expect(prepareInstance(preparation, PROGRESS)).rejects.toThrow("is missing");
    expect(existsSync(directory.catalog)).toBe(false);
  });
});

describe("a directory that was made for other shards", () => {
  const three = ["shard-1", "shard-2", "shard-3"];

  it.each([
    {
      name: "one more in the configuration",
      made: TWO.shards,
      wanted: { shards: three, asked: null },
      message:
        /with 2 shards \(shard-1, shard-2\), not with 3 .*: shards cannot be added to an existing directory yet$/,
      hint: "take shard-3 out of the configuration, or start a new directory with --data DIR",
    },
    {
      name: "a larger number asked for",
      made: TWO.shards,
      wanted: { shards: three, asked: 3 },
      message: /shards cannot be added/,
      hint: "leave out --shards, or start a new directory with --data DIR",
    },
    {
      name: "fewer",
      made: three,
      wanted: TWO,
      message: /with 3 shards .*, not with 2 .*: its keys belong to those shards$/,
      hint: "start it with --shards 3, or start a new directory with --data DIR",
    },
    {
      name: "other names",
      made: ["a", "b"],
      wanted: TWO,
      message: /its keys belong to those shards$/,
      hint: "configure those shards again, or start a new directory with --data DIR",
    },
  ])("is refused with what can be done: $name", ({ made, wanted, message, hint }) => {
    writeFileSync(directory.layout, JSON.stringify({ shards: made }));
    put("catalog.db");
    expect(failureOf(() => settleLayout(directory, wanted))).toMatchObject({
      message: expect.stringMatching(message),
      hint,
      exitCode: 2,
    });
  });
});

it.each([
  [null, null],
  [{}, null],
  [{ shards: [1] }, null],
  [{ shards: ["a", "b"] }, { shards: ["a", "b"], asked: null, isCreated: true }],
  [
    { shards: ["a"], asked: 1, created: false },
    { shards: ["a"], asked: 1, isCreated: false },
  ],
])("the layout %j is read as %j", (fields, expected) => {
  expect(parseLayout(fields)).toEqual(expected);
});
