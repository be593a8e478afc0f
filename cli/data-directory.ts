/**
 * The data directory of one instance: where everything lies, and reading and writing small files in it.
 * It must not know what the files mean.
 */
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CliFailure, errorCode, errorLine } from "./failure.ts";

/** The repository's root: where zgate.toml and wrangler.toml lie. */
export const PROJECT_ROOT: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** Data directory when none is named. */
export const DEFAULT_DATA: string = join(PROJECT_ROOT, ".zgate");

/** Absolute paths inside a data directory. */
export interface DataDirectory {
  readonly root: string;
  readonly catalog: string;
  readonly keys: string;
  readonly signingKeys: string;
  readonly tokenKey: string;
  readonly logs: string;
  readonly run: string;
  readonly lock: string;
  /** Who holds the lock: `{pid}`. */
  readonly holder: string;
  /** `{url, pid, ports, startedAt}` of the running instance; absent when none runs. */
  readonly runFile: string;
  /** Processes of the running instance, for whoever has to clean up after a kill -9. */
  readonly parts: string;
  readonly config: string;
  readonly edgeEnv: string;
  readonly edgeState: string;
  readonly registry: string;
  readonly imports: string;
  /** Data and logs of the engines that `up` starts beside the instance. */
  readonly engines: string;
  /** What the directory was created with. */
  readonly layout: string;
  /** Present once the sample is in completely. */
  readonly sampleDone: string;
}

/** The paths of the data directory at `path`; nothing is created. */
export function dataDirectory(path: string): DataDirectory {
  const root = resolve(path);
  const [keys, logs, run] = [join(root, "keys"), join(root, "logs"), join(root, "run")];
  return {
    root,
    catalog: join(root, "catalog.db"),
    keys,
    signingKeys: join(keys, "signing-keys"),
    tokenKey: join(keys, "token-key.jwk"),
    logs,
    run,
    lock: join(run, "lock.db"),
    holder: join(run, "holder.json"),
    runFile: join(run, "run.json"),
    parts: join(run, "parts.json"),
    config: join(run, "zgate.toml"),
    edgeEnv: join(run, "edge.env"),
    edgeState: join(root, "edge"),
    registry: join(run, "registry"),
    imports: join(root, "imports"),
    engines: join(root, "engines"),
    layout: join(root, "layout.json"),
    sampleDone: join(root, "sample.json"),
  };
}

/** A path as people know it: relative where it is below the working directory. */
export function displayPath(path: string): string {
  const below = relative(process.cwd(), path);
  return below === "" ? "." : below.startsWith("..") ? path : below;
}

/** Creates the directory and its folders, private to the user where keys and runtime files lie. Throws `CliFailure`. */
export function createDataDirectory(directory: DataDirectory): void {
  try {
    for (const path of [directory.root, directory.logs, directory.imports]) mkdirSync(path, { recursive: true });
    for (const path of [directory.keys, directory.run]) {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      chmodSync(path, 0o700);
    }
    for (const path of [directory.root, directory.run, directory.keys, directory.logs]) {
      accessSync(path, constants.W_OK | constants.X_OK);
    }
  } catch (error) {
    throw new CliFailure(`cannot write the data directory ${displayPath(directory.root)}: ${errorLine(error)}`, {
      hint: "make it writable, or name another one with --data DIR",
      cause: error,
    });
  }
}

/** Writes a file so that a reader sees the old text or the new one, never a part. `mode` defaults to 0644. */
export function writeWhole(path: string, text: string, mode = 0o644): void {
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, text, { mode, flush: true });
  renameSync(draft, path);
}

/** The text of a file, or null when there is none. */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return null;
    throw new CliFailure(`cannot read ${displayPath(path)}: ${errorLine(error)}`, { cause: error });
  }
}

/** The fields of a JSON object in a file; null when there is no file, or nothing useful in it. */
export function readFields(path: string): Readonly<Record<string, unknown>> | null {
  return parseFields(readIfThere(path) ?? "");
}

/** Untrusted text to the fields of a JSON object; null when it is not one. */
export function parseFields(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

/** Whether something lies at `path`. */
export function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
