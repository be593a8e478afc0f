// A shard and a silent catalog: who may serve without it, who must not, and what happens when it comes back.
import { describe, expect, test } from "vitest";
import { type CollectionConfig, parseConfig } from "../../../config/config.ts";
import type { CollectionName, ShardId } from "../../../router/ids.ts";
import { CatalogError } from "../../../shards/catalog/port.ts";
import { parseStanding, settleStanding, standAtStart } from "../../../shards/standing.ts";
import { StoreError } from "../../../shards/store/port.ts";

const CONFIG = `
[[collections]]
name = "products"
kind = "range"
map = [{ start = "", shard = "shard-1" }]
[[collections]]
name = "carts"
kind = "hash"
map = [{ start = "", shard = "shard-1" }]
[[shards]]
id = "shard-1"
origins = ["http://127.0.0.1:1"]
`;

const COLLECTIONS: readonly CollectionConfig[] = [...parseConfig(CONFIG, "zgate.toml").collections.values()];

interface World {
  /** Collections that the store holds slots of. */
  readonly held: readonly string[];
  /** Collections whose claim the catalog remembers. */
  readonly claimed?: readonly string[];
  /** How many questions the catalog leaves unanswered. */
  readonly silentFor?: number;
}

function createWorld({ held, claimed = [], silentFor = 0 }: World) {
  const scene = { silentFor, events: [] as string[], slept: [] as number[] };
  const ask = <Answer>(answer: Answer): Promise<Answer> => {
    if (scene.silentFor <= 0) return Promise.resolve(answer);
    scene.silentFor -= 1;
    return Promise.reject(new CatalogError("nobody answers"));
  };
  const mapOf = (name: CollectionName) => COLLECTIONS.find((entry) => entry.name === name)?.initialMap ?? null;
  const context = {
    shard: "shard-1" as ShardId,
    store: {
      claimFirst: async (name: CollectionName, slots: readonly unknown[]) => {
        scene.events.push(`claim ${name}`);
        return { kind: "claimed", slots: slots.length } as const;
      },
      hasHeld: async (name: CollectionName) => held.includes(name),
    },
    catalog: {
      version: (name: CollectionName) => ask(mapOf(name)),
      hasClaimed: (name: CollectionName) => ask(claimed.includes(name)),
      recordClaim: (name: CollectionName) => ask(void scene.events.push(`record ${name}`)),
    },
    clock: {
      nowMs: () => 0,
      sleep: async (durationMs: number) => {
        scene.slept.push(durationMs);
      },
    },
    log: (level: string, event: string) => void scene.events.push(`${level} ${event}`),
  };
  return { scene, context };
}

const ALWAYS = Number.POSITIVE_INFINITY;

describe("a shard that starts while the catalog is silent", () => {
  test("serves what its store holds, and claims nothing", async () => {
    const { scene, context } = createWorld({ held: ["products", "carts"], silentFor: ALWAYS });
    expect(await standAtStart(context, COLLECTIONS)).toEqual({ lost: [], unsettled: [], isSettled: false });
    expect(scene.events).toEqual(["warn catalog-silent"]);
  });

  test("says which collections only the catalog could tell about", async () => {
    const { context } = createWorld({ held: ["products"], silentFor: ALWAYS });
    expect(await standAtStart(context, COLLECTIONS)).toEqual({ lost: [], unsettled: ["carts"], isSettled: false });
  });

  test("does not start when its store holds nothing: it may be new, or lost", async () => {
    const { scene, context } = createWorld({ held: [], silentFor: ALWAYS });
    await expect(standAtStart(context, COLLECTIONS)).rejects.toMatchObject({
      code: "CATALOG_UNUSABLE",
      message: expect.stringMatching(/does not answer, and the store holds no slots yet: .* \(nobody answers\)$/),
    });
    expect(scene.events).toEqual([]);
  });
});

