/**
 * `layout.json`: which shards and which storage a data directory was made for, and whether making it was finished. It
 * must not let a directory be started on that holds somebody else's files, or half of its own.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type DataDirectory, displayPath, isThere, readFields, writeWhole } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import {
  describeStorage,
  formerAfter,
  isEmbedded,
  type KnownStorage,
  needsEngines,
  parseFormer,
  parseStorage,
  placeOf,
  type StorageChoice,
  storageDifference,
} from "../storage-choice.ts";

/** What a directory was made for. `asked` is the number given with `--shards` then, null when there was none. */
export interface Layout extends KnownStorage {
  readonly asked: number | null;
  /** False while its first start has not got as far as the catalog. */
  readonly isCreated: boolean;
}

/** What may lie in a directory whose first start was interrupted, or that only an install has used. */
const OF_A_BEGINNING = /^(?:keys|logs|run|imports|engines|install\.lock.*|bench-.*)$/;

/** What the directory was made for; null when it is new. */
export function readLayout(directory: DataDirectory): Layout | null {
  return parseLayout(readFields(directory.layout));
}

/** Untrusted fields of `layout.json` to a layout; null when they are none. */
export function parseLayout(fields: Readonly<Record<string, unknown>> | null): Layout | null {
  const { shards, asked, created }: { readonly [name: string]: unknown } = fields ?? {};
  if (!Array.isArray(shards) || !shards.every((id) => typeof id === "string")) return null;
  const storage = parseStorage(fields ?? {}, shards);
  const former = parseFormer(fields ?? {});
  return { shards, asked: typeof asked === "number" ? asked : null, storage, former, isCreated: created !== false };
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

/** What a start wants of its directory. */
export type WantedLayout = Pick<Layout, "shards" | "asked" | "storage">;

/**
 * Refuses a directory that was made for other storage: what lies in it would not be found. And one without its catalog: a
 * new one would give out slots again that have moved since. A new directory remembers what it was made for from now on.
 * Whether it may have other shards than before, only its catalog and its stores say (shard-changes.ts). Throws `CliFailure`.
 */
export function settleLayout(directory: DataDirectory, wanted: WantedLayout): void {
  const layout = readLayout(directory);
  if (layout === null) refuseOtherFiles(directory, wanted);
  if (layout !== null) refuseOtherStorage(directory, layout, wanted);
  if (!isBeginning(directory, layout)) requireOwnData(directory, layout?.storage ?? wanted.storage);
  if (layout === null) writeLayout(directory, { ...wanted, former: new Map(), isCreated: isThere(directory.catalog) });
}

function isBeginning(directory: DataDirectory, layout: Layout | null): boolean {
  if (hasStore(directory, namesIn(directory))) return false;
  return layout === null ? !isThere(directory.layout) : !layout.isCreated;
}

/** Whether an instance has lived here whose catalog was a file of this directory, and that file is gone. */
export function hasLostCatalog(directory: DataDirectory): boolean {
  const layout = readLayout(directory);
  if (layout !== null && layout.storage.catalog !== "sqlite") return false;
  return !isThere(directory.catalog) && !isBeginning(directory, layout);
}

/** What the configuration names is elsewhere: nothing can be looked for here. */
function requireOwnData(directory: DataDirectory, storage: StorageChoice): void {
  if (storage.catalog === "sqlite" && !isThere(directory.catalog)) throw withoutCatalog(directory);
  if (needsEngines(storage) && !isThere(directory.engines)) throw withoutEngines(directory);
}

/** Files of an instance that was restored from a backup without its layout, or is older than layouts. */
function refuseOtherFiles(directory: DataDirectory, wanted: WantedLayout): void {
  const hasFiles = isThere(directory.catalog) || hasStore(directory, namesIn(directory));
  if (hasFiles && !isEmbedded(wanted.storage)) throw otherFiles(directory, "SQLite", wanted);
  if (isThere(directory.engines) && !needsEngines(wanted.storage)) throw otherFiles(directory, "engines", wanted);
}

/** The catalog is there: from now on the directory is not usable without it, and has these shards. */
export function completeLayout(directory: DataDirectory, { shards, asked, storage }: WantedLayout): void {
  const former = formerAfter(readLayout(directory), shards);
  writeLayout(directory, { shards, asked, storage, former, isCreated: true });
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

function writeLayout(directory: DataDirectory, { shards, asked, storage, former, isCreated }: Layout): void {
  const { catalog, nodes } = storage;
  const stores = Object.fromEntries([...storage.stores].filter(([id]) => shards.includes(id)));
  const fields = {
    shards,
    ...(asked === null ? {} : { asked }),
    ...(isEmbedded(storage) ? {} : { stores, catalog, nodes }),
    ...(former.size === 0 ? {} : { former: Object.fromEntries(former) }),
    ...(isCreated ? {} : { created: false }),
  };
  writeWhole(directory.layout, `${JSON.stringify(fields)}\n`);
}

/** The file of the catalog is gone: a new one would give out slots again that have moved since. */
export function withoutCatalog(directory: DataDirectory): CliFailure {
  return new CliFailure(`the catalog ${displayPath(directory.catalog)} is missing`, {
    hint: "restore it from the backup (docs/operations.md)",
  });
}

function withoutEngines(directory: DataDirectory): CliFailure {
  return new CliFailure(`the data of the engines, ${displayPath(directory.engines)}, is missing`, {
    hint: "restore it from the backup, or start a new directory with --data DIR",
  });
}

function otherFiles(directory: DataDirectory, found: string, wanted: WantedLayout): CliFailure {
  const where = displayPath(directory.root);
  return new CliFailure(`${where} holds the data of an instance on ${found}, not on ${describeStorage(wanted)}`, {
    hint: `name with --store and --catalog what it was created on, or start a new directory with --data DIR`,
    exitCode: 2,
  });
}

function refuseOtherStorage(directory: DataDirectory, made: Layout, wanted: WantedLayout): void {
  const difference = storageDifference(made, wanted);
  if (difference === null) return;
  const isConfigured = [made, wanted].some(
    ({ shards, storage }) =>
      storage.catalog === "configured" || shards.some((id) => placeOf(storage, id) === "configured"),
  );
  const back = isConfigured
    ? "start it with the configuration it was created with"
    : "leave out --store, --catalog and --nodes";
  throw new CliFailure(`${displayPath(directory.root)}: ${difference}: its data would not be found there`, {
    hint: `${back}, or start a new directory with --data DIR`,
    exitCode: 2,
  });
}
