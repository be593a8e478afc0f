// The cache of jars: filled once, never half, repaired when somebody has damaged it. Maven is a script.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startGuarded } from "../../../engines/guarded-process.ts";
import { cacheDirectory, ensureJars, isComplete, requireRunnable } from "../../../engines/jars.ts";
import { ARTIFACTS } from "../../../engines/settings.ts";
import { findToolchain } from "../../../engines/toolchain.ts";
import { explainAbsence } from "../../engines/engine-absence.ts";
import { createFakePrograms, type FakeBehaviour, type FakePrograms } from "./fake-programs.ts";

const TIMEOUT_MS = 30_000;
const FETCHER = new URL("./jars-process.ts", import.meta.url).pathname;
const made: FakePrograms[] = [];
afterEach(() => {
  for (const programs of made.splice(0)) programs.remove();
});

function programs(behaviour: FakeBehaviour = {}): FakePrograms {
  const fake = createFakePrograms(behaviour);
  made.push(fake);
  return fake;
}

function ensure({ environment }: FakePrograms, signal?: AbortSignal): Promise<string> {
  const onProgress = (): void => undefined;
  return ensureJars(ARTIFACTS.cassandra, { toolchain: findToolchain(environment), environment, onProgress, signal });
}

function folderOf({ environment }: FakePrograms): string {
  return join(environment["ZGATE_ENGINES_CACHE"] ?? "", "cassandra-5.0.8");
}

const damages: readonly (readonly [string, (folder: string) => void])[] = [
  ["without one jar", (folder) => rmSync(join(folder, "lib", "dependency-1.jar"))],
  ["with a jar cut short", (folder) => writeFileSync(join(folder, "lib", "dependency-1.jar"), "")],
  ["without its inventory", (folder) => rmSync(join(folder, "inventory.json"))],
  ["with an inventory that is no JSON", (folder) => writeFileSync(join(folder, "inventory.json"), "[[")],
  ["with an empty inventory", (folder) => writeFileSync(join(folder, "inventory.json"), "[]")],
];

describe("the cache of jars", { timeout: TIMEOUT_MS }, () => {
  it("is filled once and needs no Maven afterwards", async () => {
    const fake = programs();
    const lib = await ensure(fake);
    expect(readdirSync(lib).toSorted()).toEqual(["cassandra-all-5.0.8.jar", "dependency-1.jar"]);
    rmSync(join(fake.root, "bin", "mvn"));
    expect(await ensure(fake)).toBe(lib);
    expect(fake.mavenRuns()).toBe(1);
  });

  it("is filled once by two processes that start at the same time", async () => {
    const fake = programs();
    const fetchers = await Promise.all(
      ["a", "b"].map((name) =>
        startGuarded({
          command: process.execPath,
          args: [FETCHER],
          directory: fake.root,
          logFile: join(fake.root, name),
          environment: fake.environment,
        }),
      ),
    );
    expect(await Promise.all(fetchers.map(({ exited }) => exited))).toEqual(["exit code 0", "exit code 0"]);
    expect(fake.mavenRuns()).toBe(1);
    expect(isComplete(folderOf(fake))).toBe(true);
  });

  it.each(damages)("%s is repaired", async (_, damage) => {
    const fake = programs();
    await ensure(fake);
    damage(folderOf(fake));
    await ensure(fake);
    expect(fake.mavenRuns()).toBe(2);
    expect(isComplete(folderOf(fake))).toBe(true);
  });

  it("is freed of what a killed process had begun", async () => {
    const fake = programs();
    mkdirSync(`${folderOf(fake)}.draft-1/lib`, { recursive: true });
    await ensure(fake);
    expect(readdirSync(cacheDirectory(fake.environment)).toSorted()).toEqual([
      "cassandra-5.0.8",
      "cassandra-5.0.8.lock",
    ]);
  });

  it("stays empty when Maven fails, and its last words are in the message", async () => {
    const fake = programs({ maven: "fail" });
    await expect(ensure(fake)).rejects.toThrow(
      /could not fetch cassandra 5.0.8 \(exit code 1\)[\s\S]*could not be found/,
    );
    expect(readdirSync(cacheDirectory(fake.environment))).toEqual(["cassandra-5.0.8.lock"]);
  });

  it("stays empty when fetching is broken off", async () => {
    const fake = programs({ maven: "hang" });
    const stop = new AbortController();
    const fetching = ensure(fake, stop.signal);
    await vi.waitUntil(() => fake.mavenRuns() === 1, { timeout: TIMEOUT_MS });
    stop.abort();
    await expect(fetching).rejects.toThrow("aborted");
    expect(readdirSync(cacheDirectory(fake.environment))).toEqual(["cassandra-5.0.8.lock"]);
  });
});

describe("a machine without Maven", { timeout: TIMEOUT_MS }, () => {
  const withoutMaven = async (damage: (folder: string) => void) => {
    const fake = programs();
    await ensure(fake);
    rmSync(join(fake.root, "bin", "mvn"));
    damage(folderOf(fake));
    for (const [name, value] of Object.entries(fake.environment)) vi.stubEnv(name, value);
    vi.stubEnv("ZGATE_REQUIRE_ENGINES", "");
  };
  afterEach(() => void vi.unstubAllEnvs());

  it("can run engines whose jars are in the cache", async () => {
    await withoutMaven(() => undefined);
    expect(() => requireRunnable([ARTIFACTS.cassandra])).not.toThrow();
    expect(explainAbsence(), "the fault suite runs").toBeNull();
  });

  it("cannot run those whose jars are not", async () => {
    await withoutMaven(() => undefined);
    expect(() => requireRunnable([ARTIFACTS.cassandra, ARTIFACTS.dynamodb])).toThrow(/Maven \(mvn\) is needed once/);
  });

  it.each(damages)("cannot run engines with a cache %s", async (_, damage) => {
    await withoutMaven(damage);
    expect(() => requireRunnable([ARTIFACTS.cassandra])).toThrow(/Maven \(mvn\) is needed once/);
    expect(explainAbsence()).toMatch(/^Maven \(mvn\) is needed once/);
  });
});

describe("the place of the cache", () => {
  it.each([
    ["named for itself", { ZGATE_ENGINES_CACHE: "/a", XDG_CACHE_HOME: "/b" }, "/a"],
    ["below the user's caches", { XDG_CACHE_HOME: "/b" }, "/b/zgate/engines"],
  ])("%s", (_, environment, expected) => {
    expect(cacheDirectory(environment)).toBe(expected);
  });

  it("below the home directory otherwise", () => {
    expect(cacheDirectory({})).toMatch(/\/\.cache\/zgate\/engines$/);
  });
});
