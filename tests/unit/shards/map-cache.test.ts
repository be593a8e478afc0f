// The map cache: how often it asks, and what it says while the catalog is down.
import { expect, test } from "vitest";
import type { CollectionName, MapVersion } from "../../../router/ids.ts";
import type { ShardMap } from "../../../router/shard-map.ts";
import { createMapCache } from "../../../shards/map-cache.ts";

const COLLECTION = "products" as CollectionName;
const mapOf = (version: number): ShardMap => ({
  collection: COLLECTION,
  version: version as MapVersion,
  parent: version - 1,
  ranges: [],
});

function createScene() {
  const scene = { nowMs: 0, asked: 0, answer: mapOf(1) as ShardMap | null | Error, isSilent: false, logged: 0 };
  const catalog = {
    current: async () => {
      scene.asked += 1;
      if (scene.isSilent) await new Promise(() => undefined);
      if (scene.answer instanceof Error) throw scene.answer;
      return scene.answer;
    },
  };
  let wake: () => void = () => undefined;
  const patience = new Promise<void>((settle) => {
    wake = settle;
  });
  const clock = { nowMs: () => scene.nowMs, sleep: () => patience };
  const cache = createMapCache({ catalog, clock, log: () => (scene.logged += 1) });
  return {
    /** Whoever waits for the catalog has waited long enough. */
    losePatience: () => wake(),
    scene,
    versionNow: async () => (await cache.current(COLLECTION))?.version ?? null,
  };
}

test("asks once a second, in one flight", async () => {
  const { scene, versionNow } = createScene();
  expect(await Promise.all([versionNow(), versionNow(), versionNow()])).toEqual([1, 1, 1]);
  scene.answer = mapOf(2);
  scene.nowMs = 999;
  expect(await versionNow()).toBe(1);
  scene.nowMs = 1000;
  expect(await versionNow()).toBe(2);
  expect(scene.asked).toBe(2);
});

test("keeps the last good map while the catalog is down, and says so once a second", async () => {
  const { scene, versionNow } = createScene();
  expect(await versionNow()).toBe(1);
  scene.answer = new Error("disk");
  for (const nowMs of [1000, 1500, 2000]) {
    scene.nowMs = nowMs;
    expect(await versionNow()).toBe(1);
  }
  expect(scene.logged).toBe(2);
});

test("never goes back, nor forgets", async () => {
  const { scene, versionNow } = createScene();
  scene.answer = mapOf(3);
  expect(await versionNow()).toBe(3);
  scene.nowMs = 1000;
  scene.answer = mapOf(2);
  expect(await versionNow()).toBe(3);
  scene.nowMs = 2000;
  scene.answer = null;
  expect(await versionNow()).toBe(3);
});

test("no map is no map, and is asked for again", async () => {
  const { scene, versionNow } = createScene();
  scene.answer = null;
  expect(await versionNow()).toBeNull();
  scene.nowMs = 1000;
  scene.answer = mapOf(1);
  expect(await versionNow()).toBe(1);
});

test("a catalog that is silent costs a moment's wait, however long it lasts, and one question", async () => {
  const { scene, versionNow, losePatience } = createScene();
  expect(await versionNow()).toBe(1);
  scene.isSilent = true;
  losePatience();
  for (let second = 1; second <= 100; second += 1) {
    scene.nowMs = second * 1000;
    expect(await versionNow()).toBe(1);
  }
  expect(scene.asked).toBe(2);
});

test("a catalog that has been silent from the start gives no map, soon", async () => {
  const { scene, versionNow, losePatience } = createScene();
  scene.isSilent = true;
  losePatience();
  expect(await versionNow()).toBeNull();
});
