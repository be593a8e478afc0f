/**
 * `npm run engines:up`, `engines:down` and `engines:status`: the command line and what it prints. It must not know how
 * engines are started.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { EnginesError, errorText } from "./engines-error.ts";
import { bringDown, bringUp, type EnginesStatus, healthOf, nodesOf, statusOf } from "./up.ts";

const DEFAULT_DIRECTORY = join(import.meta.dirname, "..", ".engines");
const USAGE = `usage: npm run engines:up     [-- --nodes 1|2|3] [--data DIR]   start Cassandra and DynamoDB Local
       npm run engines:status [-- --data DIR] [--json]          what runs, and where
       npm run engines:down   [-- --data DIR]                   stop what "up" started`;
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

interface CommandLine {
  readonly verb: string;
  readonly directory: string;
  readonly nodes: 1 | 2 | 3;
  readonly isJson: boolean;
}

process.exitCode = await run(process.argv.slice(2));

async function run(args: readonly string[]): Promise<number> {
  const line = readLine(args);
  if (line === null) {
    process.stderr.write(`${USAGE}\n`);
    return EXIT.usage;
  }
  try {
    if (line.verb === "up") return await up(line);
    if (line.verb === "down") return await down(line);
    return await status(line);
  } catch (error) {
    process.stderr.write(`engines: ${errorText(error)}\n`);
    if (!(error instanceof EnginesError) && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
    return EXIT.failed;
  }
}

async function up({ directory, nodes }: CommandLine): Promise<number> {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupted.abort());
  try {
    const { ranAlready, revived } = await bringUp({
      directory,
      nodes,
      signal: interrupted.signal,
      onProgress: (text) => process.stderr.write(`${text}\n`),
    });
    for (const name of revived) process.stderr.write(`${name} was started again\n`);
    if (ranAlready && revived.length === 0) process.stderr.write("they run already\n");
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    const isKept = (await statusOf(directory)).keeper !== null;
    process.stderr.write(`engines: interrupted; ${isKept ? "what runs goes on" : "nothing is left running"}\n`);
    return EXIT.interrupted;
  }
  print(await statusOf(directory));
  return EXIT.done;
}

async function down({ directory }: CommandLine): Promise<number> {
  const didRun = await bringDown(directory);
  process.stdout.write(didRun ? "stopped; the data stays\n" : `nothing runs in ${directory}\n`);
  return EXIT.done;
}

async function status({ directory, isJson }: CommandLine): Promise<number> {
  const found = await statusOf(directory);
  if (isJson) process.stdout.write(`${JSON.stringify(found)}\n`);
  else print(found);
  const nodes = nodesOf(found);
  return nodes.length > 0 && nodes.every(({ serves }) => serves) ? EXIT.done : EXIT.failed;
}

function print(found: EnginesStatus): void {
  if (found.keeper === null) process.stdout.write(`nothing runs in ${found.directory}\n`);
  for (const node of nodesOf(found)) {
    const { name, host, port, logFile } = node;
    const address = `${host}:${port}`;
    process.stdout.write(`${name.padEnd(12)} ${address.padEnd(16)} ${healthOf(node).padEnd(16)} ${logFile}\n`);
  }
}

/** Null when it cannot be understood. */
function readLine(args: readonly string[]): CommandLine | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { nodes: { type: "string" }, data: { type: "string" }, json: { type: "boolean" } },
    });
    const [verb = "", ...rest] = positionals;
    const nodes = (["1", "2", "3"] as const).find((count) => count === (values.nodes ?? "1"));
    if (!["up", "down", "status"].includes(verb) || rest.length > 0 || nodes === undefined) return null;
    const counts = { 1: 1, 2: 2, 3: 3 } as const;
    const directory = resolve(values.data ?? DEFAULT_DIRECTORY);
    return { verb, directory, nodes: counts[nodes], isJson: values.json === true };
  } catch {
    return null;
  }
}
