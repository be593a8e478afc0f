// A full disk and a disk that cannot be written, on a small file system of their own.
// Must not run where mounting is not permitted; it says so instead.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { slotsOf } from "../../router/slot.ts";
import { StoreError } from "../../shards/store/port.ts";
import { createSqliteStore } from "../../shards/store/sqlite-store.ts";
import { missingIn, PRODUCTS, put, rowOf, SHARD, verdictOf } from "./store-fixture.ts";
import { makeDirectory, removeDirectory } from "./temporary-directory.ts";

const directory = makeDirectory();
const disk = join(directory, "disk");
const REASON = "mounting a file system is not permitted here";
let isMounted = false;

beforeAll(() => {
  isMounted = mount();
});

function mount(): boolean {
  mkdirSync(disk);
  try {
    run("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
    return true;
  } catch {
    return false;
  }
}

function run(program: string, parameters: readonly string[]): void {
  execFileSync(program, parameters, { stdio: "ignore" });
}

function remount(mode: "ro" | "rw"): void {
  run("mount", ["-o", `remount,${mode}`, disk]);
}

afterAll(() => {
  if (isMounted) run("umount", [disk]);
  removeDirectory(directory);
});

describe("a disk of 4 MiB", () => {
  const file = join(disk, "store.db");
  const filler = join(disk, "filler");

  it("that is full refuses writes as full, serves reads, loses nothing, and goes on when there is room", async ({
    skip,
  }) => {
    skip(!isMounted, REASON);
    const store = await createSqliteStore({ file, shard: SHARD, collections: [PRODUCTS] });
    await store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
    // The log of writes alone may grow larger than this disk.
    expect(store.freeBytes()).toBe(0);
    const acknowledged: string[] = [];
    const refusal = await (async () => {
      writeFileSync(filler, Buffer.alloc(1024 * 1024));
      for (let index = 0; index < 10_000; index += 1) {
        const key = `lamp-${index}`;
        const verdict = await verdictOf(store, put(key, JSON.stringify("x".repeat(2000)))).catch(
          (error: unknown) => error,
        );
        if (verdict instanceof Error) return verdict;
        acknowledged.push(key);
      }
      return null;
    })();
    expect(refusal).toBeInstanceOf(StoreError);
    expect(refusal).toMatchObject({ kind: "full", message: expect.stringContaining(file) });
    await expect(store.commit([put("late", "1")])).rejects.toMatchObject({ kind: "full" });
    expect(await missingIn(store, acknowledged)).toEqual([]);
    expect(await rowOf(store, `lamp-${acknowledged.length}`)).toBeNull();
    rmSync(filler);
    expect(await verdictOf(store, put("late", "1"))).toMatchObject({ kind: "created" });
    await store.close();
    const reopened = await createSqliteStore({ file, shard: SHARD, collections: [PRODUCTS] });
    expect(await missingIn(reopened, [...acknowledged, "late"])).toEqual([]);
    await reopened.close();
  });

  it("that is too full to begin with says so", async ({ skip }) => {
    skip(!isMounted, REASON);
    writeFileSync(filler, "");
    const fill = () => writeFileSync(filler, Buffer.alloc(4 * 1024 * 1024));
    expect(fill).toThrow(/ENOSPC/);
    const opening = createSqliteStore({ file: join(disk, "other", "store.db"), shard: SHARD, collections: [PRODUCTS] });
    await expect(opening).rejects.toBeInstanceOf(StoreError);
    rmSync(filler);
  });

  it("that is read-only is unavailable at once, with its file named", async ({ skip }) => {
    skip(!isMounted, REASON);
    remount("ro");
    const existing = createSqliteStore({ file, shard: SHARD, collections: [PRODUCTS] });
    await expect(existing).rejects.toMatchObject({ kind: "unavailable", message: expect.stringContaining(file) });
    const fresh = createSqliteStore({ file: join(disk, "fresh", "store.db"), shard: SHARD, collections: [PRODUCTS] });
    await expect(fresh).rejects.toMatchObject({ kind: "unavailable", message: expect.stringContaining("fresh") });
    remount("rw");
  });
});
