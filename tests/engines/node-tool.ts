/**
 * Cassandra's own tool for operators, out of the jars, for nodes that a test has started itself. With an installed
 * Cassandra it is called `nodetool`. It must not hold an expectation.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureJars } from "../../engines/jars.ts";
import { ARTIFACTS, MODULE_OPTIONS } from "../../engines/settings.ts";
import { readState } from "../../engines/state-file.ts";
import { findToolchain } from "../../engines/toolchain.ts";

const execute = promisify(execFile);

/** Runs it on the first node of a directory of engines. Rejects when it fails. */
export async function nodetool(directory: string, args: readonly string[]): Promise<void> {
  const toolchain = findToolchain();
  const lib = await ensureJars(ARTIFACTS.cassandra, {
    toolchain,
    environment: process.env,
    onProgress: () => undefined,
  });
  const port = readState(directory).cassandra?.jmx[0];
  if (port === undefined) throw new Error(`${directory} has no node`);
  await execute(toolchain.java, [
    ...["-XX:TieredStopAtLevel=1", "-Xmx64M", `-Duser.home=${directory}`, ...MODULE_OPTIONS],
    ...["-cp", join(lib, "*"), "org.apache.cassandra.tools.NodeTool", "-h", "127.0.0.1", "-p", String(port), ...args],
  ]);
}

/** A table's files of one snapshot. */
export interface Snapshot {
  readonly keyspace: string;
  readonly table: string;
  readonly tag: string;
}

/** Copies the files of a snapshot to `target`, as an operator brings them to another place. */
export function copySnapshot(directory: string, { keyspace, table, tag }: Snapshot, target: string): void {
  const tables = join(directory, "cassandra-1", "data", "data", keyspace);
  const name = readdirSync(tables).find((each) => each.startsWith(`${table}-`));
  if (name === undefined) throw new Error(`no files of ${table} in ${tables}`);
  mkdirSync(target, { recursive: true });
  cpSync(join(tables, name, "snapshots", tag), target, { recursive: true });
}

/**
 * Imports `folder` into a table, from a copy in a folder that ends with `names`. Resolves to whether the node took the files: where
 * one of the last two folders' names has a dash, it takes none and reports success.
 */
export async function importFrom(
  folder: string,
  { directory, keyspace, table }: { readonly directory: string; readonly keyspace: string; readonly table: string },
  names: string = join(keyspace, table),
): Promise<boolean> {
  const copy = join(directory, "imports", names);
  rmSync(copy, { recursive: true, force: true });
  cpSync(folder, copy, { recursive: true });
  await nodetool(directory, ["import", keyspace, table, copy]);
  return !readdirSync(copy).some((name) => name.endsWith("-Data.db"));
}
