// What operators' commands share: moves by the beginning of their id, changes beside a busy runner, versions of a map, settings.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_CONFIG } from "../../../cli/configuration.ts";
import { createDataDirectory, dataDirectory } from "../../../cli/data-directory.ts";
import { demandVersions, differenceLines, differenceOf } from "../../../cli/map-history.ts";
import { changeMove, findMove } from "../../../cli/moves/find-move.ts";
import { byteRate, durationOrNothingMs, rowRate } from "../../../cli/option-values.ts";
import { writeInstance } from "../../../cli/supervisor/instance-file.ts";
import { holdDirectory } from "../../../cli/supervisor/lock.ts";
import type { CollectionName } from "../../../router/ids.ts";
import type { Catalog } from "../../../shards/catalog/port.ts";
import { author, mapOf, moveOf, SHARD_1, SHARD_2 } from "../../contract/catalog-fixture.ts";
import { runCaptured } from "./captured-program.ts";
import { openTestCatalog } from "./test-catalog.ts";

let directory: string;
let catalog: Catalog;

beforeEach(async () => {
  const opened = await openTestCatalog(mapOf(1));
  ({ directory, catalog } = opened);
  return opened.dispose;
});

const GOODS = "goods" as CollectionName;

const IDS = ["1f3a0000", "1f3b0000", "aa000000"].map((first) => `${first}-0000-4000-8000-000000000000`);

async function startMoves(): Promise<void> {
  for (const [index, id] of IDS.entries()) {
    const begin = String.fromCodePoint(97 + index);
    await catalog.createMove({ ...moveOf(begin, `${begin}z`), id }, author());
  }
}

describe("findMove", () => {
  beforeEach(startMoves);

  it.each([
    ["a unique beginning", "1f3b", IDS[1]],
    ["one symbol", "a", IDS[2]],
    ["the whole id", IDS[0] ?? "", IDS[0]],
    ["capital letters", "1F3A", IDS[0]],
  ])("finds a move by %s", async (_name, text, id) => {
    expect((await findMove(catalog, text)).id).toBe(id);
  });

  it.each([
    ["a beginning of two", "1f3", `2 moves begin with 1f3: ${IDS[1]}, ${IDS[0]}`],
    ["a beginning of none", "bb", "there is no move bb"],
    ["another whole id", "bb000000-0000-4000-8000-000000000000", "there is no move"],
    ["what is no id", "products", "expected the id of a move"],
    ["nothing", "", "expected the id of a move"],
  ])("refuses %s", async (_name, text, says) => {
    await expect(findMove(catalog, text)).rejects.toThrow(says);
  });

  it("looks through more moves than fit on a page", async () => {
    for (let index = 0; index < 120; index += 1) {
      const { id } = { id: `cc${String(index).padStart(6, "0")}-0000-4000-8000-000000000000` };
      await catalog.createMove({ ...moveOf("m", "n"), id }, author());
      await catalog.updateMove(id, { expectedRevision: 1, state: "done" }, author());
    }
    expect((await findMove(catalog, "1f3a")).id).toBe(IDS[0]);
  });
});

describe("changeMove", () => {
  it("succeeds beside a runner that writes its progress all the time", async () => {
    await startMoves();
    const [id = ""] = IDS;
    let writes = 0;
    const busy: Pick<Catalog, "move" | "moves" | "updateMove"> = {
      moves: (collection, page) => catalog.moves(collection, page),
      updateMove: (asked, change, by) => catalog.updateMove(asked, change, by),
      move: async (asked) => {
        const move = await catalog.move(asked);
        if (move !== null && writes < 3) {
          writes += 1;
          await catalog.updateMove(asked, { expectedRevision: move.revision, progress: `${writes}` }, author());
        }
        return move;
      },
    };
    const changed = await changeMove({ catalog: busy, author }, id, () => ({ state: "aborting" }));
    expect(changed).toMatchObject({ state: "aborting", progress: "3" });
  });
});

