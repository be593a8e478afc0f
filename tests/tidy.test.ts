// The measurable part of the style rules, as a test. Each rule is first tried on planted violations, then on the repository.
// Must not contain a rule itself: those are in tests/tidy/.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Files, planted } from "./tidy/planted.ts";
import { compatibilityDateOf, findLockedAddresses } from "./tidy/repository-rules.ts";
import { listFiles, parseSource, type Rule, readSources } from "./tidy/source.ts";

const root = join(import.meta.dirname, "..");
const sources = readSources(root);

function findingsIn(rule: Rule, files: Files) {
  return rule.check(Object.entries(files).map(([path, text]) => parseSource(path, text)));
}

const read = (path: string): string => readFileSync(join(root, path), "utf8");

describe.each(planted.map((entry) => ({ name: entry.rule.name, ...entry })))("$name", ({ rule, bad, good }) => {
  it.each(bad)("objects to planted violation %#: %j", (files) => {
    expect(findingsIn(rule, files)).not.toEqual([]);
  });

  it.each(good)("lets pass %#: %j", (files) => {
    expect(findingsIn(rule, files)).toEqual([]);
  });

  it("holds in the repository", () => {
    const findings = rule.check(sources).map(({ path, line, reason }) => `${path}:${line} ${reason}`);
    expect(findings).toEqual([]);
  });
});

describe("repository", () => {
  it("lists the sources it judges, its own included", () => {
    expect(sources.map((source) => source.path)).toContain("tests/tidy.test.ts");
  });

  it("finds a registry address planted in a lockfile", () => {
    const lockfile = '{ "a": { "resolved": "https://registry.example/a.tgz" }, "b": { "resolved": "../b" } }';
    expect(findLockedAddresses(lockfile)).toEqual(["https://registry.example/a.tgz"]);
  });

  it("locks no registry address", () => {
    expect(findLockedAddresses(read("package-lock.json"))).toEqual([]);
  });

  it("reads the compatibility date of either configuration", () => {
    expect(compatibilityDateOf('compatibility_date = "2026-01-02"')).toBe("2026-01-02");
    expect(compatibilityDateOf('const compatibilityDate = "2026-01-03";')).toBe("2026-01-03");
    expect(compatibilityDateOf("nothing here")).toBe("");
  });

  it.skipIf(!listFiles(root).includes("wrangler.toml"))(
    "tests the Worker with the runtime date it is deployed with",
    () => {
      expect(compatibilityDateOf(read("vitest.config.ts"))).toBe(compatibilityDateOf(read("wrangler.toml")));
    },
  );
});
