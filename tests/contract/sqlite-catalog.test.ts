// The catalog contract on SQLite, and what only SQLite promises: versions that nothing changes, several processes.
// Must not repeat the contract.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { type Catalog, CatalogError } from "../../shards/catalog/port.ts";
import { createSqliteCatalog } from "../../shards/catalog/sqlite-catalog.ts";
import { describeCatalogContract } from "./catalog-contract.ts";
import { author, type CatalogHarness, mapOf, moveOf, PRODUCTS, SHARD_1 } from "./catalog-fixture.ts";
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

/** A file as the first schema version made it, with two versions of a map and a claim. */
const SCHEMA_VERSION_1 = `
  CREATE TABLE heads (
    collection TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version >= 1)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE versions (
    collection TEXT NOT NULL, version INTEGER NOT NULL, parent INTEGER NOT NULL, ranges TEXT NOT NULL,
    writer TEXT NOT NULL, action TEXT NOT NULL, actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (collection, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER versions_never_change BEFORE UPDATE ON versions
  BEGIN SELECT RAISE(ABORT, 'versions never change'); END;
  CREATE TRIGGER versions_stay BEFORE DELETE ON versions
  BEGIN SELECT RAISE(ABORT, 'versions are never deleted'); END;
  CREATE TABLE claims (
    collection TEXT NOT NULL, shard TEXT NOT NULL, actor TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (collection, shard)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO heads VALUES ('products', 2);
  INSERT INTO versions VALUES ('products', 1, 0, '${JSON.stringify(mapOf(1).ranges)}', 'w1', 'create', 'ann', 1000);
  INSERT INTO versions VALUES ('products', 2, 1, '${JSON.stringify(mapOf(2, "t").ranges)}', 'w2', 'publish', 'bob', 2000);
  INSERT INTO claims VALUES ('products', 'shard-1', 'shard-1', 1000);
  PRAGMA user_version = 1;
`;

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

  it("never brings a move back that has ended, and keeps the audit trail, not even by its own statements", async () => {
    const directory = makeDirectory();
    const file = join(directory, "catalog.db");
    const catalog = await createSqliteCatalog({ file });
    await catalog.create(mapOf(1), author());
    const move = moveOf("a", "b");
    await catalog.createMove(move, author());
    await catalog.updateMove(move.id, { expectedRevision: 1, state: "done" }, author());
    await catalog.close();
    const db = new DatabaseSync(file);
    expect(() => db.exec("UPDATE moves SET state = 'running'")).toThrow(/never changes/);
    expect(() => db.exec("DELETE FROM moves")).toThrow(/never deleted/);
    expect(() => db.exec("UPDATE audit SET actor = 'eve'")).toThrow(/never changes/);
    expect(() => db.exec("DELETE FROM audit")).toThrow(/never deleted/);
    db.close();
    removeDirectory(directory);
  });

  it("keeps what a file of schema version 1 holds, its audit trail included", async () => {
    const directory = makeDirectory();
    const file = join(directory, "catalog.db");
    const db = new DatabaseSync(file);
    db.exec(SCHEMA_VERSION_1);
    db.close();
    const catalog = await createSqliteCatalog({ file });
    expect(await catalog.current(PRODUCTS)).toEqual(mapOf(2, "t"));
    expect(await catalog.version(PRODUCTS, mapOf(1).version)).toEqual(mapOf(1));
    expect(await catalog.hasClaimed(PRODUCTS, SHARD_1)).toBe(true);
    expect((await catalog.publish(mapOf(3), author("cy", 3000))).kind).toBe("published");
    const trail = await catalog.audit(PRODUCTS, { limit: 10 });
    expect(trail.map(({ actor, action, version, atMs }) => [actor, action, version, atMs])).toEqual([
      ["cy", "publish", 3, 3000],
      ["bob", "publish", 2, 2000],
      ["ann", "create", 1, 1000],
    ]);
    await catalog.close();
    removeDirectory(directory);
  });

  it("gives moves of a file of the second schema version no epochs and no limit of bytes", async () => {
    const directory = makeDirectory();
    const file = join(directory, "catalog.db");
    const before = await createSqliteCatalog({ file });
    await before.create(mapOf(1), author());
    const intent = moveOf("a", "b");
    await before.createMove(intent, author());
    await before.updateMove(intent.id, { expectedRevision: 1, state: "done" }, author());
    const created = await before.move(intent.id);
    await before.close();
    const db = new DatabaseSync(file);
    db.exec("DROP TRIGGER moves_end_once");
    db.exec("UPDATE moves SET record = json_remove(record, '$.move.epochs', '$.move.settings.bytesPerSecond')");
    db.exec("CREATE TRIGGER moves_end_once BEFORE UPDATE ON moves BEGIN SELECT RAISE(ABORT, 'ended'); END");
    db.exec("PRAGMA user_version = 2");
    db.close();
    const catalog = await createSqliteCatalog({ file });
    expect(await catalog.move(intent.id)).toEqual({ ...created, epochs: [] });
    await catalog.close();
    removeDirectory(directory);
  });

  it("says which file it cannot use", async () => {
    const opening = createSqliteCatalog({ file: "/dev/null/catalog.db" });
    await expect(opening).rejects.toThrow(CatalogError);
    await expect(createSqliteCatalog({ file: "/dev/null/catalog.db" })).rejects.toThrow("/dev/null/catalog.db");
  });
});