describe("the difference of two maps", () => {
  it("names ranges that changed hands, joined over cuts, and the cuts", () => {
    const before = mapOf(1);
    const ranges = [
      { start: "", end: "c", shard: SHARD_1 },
      { start: "c", end: "f", shard: SHARD_2 },
      { start: "f", end: "t", shard: SHARD_2 },
      { start: "t", end: null, shard: SHARD_1 },
    ];
    const difference = differenceOf(before, { ...mapOf(2), ranges });
    expect(difference).toMatchObject({
      versions: [1, 2],
      changes: [
        { start: "c", end: "m", from: SHARD_1, to: SHARD_2 },
        { start: "t", end: null, from: SHARD_2, to: SHARD_1 },
      ],
      cuts: ["c", "f", "t"],
      joins: ["m"],
    });
    expect(differenceLines(difference)).toEqual([
      "products, map version 1 -> 2",
      '  ["c", "m") from shard-1 to shard-2',
      '  ["t", ∞) from shard-2 to shard-1',
      ...["c", "f", "t"].map((at) => `  a range begins at "${at}"`),
      '  no range begins at "m" any more',
    ]);
    expect(differenceLines(differenceOf(before, before))).toEqual(["products, map version 1 -> 1: no difference"]);
  });
});

describe("map diff", () => {
  const run = (...args: readonly string[]) => runCaptured("map", ...args, "--data", directory);

  beforeEach(async () => {
    await catalog.publish(mapOf(2, "n"), author());
  });

  it("says what --diff says", async () => {
    const { code, lines } = await run("diff", "products", "1", "2");
    expect([code, lines[1]]).toEqual([0, '  ["m", "n") from shard-2 to shard-1']);
    expect((await run("products", "--diff", "1", "2")).lines).toEqual(lines);
    expect((await run("diff", "products", "1", "2", "--json")).lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ versions: [1, 2] }),
    ]);
  });

  it("leaves a collection of that name to be looked at", async () => {
    for (const more of [[], ["--history"], ["--diff", "1", "2"]]) {
      const { code, notes } = await run("diff", ...more);
      expect([code, notes[0]]).toEqual([1, 'zgate: there is no collection "diff"']);
    }
  });

  it.each([
    ["a version too little", ["diff", "products", "1"]],
    ["a version too much", ["diff", "products", "1", "2", "3"]],
    ["two collections", ["products", "carts"]],
    ["versions twice", ["diff", "products", "1", "2", "--diff", "1", "2"]],
    ["a difference and all versions", ["diff", "products", "1", "2", "--history"]],
  ])("refuses %s, and says what it expected", async (_name, args) => {
    const { code, notes } = await run(...args);
    const words = "expected one collection, or `zgate map diff <collection> <version> <version>`, got";
    expect([code, notes[0]]).toEqual([2, expect.stringContaining(words)]);
  });

  it("refuses what is no collection's name", async () => {
    const { code, notes } = await run("diff", "Products", "1", "2");
    expect([code, notes[0]]).toEqual([2, expect.stringContaining("expected a collection name")]);
  });
});

describe("map and route with --config", () => {
  const file = () => join(directory, "other.toml");

  beforeEach(async () => {
    const shipped = readFileSync(DEFAULT_CONFIG, "utf8");
    writeFileSync(file(), shipped.replaceAll('"products"', '"goods"'));
    for (const map of [mapOf(1, "m", GOODS), mapOf(2, "n", GOODS)]) {
      await (map.version === 1 ? catalog.create(map, author()) : catalog.publish(map, author()));
    }
  });

  it.each([
    ["the map", ["map", "goods"], "goods, map version 2"],
    ["its versions", ["map", "goods", "--history"], /^version +ranges/],
    ["a difference", ["map", "goods", "--diff", "1", "2"], "goods, map version 1 -> 2"],
    ["a difference by its verb", ["map", "diff", "goods", "1", "2"], "goods, map version 1 -> 2"],
    ["a route", ["route", "goods", "react"], /"react"/],
  ] as const)("show %s of a collection that only the file has", async (_name, args, says) => {
    const { code, lines, notes } = await runCaptured(...args, "--data", directory, "--config", file());
    expect([code, notes, lines[0]]).toEqual([0, [], expect.stringMatching(says)]);
    const without = await runCaptured(...args, "--data", directory);
    expect([without.code, without.notes[0]]).toEqual([1, 'zgate: there is no collection "goods"']);
  });

  it("say so where there is no such file", async () => {
    const { code, notes } = await runCaptured("map", "products", "--data", directory, "--config", join(directory, "x"));
    expect([code, notes[0]]).toEqual([1, expect.stringContaining("cannot read the configuration")]);
  });
});

