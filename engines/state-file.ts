/**
 * What a directory of engines was made with: the number of nodes, which cannot change, and the ports of the last start.
 * It must not hold what runs now.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClusterPorts } from "./cassandra-program.ts";
import { EnginesError, errorCode, errorText } from "./engines-error.ts";

/** Null where the directory has no such engine. */
export interface EnginesState {
  readonly cassandra: ({ readonly nodes: number } & ClusterPorts) | null;
  readonly dynamodb: { readonly port: number } | null;
}

/** The state kept in the directory; both null at the first start. Throws `EnginesError` when it cannot be read. */
export function readState(directory: string): EnginesState {
  const path = fileOf(directory);
  try {
    return parseState(readFileSync(path, "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { cassandra: null, dynamodb: null };
    throw new EnginesError(`cannot read ${path}: ${errorText(error)}`, {
      hint: "it says which ports the data was served at; remove the directory to start anew",
      cause: error,
    });
  }
}

/** Keeps the state for the next start. */
export function writeState(directory: string, state: EnginesState): void {
  const path = fileOf(directory);
  writeFileSync(`${path}.draft`, `${JSON.stringify(state, null, 2)}\n`, { flush: true });
  renameSync(`${path}.draft`, path);
}

function fileOf(directory: string): string {
  return join(directory, "engines.json");
}

function parseState(text: string): EnginesState {
  const { cassandra = null, dynamodb = null } = JSON.parse(text) as Partial<EnginesState>;
  const isPort = (value: unknown): boolean => Number.isInteger(value);
  if (cassandra !== null && ![cassandra.nodes, cassandra.cql, cassandra.storage, ...cassandra.jmx].every(isPort)) {
    throw new TypeError("no ports of Cassandra in it");
  }
  if (dynamodb !== null && !isPort(dynamodb.port)) throw new TypeError("no port of DynamoDB Local in it");
  return { cassandra, dynamodb };
}
