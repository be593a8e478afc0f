/**
 * `layout.json`: which shards a data directory was made for, and whether making it was finished. It must not let a
 * directory be started on that holds somebody else's files, or half of its own.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type DataDirectory, displayPath, isThere, readFields, writeWhole } from "../data-directory.ts";
import { shardIds } from "../even-map.ts";
import { CliFailure } from "../failure.ts";

/** What a directory was made for. `asked` is the number given with `--shards` then, null when there was none. */
export interface Layout {
  readonly shards: readonly string[];
  readonly asked: number | null;
  /** False while its first start has not got as far as the catalog. */
  readonly isCreated: boolean;
}

/** What may lie in a directory whose first start was interrupted, or that only an install has used. */
const OF_A_BEGINNING = /^(?:keys|logs|run|imports|install\.lock.*|bench-.*)$/;

/** What the directory was made for; null when it is new. */
export function readLayout(directory: DataDirectory): Layout | null {
  return parseLayout(readFields(directory.layout));
}

/** Untrusted fields of `layout.json` to a layout; null when they are none. */
export function parseLayout(fields: Readonly<Record<string, unknown>> | null): Layout | null {
  const { shards, asked, created }: { readonly [name: string]: unknown } = fields ?? {};
  if (!Array.isArray(shards) || !shards.every((id) => typeof id === "string")) return null;
  return { shards, asked: typeof asked === "number" ? asked : null, isCreated: created !== false };
}

/** Refuses a folder with files of somebody else before anything is written into it. Throws `CliFailure`. */
export function refuseForeign(directory: DataDirectory): void {
  const names = namesIn(directory);
  if (isThere(directory.layout) || isThere(directory.catalog) || hasStore(directory, names)) return;
  if (names.every((name) => OF_A_BEGINNING.test(name))) return;
  throw new CliFailure(`${displayPath(directory.root)} is not a data directory: it holds other files`, {
    hint: "name one that is new or empty with --data DIR",
    exitCode: 2,
  });
}

/**
 * Refuses a directory that was made for other shards: their keys would have no owner. And one without its catalog: a
 * new one would give out slots again that have moved since. A new directory remembers its shards from now on.
 * Throws `CliFailure`.
 */
export function settleLayout(directory: DataDirectory, wanted: Pick<Layout, "shards" | "asked">): void {
  const layout = readLayout(directory);
  const hasCatalog = isThere(directory.catalog);
  if (!hasCatalog && !isBeginning(directory, layout)) throw withoutCatalog(directory);
  if (layout === null) return writeLayout(directory, { ...wanted, isCreated: hasCatalog });
  if (layout.shards.join() !== wanted.shards.join()) throw otherShards(directory, layout, wanted);
}

/** The catalog is there: from now on the directory is not usable without it. */
export function completeLayout(directory: DataDirectory): void {
  const layout = readLayout(directory);
  if (layout?.isCreated === false) writeLayout(directory, { ...layout, isCreated: true });
}

function isBeginning(directory: DataDirectory, layout: Layout | null): boolean {
  if (hasStore(directory, namesIn(directory))) return false;
  return layout === null ? !isThere(directory.layout) : !layout.isCreated;
}

function hasStore(directory: DataDirectory, names: readonly string[]): boolean {
  return names.some((name) => isThere(join(directory.root, name, "store.db")));
}

function namesIn(directory: DataDirectory): readonly string[] {
  try {
    return readdirSync(directory.root);
  } catch {
    // Not there yet, or not a folder: whoever creates it says so.
    return [];
  }
}

function writeLayout(directory: DataDirectory, { shards, asked, isCreated }: Layout): void {
  const fields = { shards, ...(asked === null ? {} : { asked }), ...(isCreated ? {} : { created: false }) };
  writeWhole(directory.layout, `${JSON.stringify(fields)}\n`);
}

function withoutCatalog(directory: DataDirectory): CliFailure {
  return new CliFailure(`the catalog ${displayPath(directory.catalog)} is missing`, {
    hint: "restore it from the backup (docs/operations.md)",
  });
}

function otherShards(directory: DataDirectory, layout: Layout, wanted: Pick<Layout, "shards" | "asked">): CliFailure {
  const where = displayPath(directory.root);
  const difference = `${where} was created with ${described(layout.shards)}, not with ${described(wanted.shards)}`;
  const added = wanted.shards.filter((id) => !layout.shards.includes(id));
  if (added.length > 0 && layout.shards.every((id) => wanted.shards.includes(id))) {
    const less = wanted.asked === null ? `take ${added.join(", ")} out of the configuration` : "leave out --shards";
    return new CliFailure(`${difference}: shards cannot be added to an existing directory yet`, {
      hint: `${less}, or start a new directory with --data DIR`,
      exitCode: 2,
    });
  }
  const isNumbered = layout.shards.join() === shardIds(layout.shards.length).join();
  const back = isNumbered ? `start it with --shards ${layout.shards.length}` : "configure those shards again";
  return new CliFailure(`${difference}: its keys belong to those shards`, {
    hint: `${back}, or start a new directory with --data DIR`,
    exitCode: 2,
  });
}

function described(ids: readonly string[]): string {
  return `${ids.length} ${ids.length === 1 ? "shard" : "shards"} (${ids.join(", ")})`;
}