describe("values of options", () => {
  it.each([
    [rowRate, "500", 500],
    [rowRate, "500/s", 500],
    [rowRate, "none", "none"],
    [byteRate, "4MiB/s", 4_194_304],
    [byteRate, "none", "none"],
    [durationOrNothingMs, "0s", 0],
    [durationOrNothingMs, "24h", 86_400_000],
  ])("%o takes %s", (parse, text, value) => expect(parse(text)).toBe(value));

  it.each([
    [rowRate, "0"],
    [rowRate, "-1"],
    [rowRate, "fast"],
    [byteRate, "0B"],
    [byteRate, "500"],
    [durationOrNothingMs, "10ms"],
  ])("%o refuses %s", (parse, text) => expect(() => parse(text)).toThrow("Expected"));
});

describe("a version of a map", () => {
  it.each(["x", "1.5", "0", "-1", ""])("is refused as it was typed: %j", async (text) => {
    const { collection } = mapOf(1);
    const said = text === "0" ? "got 0" : `got ${JSON.stringify(text)}`;
    await expect(demandVersions({ catalog }, collection, ["1", text])).rejects.toThrow(said);
  });
});

describe("an operator's command where no instance ever ran", () => {
  it.each([["moves"], ["doctor"], ["verify", "products"], ["map", "products", "--history"]])(
    "says so: %s",
    async (...args) => {
      const { code, notes } = await runCaptured(...args, "--data", join(directory, "nowhere"));
      expect([code, notes[0]]).toEqual([1, expect.stringContaining("no instance is running in")]);
    },
  );
});

describe("an operator's command where the catalog's file is gone", () => {
  const commands = [
    ["moves"],
    ["doctor"],
    ["verify", "products"],
    ["map", "products"],
    ["map", "products", "--history"],
  ];
  const layout = (fields: object): void => writeFileSync(join(home, "layout.json"), JSON.stringify(fields));
  const SHARDS = ["shard-1", "shard-2"];
  let home: string;

  beforeEach(() => {
    home = join(directory, "home");
    mkdirSync(join(home, "shard-1"), { recursive: true });
  });

  it.each(commands)("says so as `zgate up` does, and what to do: %s %s %s", async (...args) => {
    layout({ shards: SHARDS });
    const { code, notes } = await runCaptured(...args.filter((arg) => arg !== undefined), "--data", home);
    expect([code, notes[0]]).toEqual([1, expect.stringMatching(/^zgate: the catalog .*catalog\.db is missing$/)]);
    expect(notes[1]).toContain("restore it from the backup (docs/operations.md)");
  });

  it("says so where only a store is left", async () => {
    writeFileSync(join(home, "shard-1", "store.db"), "");
    expect((await runCaptured("moves", "--data", home)).notes[0]).toContain("catalog.db is missing");
  });

  it("says so where an instance runs, whatever else is gone", async () => {
    const running = dataDirectory(home);
    createDataDirectory(running);
    const lock = holdDirectory(running);
    const startedAt = "2026-01-01T00:00:00.000Z";
    writeInstance(running, { url: "http://127.0.0.1:1", pid: process.pid, ports: {}, engines: {}, startedAt });
    const { notes } = await runCaptured("moves", "--data", home);
    lock.release();
    expect(notes[0]).toContain("catalog.db is missing");
  });

  it.each([
    ["whose first start did not get so far", { shards: SHARDS, created: false }],
    ["whose catalog is elsewhere", { shards: SHARDS, stores: {}, catalog: "configured" }],
  ])("does not say so of a directory %s", async (_name, fields) => {
    layout(fields);
    expect((await runCaptured("moves", "--data", home)).notes[0]).toContain("no instance is running in");
  });
});
