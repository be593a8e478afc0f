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
  /** Of a table whose names the user chooses. */
  readonly value?: SchemaShape;
  /** Of a table with several shapes, told apart by its `kind`. */
  readonly options?: readonly SchemaShape[];
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
  if (schema.type === "record" && schema.value !== undefined) return settingsOf(schema.value, `${path}.NAME`);
  if (schema.type === "variant") return settingsOfAny(schema.options ?? [], path);
  return Object.entries(schema.entries ?? {}).flatMap(([name, entry]) => {
    const below = path === "" ? name : `${path}.${name}`;
    return [{ path: below, fallback: fallbackOf(entry) }, ...settingsOf(entry, below)];
  });
}

/** A setting that several shapes have is one setting. */
function settingsOfAny(shapes: readonly SchemaShape[], path: string): readonly Setting[] {
  const found = shapes.flatMap((shape) => settingsOf(shape, path));
  return [...new Map(found.map((setting) => [setting.path, setting])).values()];
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
