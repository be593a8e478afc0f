// Which shards a start may add to its directory or leave out, with a real catalog. It must not start a shard.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  DEFAULT_CONFIG,
  type LocalConfiguration,
  localConfiguration,
  readConfiguration,
} from "../../../cli/configuration.ts";
import { type DataDirectory, dataDirectory } from "../../../cli/data-directory.ts";
import { stepsToAdd, stepsToRemove } from "../../../cli/shards/configure-steps.ts";
import { EMBEDDED_STORAGE } from "../../../cli/storage-choice.ts";
import { type Layout, readLayout } from "../../../cli/supervisor/layout.ts";
import { checkShardChanges, describeShardChanges, type ShardsWanted } from "../../../cli/supervisor/shard-changes.ts";
import { leftOutNote } from "../../../cli/supervisor/up-options.ts";
import type { ShardId } from "../../../router/ids.ts";
import { FIRST_OWNER, NEVER_HELD } from "../../../router/ownership.ts";
import type { SlotReport } from "../../../router/ownership-wire.ts";
import type { Catalog } from "../../../shards/catalog/port.ts";
import { createSqliteCatalog } from "../../../shards/catalog/sqlite-catalog.ts";
import { author, CARTS, mapOf, moveOf, SHARD_1, SHARD_2 } from "../../contract/catalog-fixture.ts";
import { makeDirectory, removeDirectory } from "../../contract/temporary-directory.ts";

let directory: DataDirectory;
let catalog: Catalog;

beforeEach(async () => {
  directory = dataDirectory(makeDirectory());
  catalog = await createSqliteCatalog({ file: directory.catalog });
});

afterEach(async () => {
  await catalog.close();
  removeDirectory(directory.root);
});

/** The shipped configuration of so many shards, as `up` makes it. */
const localOf = (shards: number | null): LocalConfiguration =>
  localConfiguration(readConfiguration(DEFAULT_CONFIG), { shards, shardPort: 9001 });

const NO_SLOTS = { slots: () => Promise.resolve([]) };

/** A start with so many shards on a directory that `made` was written into. */
function start(shards: number | null, made: object | null, slots: readonly SlotReport[] = []): ShardsWanted {
  if (made !== null) writeFileSync(directory.layout, JSON.stringify(made));
  const leaving = slots.length === 0 ? NO_SLOTS : { slots: () => Promise.resolve(slots) };
  return { directory, local: localOf(shards), storage: EMBEDDED_STORAGE, asked: shards, leaving };
}

const TWO = { shards: ["shard-1", "shard-2"] };
const THREE = { shards: ["shard-1", "shard-2", "shard-3"] };

async function refusal(wanted: ShardsWanted): Promise<unknown> {
  return checkShardChanges(wanted, catalog).then(
    () => null,
    (error: unknown) => error,
  );
}

describe("a shard more", () => {
  beforeEach(() => catalog.create(mapOf(1), author()));

  it("is added, and told to own nothing", async () => {
    const wanted = start(3, TWO);
    const changes = await checkShardChanges(wanted, catalog);
    expect(changes).toEqual({ added: ["shard-3"], removed: [] });
    expect(describeShardChanges(changes, wanted, [mapOf(1)])).toEqual([
      "shard-3 is new and owns nothing yet: zgate move products --start KEY --end KEY --to shard-3",
    ]);
  });

  it("is not news where a collection that is just as new gives it a range", async () => {
    const ranges = [{ start: "", end: null, shard: "shard-3" as ShardId }];
    const maps = [mapOf(1), { ...mapOf(1, "m", CARTS), ranges }];
    expect(describeShardChanges({ added: ["shard-3" as ShardId], removed: [] }, start(3, TWO), maps)).toEqual([]);
  });

  it("is not news before the directory's first start has got anywhere", async () => {
    const changes = await checkShardChanges(start(3, { ...TWO, created: false }), catalog);
    expect(changes.added).toEqual([]);
  });
});

