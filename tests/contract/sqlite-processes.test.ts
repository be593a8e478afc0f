// Several real processes on one SQLite file: no lost update, nothing acknowledged lost to a kill.
// Must not use mocks or shortcuts past the store.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { slotsOf } from "../../router/slot.ts";
import type { Store } from "../../shards/store/port.ts";
import { createSqliteStore } from "../../shards/store/sqlite-store.ts";
import { missingIn, PRODUCTS, put, rowOf, SHARD } from "./store-fixture.ts";
import type { StoreTask } from "./store-process.ts";
import { makeDirectory, removeDirectory } from "./temporary-directory.ts";

let directory: string;
let file: string;
let children: ChildProcess[];

beforeEach(async () => {
  directory = makeDirectory();
  file = join(directory, "store.db");
  children = [];
  const store = await open();
  await store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
  await store.close();
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  removeDirectory(directory);
});

function open(): Promise<Store> {
  return createSqliteStore({ file, shard: SHARD, collections: [PRODUCTS] });
}

function start(task: StoreTask): ChildProcess {
  const script = join(import.meta.dirname, "store-process.ts");
  const child = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
}

/** Collects what a child acknowledges; `reached` resolves when there are `count` of them. */
function collect(child: ChildProcess, count: number) {
  const acknowledged: string[] = [];
  if (child.stdout === null) throw new Error("no stdout");
  const lines = createInterface({ input: child.stdout });
  const ended = once(lines, "close");
  const reached = new Promise<void>((resolve) => {
    lines.on("line", (key) => {
      acknowledged.push(key);
      if (acknowledged.length === count) resolve();
    });
  });
  return { acknowledged, reached, ended };
}

describe("three processes on one file", () => {
  it("lose no compare-and-set increment", async () => {
    const store = await open();
    await store.commit([put("lamp", "0")]);
    const tasks = [1, 2, 3].map(() => start({ kind: "increment", file, times: 100 }));
    const codes = await Promise.all(tasks.map((child) => once(child, "exit")));
    expect(codes.map(([code]) => Number(code))).toEqual([0, 0, 0]);
    expect((await rowOf(store, "lamp"))?.json).toBe("300");
    await store.close();
  });
});

describe("kill -9 of writing processes", () => {
  it("loses nothing that was acknowledged, and the file stays usable", async () => {
    for (let round = 0; round < 3; round += 1) {
      const writers = ["a", "b"].map((name) => start({ kind: "acknowledge", file, name: `${name}${round}` }));
      const logs = writers.map((child) => collect(child, 160));
      await Promise.all(logs.map((log) => log.reached));
      for (const child of writers) child.kill("SIGKILL");
      await Promise.all(logs.map((log) => log.ended));
      const store = await open();
      const acknowledged = logs.flatMap((log) => log.acknowledged);
      expect(await missingIn(store, acknowledged)).toEqual([]);
      for (const key of acknowledged) expect((await rowOf(store, key))?.json).toBe(JSON.stringify(key.repeat(20)));
      await store.close();
    }
  });

  it("in the midst of one process' work does not stop another", async () => {
    const [victim, survivor] = [
      start({ kind: "acknowledge", file, name: "v" }),
      start({ kind: "acknowledge", file, name: "s" }),
    ];
    const logs = { victim: collect(victim, 40), survivor: collect(survivor, 40) };
    await Promise.all([logs.victim.reached, logs.survivor.reached]);
    victim.kill("SIGKILL");
    const before = logs.survivor.acknowledged.length;
    await expect.poll(() => logs.survivor.acknowledged.length, { timeout: 10_000 }).toBeGreaterThan(before + 80);
    survivor.kill("SIGKILL");
    await Promise.all([logs.victim.ended, logs.survivor.ended]);
    const store = await open();
    const acknowledged = [...logs.victim.acknowledged, ...logs.survivor.acknowledged];
    expect(await missingIn(store, acknowledged)).toEqual([]);
    await store.close();
  });
});
