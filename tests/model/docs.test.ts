// The page about the model says what the model does: its tables are the invariants and bugs of the code.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HELD_BY, TABLES } from "./protocol-tables.ts";

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "protocol-model.md"), "utf8");

describe("docs/protocol-model.md", () => {
  it.each(Object.entries(TABLES))("has the table of %s as the code has it", (_name, lines) => {
    expect(page).toContain(lines.join("\n"));
  });

  it.each(Object.entries(HELD_BY))("names tests that exist for %s", (_invariant, paths) => {
    expect(paths.filter((path) => !existsSync(join(import.meta.dirname, "..", path)))).toEqual([]);
    expect(paths).not.toEqual([]);
  });
});