describe("a shard less", () => {
  const held = (...slots: readonly string[]): readonly SlotReport[] =>
    slots.map((slot) => ({ slot, ownership: FIRST_OWNER }) as SlotReport);

  it.each([
    {
      name: "that a map names",
      given: () => catalog.create(mapOf(1), author()),
      slots: [],
      says: 'shard-2: products: the map gives it ["m", ∞)',
    },
    {
      name: "that holds slots no map knows of",
      given: () => Promise.resolve(),
      slots: held("a", "b"),
      says: "shard-2: products: it holds 2 slots",
    },
    {
      name: "that a move is on its way to",
      given: async () => {
        const ranges = [{ start: "", end: null, shard: SHARD_1 }];
        await catalog.create({ ...mapOf(1), ranges }, author());
        await catalog.createMove(moveOf("a", "b"), author());
      },
      slots: [],
      says: /shard-2: products: move \w+ from shard-1 to shard-2 is running/,
    },
  ])("$name is refused", async ({ given, slots, says }) => {
    await given();
    expect(await refusal(start(1, TWO, slots))).toMatchObject({
      message: expect.stringMatching(/^shard-2 would be left out, and is still needed:\n/),
      hint: "leave out --shards, and empty it first: `zgate shard drain shard-2 --wait`",
      exitCode: 3,
    });
    expect(await refusal(start(1, TWO, slots))).toMatchObject({
      message: typeof says === "string" ? expect.stringContaining(says) : expect.stringMatching(says),
    });
  });

  it("is refused without a layout, too, by the maps", async () => {
    await catalog.create(mapOf(1), author());
    expect(await refusal(start(1, null))).toMatchObject({ message: expect.stringContaining("shard-2 would be left") });
  });

  it.each([
    ["the number that it was made with", { ...TWO, asked: 2 }, 1, SHARD_2, "start with --shards 2"],
    ["its configuration", { shards: ["shard-1", "shard-2", "eu-1"] }, null, "eu-1", "configure the shard again"],
  ])("is refused with the way back to %s", async (_name, made, shards, holder, way) => {
    await catalog.create({ ...mapOf(1), ranges: [{ start: "", end: null, shard: holder as ShardId }] }, author());
    const hint = `${way}, and empty it first: \`zgate shard drain ${holder} --wait\``;
    expect(await refusal(start(shards, made))).toMatchObject({ hint });
  });

  it("that owns nothing is left out, and its store stays", async () => {
    await catalog.create(mapOf(1), author());
    const file = join(directory.root, "shard-3", "store.db");
    mkdirSync(dirname(file));
    writeFileSync(file, "");
    const gone = { slot: "a", ownership: { ...NEVER_HELD, state: "GONE", epoch: 3, to: SHARD_2 } } as SlotReport;
    const wanted = start(2, THREE, [gone]);
    const changes = await checkShardChanges(wanted, catalog);
    expect(changes).toEqual({ added: [], removed: ["shard-3"] });
    expect(describeShardChanges(changes, wanted, [mapOf(1)])).toEqual([
      `shard-3 is left out: nothing depends on it any more; its store stays in ${dirname(file)}`,
    ]);
    expect(readLayout(directory)?.shards, "nothing was changed").toEqual(THREE.shards);
  });
});

describe("a shard of the file that a remembered number leaves out", () => {
  const file = readConfiguration(DEFAULT_CONFIG);
  const asked = { shards: null } as Parameters<typeof leftOutNote>[0];

  it("is told, with the number that adds it", () => {
    expect(leftOutNote(asked, file, localOf(1))).toBe(
      "the configuration's shard-2 is not used: this directory was made with --shards 1; --shards 2 adds it",
    );
  });

  it("is not told when all run, or when the number was given just now", () => {
    expect(leftOutNote(asked, file, localOf(null))).toBeNull();
    expect(leftOutNote(asked, file, localOf(5))).toBeNull();
    expect(leftOutNote({ ...asked, shards: 1 }, file, localOf(1))).toBeNull();
  });
});

describe("the steps", () => {
  const layoutOf = (more: Partial<Layout> = {}): Layout => ({
    ...{ shards: TWO.shards, asked: null, storage: EMBEDDED_STORAGE, former: new Map(), isCreated: true },
    ...more,
  });
  const NEW = "shard-3" as ShardId;
  const { config } = localOf(2);
  const added = (layout: Layout | null, shard = NEW): string => stepsToAdd({ config, layout }, shard).join("\n");
  const removed = (layout: Layout | null, shard = SHARD_2): string =>
    stepsToRemove({ config, layout }, shard).join("\n");

  it("to a shard more by hand go by the file, to everybody", () => {
    expect(added(null)).toMatch(
      /1\. Add to zgate.toml, the same text[^]*HOST:PORT[^]*2\. With Cassandra[^]*3\. Give the/,
    );
  });

  it("to a shard more of a local instance are the file, with a port that is free in it, and a start", () => {
    const text = added(layoutOf());
    expect(text).toMatch(/1\. Add[^]*id = "shard-3"\n {3}origins = \["http:\/\/127\.0\.0\.1:9003"\]/);
    expect(text).toContain("\n2. Stop the instance, and start it again as before: shard-3 is started with");
    expect(text).not.toContain("schema apply");
    expect(
      added(layoutOf({ storage: { ...EMBEDDED_STORAGE, stores: new Map([["shard-1", "configured"]]) } })),
    ).toContain("schema apply");
  });

  it("to a shard more of an instance that was made with a number are a larger number", () => {
    const text = added(layoutOf({ asked: 2 }));
    expect(text).toMatch(/^1\. Stop the instance, and start it again as before, with --shards 3: shard-3 is/);
    expect(text).not.toContain("[[shards]]");
    expect(added(layoutOf({ asked: 2 }), "eu-1" as ShardId)).toMatch(/1\. Add to[^]*2\. .* with --shards 3: eu-1/);
  });

  it("to a shard less say what to take out, and to keep its store", () => {
    expect(removed(null)).toMatch(
      /^nothing depends on shard-2[^]*1\. Take[^]*2\. Give the new[^]*3\. Stop shard-2\. Keep/,
    );
    expect(removed(layoutOf())).toMatch(
      /1\. Take[^]*first maps of products, carts[^]*2\. Stop the instance[^]*3\. Keep/,
    );
    expect(removed(layoutOf({ asked: 2 }))).toMatch(
      /\n1\. Stop the instance, .*, with --shards 1: shard-2[^]*2\. Keep/,
    );
    expect(removed(layoutOf({ asked: 2 }), SHARD_1)).toMatch(/1\. Take[^]*2\. Stop .* with --shards 1: shard-1/);
  });
});
