// docs/configuration.md and the schema of zgate.toml name the same settings with the same defaults.
import { describe, expect, it } from "vitest";
import { configSchema } from "../../../config/schema.ts";
import { readText, tableRowsOf } from "./markdown.ts";

/** What a valibot schema shows of itself, as far as it matters here. */
interface SchemaShape {
  readonly type: string;
  readonly default?: unknown;
  readonly entries?: Readonly<Record<string, SchemaShape>>;
  readonly item?: SchemaShape;
  readonly wrapped?: SchemaShape;
}

interface Setting {
  readonly path: string;
  readonly fallback: string;
}

/** Lists at the top are documented by their tables; they have no row of their own. */
const WITHOUT_ROW = new Set(["collections", "shards"]);

function settingsOf(schema: SchemaShape, path: string): readonly Setting[] {
  if (schema.wrapped !== undefined) return settingsOf(schema.wrapped, path);
  if (schema.item !== undefined) return settingsOf(schema.item, `${path}[]`);
  return Object.entries(schema.entries ?? {}).flatMap(([name, entry]) => {
    const below = path === "" ? name : `${path}.${name}`;
    return [{ path: below, fallback: fallbackOf(entry) }, ...settingsOf(entry, below)];
  });
}

function fallbackOf(entry: SchemaShape): string {
  if (entry.type !== "optional") return "required";
  return entry.default === undefined ? "none" : `\`${JSON.stringify(entry.default)}\``;
}

const byPath = (left: Setting, right: Setting): number => (left.path < right.path ? -1 : 1);

describe("docs/configuration.md", () => {
  it("has every setting of the schema with its default, and no other", () => {
    const documented = tableRowsOf(readText("docs/configuration.md"))
      .filter(([setting = ""]) => /^`[a-z]/.test(setting))
      .map(([setting = "", , fallback = ""]) => ({ path: setting.replaceAll("`", ""), fallback }));
    const existing = settingsOf(configSchema as unknown as SchemaShape, "").filter(
      ({ path }) => !WITHOUT_ROW.has(path),
    );
    expect(documented.toSorted(byPath)).toEqual([...existing].sort(byPath));
  });

  it("says what each setting means", () => {
    for (const row of tableRowsOf(readText("docs/configuration.md"))) expect(row.at(-1)).toMatch(/.{5,}/);
  });
});
