/**
 * Cassandra's own tool for operators, out of the jars, for nodes that a test has started itself. With an installed
 * Cassandra it is called `nodetool`. It must not hold an expectation.
 */
import { execFile } from "node:child_process";
import { cpSync, readdirSync } from "node:fs";
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

/** Copies a table's files of the snapshot `tag` to `target`, as an operator brings them to another place. */
export function copySnapshot(
  directory: string,
  from: { keyspace: string; table: string; tag: string },
  target: string,
) {
  const keyspace = join(directory, "cassandra-1", "data", "data", from.keyspace);
  const table = readdirSync(keyspace).find((name) => name.startsWith(`${from.table}-`));
  if (table === undefined) throw new Error(`no files of ${from.table} in ${keyspace}`);
  cpSync(join(keyspace, table, "snapshots", from.tag), target, { recursive: true });
}
