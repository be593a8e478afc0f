/**
 * Brings an engine's jars into a cache directory once, by Maven; every later start finds them there. It must not leave
 * a half-filled folder where a whole one is expected, whoever is killed when.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { EnginesError, errorText } from "./engines-error.ts";
import { startGuarded } from "./guarded-process.ts";
import { waitForLock } from "./lock.ts";
import { lastLines } from "./log-tail.ts";
import { type Artifact, COPY_GOAL } from "./settings.ts";
import { findToolchain, requireMaven, type Toolchain } from "./toolchain.ts";

/** Names and sizes of the files in a complete folder; written last. */
const INVENTORY = "inventory.json";
const DRAFT_PREFIX = "draft-";

/** What fetching needs to know. */
export interface JarOptions {
  readonly toolchain: Toolchain;
  readonly environment: NodeJS.ProcessEnv;
  readonly onProgress: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Where jars are kept: `ZGATE_ENGINES_CACHE`, else below `XDG_CACHE_HOME`, else below `~/.cache`. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment["ZGATE_ENGINES_CACHE"];
  if (named) return named;
  return join(environment["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "zgate", "engines");
}

/** The folder with the engine's jars, complete; fetched or repaired if need be. Throws `EnginesError`. */
export async function ensureJars(artifact: Artifact, options: JarOptions): Promise<string> {
  const folder = folderOf(artifact, options.environment);
  if (isComplete(folder)) return join(folder, "lib");
  mkdirSync(cacheDirectory(options.environment), { recursive: true });
  const wait = (): void => options.onProgress(`waiting for another process that fetches ${artifact.name}`);
  const lock = await waitForLock(`${folder}.lock`, wait, options.signal);
  try {
    if (!isComplete(folder)) await replace(artifact, folder, options);
    return join(folder, "lib");
  } finally {
    lock.release();
  }
}

/** Whether every file of the folder's own inventory is there in its size. */
export function isComplete(folder: string): boolean {
  const inventory = readInventory(folder);
  return inventory?.every(([name, bytes]) => sizeOf(join(folder, "lib", name)) === bytes) ?? false;
}

/**
 * Says what to install when this machine cannot run these engines: Java, and Maven unless all their jars are in the
 * cache. Throws `EnginesError`.
 */
export function requireRunnable(artifacts: readonly Artifact[], environment: NodeJS.ProcessEnv = process.env): void {
  const toolchain = findToolchain(environment);
  if (!artifacts.every((artifact) => isComplete(folderOf(artifact, environment)))) requireMaven(toolchain);
}

function folderOf({ name, version }: Artifact, environment: NodeJS.ProcessEnv): string {
  return join(cacheDirectory(environment), `${name}-${version}`);
}

/** Called by the holder of the lock, so every draft that lies about belongs to somebody who is gone. */
async function replace(artifact: Artifact, folder: string, options: JarOptions): Promise<void> {
  const drafts = `${folder}.${DRAFT_PREFIX}`;
  const parent = cacheDirectory(options.environment);
  for (const name of readdirSync(parent)) {
    if (join(parent, name).startsWith(drafts)) rmSync(join(parent, name), { recursive: true, force: true });
  }
  const draft = `${drafts}${process.pid}`;
  try {
    await fetchInto(draft, artifact, options);
    // Two renames: a directory cannot be renamed onto one that is not empty.
    if (sizeOf(folder) !== null) renameSync(folder, `${draft}-broken`);
    renameSync(draft, folder);
  } finally {
    for (const path of [draft, `${draft}-broken`]) rmSync(path, { recursive: true, force: true });
  }
}

async function fetchInto(draft: string, artifact: Artifact, options: JarOptions): Promise<void> {
  const maven = requireMaven(options.toolchain);
  options.onProgress(`fetching ${artifact.name} ${artifact.version} by Maven, once`);
  const lib = join(draft, "lib");
  mkdirSync(lib, { recursive: true });
  writeFileSync(join(draft, "pom.xml"), pomOf(artifact));
  const logFile = join(draft, "maven.log");
  const reason = await runMaven({ maven, draft, lib, logFile }, options);
  const files = readdirSync(lib);
  if (reason !== "exit code 0" || !files.some((name) => name === `${artifact.artifactId}-${artifact.version}.jar`)) {
    throw new EnginesError(`Maven could not fetch ${artifact.name} ${artifact.version} (${reason})`, {
      hint: lastLines(logFile) || "it wrote nothing",
    });
  }
  const inventory = files.map((name) => [name, sizeOf(join(lib, name))]);
  writeFileSync(join(draft, INVENTORY), `${JSON.stringify(inventory)}\n`, { flush: true });
}

interface MavenRun {
  readonly maven: string;
  readonly draft: string;
  readonly lib: string;
  readonly logFile: string;
}

async function runMaven({ maven, draft, lib, logFile }: MavenRun, options: JarOptions): Promise<string> {
  const { javaHome } = options.toolchain;
  const running = await startGuarded({
    command: maven,
    args: ["-q", "-B", "-f", join(draft, "pom.xml"), COPY_GOAL, `-DoutputDirectory=${lib}`],
    directory: draft,
    logFile,
    environment: { ...options.environment, ...(javaHome !== null && { JAVA_HOME: javaHome }) },
  });
  const abort = (): void => running.signal("SIGKILL");
  options.signal?.addEventListener("abort", abort);
  const reason = await running.exited;
  options.signal?.removeEventListener("abort", abort);
  options.signal?.throwIfAborted();
  return reason;
}

function pomOf({ groupId, artifactId, version }: Artifact): string {
  return `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>zgate</groupId>
  <artifactId>engines</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>${groupId}</groupId>
      <artifactId>${artifactId}</artifactId>
      <version>${version}</version>
    </dependency>
  </dependencies>
</project>
`;
}

function readInventory(folder: string): readonly (readonly [string, number])[] | null {
  try {
    return parseInventory(readFileSync(join(folder, INVENTORY), "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError || sizeOf(join(folder, INVENTORY)) === null) return null;
    throw new EnginesError(`cannot read ${folder}: ${errorText(error)}`, { cause: error });
  }
}

function parseInventory(text: string): readonly (readonly [string, number])[] | null {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value) || value.length === 0) return null;
  const isEntry = (entry: unknown): boolean =>
    Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "number";
  return value.every(isEntry) ? (value as [string, number][]) : null;
}

function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}
