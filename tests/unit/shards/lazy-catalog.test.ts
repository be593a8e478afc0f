// The catalog of a shard: opened when asked, again after a failure, once for all who ask.
import { expect, test } from "vitest";
import type { CollectionName } from "../../../router/ids.ts";
import { type Catalog, CatalogError } from "../../../shards/catalog/port.ts";
import { createLazyCatalog } from "../../../shards/lazy-catalog.ts";

const COLLECTION = "products" as CollectionName;

function createScene() {
  const scene = { opened: 0, closed: 0, isDown: false };
  const catalog = createLazyCatalog(async () => {
    scene.opened += 1;
    if (scene.isDown) throw new CatalogError("nobody answers");
    return {
      current: async () => null,
      close: async () => {
        scene.closed += 1;
      },
    } as unknown as Catalog;
  });
  return { scene, catalog };
}

test("nothing is opened until it is asked, and then once", async () => {
  const { scene, catalog } = createScene();
  expect(scene.opened).toBe(0);
  await Promise.all([catalog.current(COLLECTION), catalog.current(COLLECTION)]);
  await catalog.current(COLLECTION);
  expect(scene.opened).toBe(1);
  await catalog.close();
  expect(scene.closed).toBe(1);
});

test("one that could not be opened is opened again when it is asked again", async () => {
  const { scene, catalog } = createScene();
  scene.isDown = true;
  await expect(catalog.current(COLLECTION)).rejects.toThrow(CatalogError);
  await expect(catalog.current(COLLECTION)).rejects.toThrow("nobody answers");
  scene.isDown = false;
  expect(await catalog.current(COLLECTION)).toBeNull();
  expect(scene.opened).toBe(3);
});

test("closing one that was never opened, or could not be, is nothing", async () => {
  const { scene, catalog } = createScene();
  await catalog.close();
  scene.isDown = true;
  await catalog.current(COLLECTION).catch(() => undefined);
  await catalog.close();
  expect(scene.closed).toBe(0);
});
