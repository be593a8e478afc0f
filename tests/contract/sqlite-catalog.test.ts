// The catalog contract on SQLite, and what only SQLite promises: versions that nothing changes, several processes.
// Must not repeat the contract.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { type Catalog, CatalogError } from "../../shards/catalog/port.ts";
import { createSqliteCatalog } from "../../shards/catalog/sqlite-catalog.ts";
import { author, type CatalogHarness, describeCatalogContract, mapOf, PRODUCTS } from "./catalog-contract.ts";
import type { CatalogTask } from "./catalog-process.ts";
import { makeDirectory, removeDirectory } from "./temporary-directory.ts";

function openSqlite(): Promise<CatalogHarness> {
  const directory = makeDirectory();
  const opened: Catalog[] = [];
  return Promise.resolve({
    open: async () => {
      const catalog = await createSqliteCatalog({ file: join(directory, "catalog.db") });
      opened.push(catalog);
      return catalog;
    },
    dispose: async () => {
      await Promise.all(opened.map((catalog) => catalog.close()));
      removeDirectory(directory);
    },
  });
}

describeCatalogContract("SQLite", openSqlite);

describe("a SQLite catalog", () => {
  it("lets several processes publish without losing or repeating a version", async () => {
    const directory = makeDirectory();
    const file = join(directory, "catalog.db");
    const catalog = await createSqliteCatalog({ file });
    await catalog.create(mapOf(1), author());
    const script = join(import.meta.dirname, "catalog-process.ts");
    const task: CatalogTask = { file, times: 20 };
    const outputs = [1, 2, 3].map(async () => {
      const child = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ["ignore", "pipe", "inherit"] });
      return (await text(child.stdout)).trim().split("\n").map(Number);
    });
    const versions = (await Promise.all(outputs)).flat().toSorted((left, right) => left - right);
    expect(versions).toEqual(Array.from({ length: 60 }, (_, index) => index + 2));
    expect((await catalog.current(PRODUCTS))?.version).toBe(61);
    await catalog.close();
    removeDirectory(directory);
  });

  it("changes or deletes no version, not even by its own statements", async () => {
    const directory = makeDirectory();
    const file = join(directory, "catalog.db");
    const catalog = await createSqliteCatalog({ file });
    await catalog.create(mapOf(1), author());
    await catalog.close();
    const db = new DatabaseSync(file);
    expect(() => db.exec("UPDATE versions SET ranges = '[]'")).toThrow(/never change/);
    expect(() => db.exec("DELETE FROM versions")).toThrow(/never deleted/);
    db.close();
    removeDirectory(directory);
  });

  it("says which file it cannot use", async () => {
    const opening = createSqliteCatalog({ file: "/dev/null/catalog.db" });
    await expect(opening).rejects.toThrow(CatalogError);
    await expect(createSqliteCatalog({ file: "/dev/null/catalog.db" })).rejects.toThrow("/dev/null/catalog.db");
  });
});
