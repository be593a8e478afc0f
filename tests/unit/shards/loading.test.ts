// Who keeps everything in SQLite does not wait for the driver of Cassandra or the client of DynamoDB to be loaded: no
// program imports them before it has chosen. Must not run the programs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const HEAVY = ["cassandra-driver", "@aws-sdk/client-dynamodb"];

/** Static imports and re-exports that are there at run time; types are stripped. */
const STATIC_IMPORT = /^(?:import|export)\s(?!type\s)[^;]*?from\s+"([^"]+)";|^import\s+"([^"]+)";/gm;

function importsOf(file: string): readonly string[] {
  return [...readFileSync(file, "utf8").matchAll(STATIC_IMPORT)].map(([, from, bare]) => from ?? bare ?? "");
}

/** Everything that is loaded with `entry`: files from the root, and packages. */
function loadedWith(entry: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith(".")) visit(join(file, "..", specifier));
      else seen.add(specifier);
    }
  };
  visit(join(ROOT, entry));
  return seen;
}

test.each(["shards/main.ts", "cli/program.ts"])("%s loads no client of an engine", (entry) => {
  const loaded = loadedWith(entry);
  expect(HEAVY.filter((name) => loaded.has(name))).toEqual([]);
});

test.each([
  ["shards/open-cassandra.ts", "cassandra-driver"],
  ["cli/program.ts", "commander"],
])("the search finds what %s does load", (entry, name) => {
  expect(loadedWith(entry).has(name)).toBe(true);
});