describe("a store that is slow at the start", () => {
  const slow = (world: ReturnType<typeof createWorld>, times: number, kind: "unknown" | "full" = "unknown") => {
    let left = times;
    const claimFirst = async () => {
      left -= 1;
      if (left >= 0) throw new StoreError(kind, "no reply in time");
      return { kind: "claimed", slots: 1 } as const;
    };
    let nowMs = 0;
    const clock = {
      nowMs: () => nowMs,
      sleep: async (durationMs: number) => {
        nowMs += durationMs;
      },
    };
    return { ...world.context, clock, store: { ...world.context.store, claimFirst } };
  };

  test("is claimed again until it has answered", async () => {
    const world = createWorld({ held: [] });
    expect(await standAtStart(slow(world, 3), COLLECTIONS)).toMatchObject({ isSettled: true });
    expect(world.scene.events.filter((event) => event === "warn store-slow")).toHaveLength(3);
  });

  test("is given up after a minute", async () => {
    const refusal = standAtStart(slow(createWorld({ held: [] }), ALWAYS), COLLECTIONS);
    await expect(refusal).rejects.toMatchObject({
      code: "STORE_UNREACHABLE",
      message: expect.stringContaining("no reply in time"),
    });
  });

  test("is not waited for when it is full", async () => {
    await expect(standAtStart(slow(createWorld({ held: [] }), 1, "full"), COLLECTIONS)).rejects.toThrow(StoreError);
  });
});

test("a shard that starts while the catalog answers is settled at once", async () => {
  const { scene, context } = createWorld({ held: [] });
  expect(await standAtStart(context, COLLECTIONS)).toEqual({ lost: [], unsettled: [], isSettled: true });
  expect(scene.events).toContain("record products");
});

describe("when the catalog comes back", () => {
  test("what was put off is done, after longer and longer pauses of at most half a minute", async () => {
    const { scene, context } = createWorld({ held: ["products"], claimed: ["products"], silentFor: 7 });
    const standing = await settleStanding(context, COLLECTIONS, new AbortController().signal);
    expect(standing).toEqual({ lost: [], unsettled: [] });
    expect(scene.slept).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    expect(scene.events.slice(-4)).toEqual(["claim carts", "record carts", "info slots-claimed", "info catalog-back"]);
  });

  test("a collection that was claimed once and is not there is reported lost", async () => {
    const { context } = createWorld({ held: ["products"], claimed: ["products", "carts"] });
    const standing = await settleStanding(context, COLLECTIONS, new AbortController().signal);
    expect(standing).toEqual({ lost: ["carts"], unsettled: [] });
  });

  test("another catalog ends the shard", async () => {
    const { context } = createWorld({ held: ["products"] });
    const others = async () => ({ kind: "others-held", heldSlots: 7 }) as const;
    const other = { ...context, store: { ...context.store, claimFirst: others } };
    await expect(settleStanding(other, COLLECTIONS, new AbortController().signal)).rejects.toMatchObject({
      code: "CATALOG_LOST",
    });
  });

  test("a fault of the program is no silence: it comes out at once", async () => {
    const { scene, context } = createWorld({ held: ["products"] });
    const faulty = {
      ...context,
      catalog: { ...context.catalog, version: () => Promise.reject(new TypeError("oops")) },
    };
    await expect(settleStanding(faulty, COLLECTIONS, new AbortController().signal)).rejects.toThrow(TypeError);
    expect(scene.slept).toEqual([1000]);
  });

  test("a store that does not answer is asked again", async () => {
    const { scene, context } = createWorld({ held: ["products"], claimed: ["products", "carts"] });
    let isSilent = true;
    const version = (name: CollectionName) => {
      if (!isSilent) return context.catalog.version(name);
      isSilent = false;
      return Promise.reject(new StoreError("unavailable", "no quorum"));
    };
    const slow = { ...context, catalog: { ...context.catalog, version } };
    expect(await settleStanding(slow, COLLECTIONS, new AbortController().signal)).toMatchObject({ unsettled: [] });
    expect(scene.slept).toEqual([1000, 2000]);
  });

  test("a shard that stops asks no more", async () => {
    const { context } = createWorld({ held: ["products"], silentFor: ALWAYS });
    expect(await settleStanding(context, COLLECTIONS, AbortSignal.abort())).toBeNull();
  });
});

test.each([
  [null, { lost: [], unsettled: [] }],
  [
    { lost: ["a"], unsettled: ["b", 1] },
    { lost: ["a"], unsettled: ["b"] },
  ],
  [{ lost: "a" }, { lost: [], unsettled: [] }],
])("%j between processes is read as %j", (input, expected) => {
  expect(parseStanding(input)).toEqual(expected);
});
