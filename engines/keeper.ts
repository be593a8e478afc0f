/**
 * Keeps the engines of `engines:up` running after that command has returned, until `engines:down` asks it to stop. It must
 * not outlive a start that was broken off, nor start an engine again that has ended unless it is asked to, by SIGUSR2; then
 * revival.json says what came of it.
 *
 * Called as `keeper.ts DIRECTORY NODES` with an IPC channel. Tells its starter `{type: "progress", text}`, then
 * `{type: "ready"}` or `{type: "failed", message}`.
 */
import { type EngineNode, type RunningEngines, startEngines } from "./engines.ts";
import { errorText } from "./engines-error.ts";
import { type KeptNode, removeKept, writeKept, writeRevival } from "./keeper-file.ts";
import { identify, type ProcessIdentity } from "./process-identity.ts";
import { DATACENTER, DYNAMODB_REGION } from "./settings.ts";

const [directory = "", nodes = ""] = process.argv.slice(2);
const keeper = identifyThis();
const starting = new AbortController();
let engines: RunningEngines | null = null;

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void end());
process.on("SIGUSR2", () => void reviveEnded());
// Its starter is gone: fine once all serve, a broken off start before.
process.on("disconnect", () => {
  if (engines === null) starting.abort();
});
if (!process.connected) starting.abort();

try {
  engines = await startEngines({
    directory,
    cassandraNodes: parseNodes(nodes),
    dynamodb: true,
    ports: "usual",
    signal: starting.signal,
    onProgress: (text) => tell({ type: "progress", text }),
    // The others go on; `status` shows which one is missing.
    onDeath: ({ name, reason }) => process.stderr.write(`${name} ended: ${reason}\n`),
    onStopped: () => removeKept(directory, keeper),
  });
  if (starting.signal.aborted) await end();
  keep(engines);
  tell({ type: "ready" });
} catch (error) {
  tell({ type: "failed", message: errorText(error) });
  if (process.connected) process.disconnect();
  process.exitCode = 1;
}

function keep(running: RunningEngines): void {
  writeKept(directory, {
    keeper,
    cassandra: (running.cassandra?.nodes ?? []).map(keptNode),
    dynamodb: running.dynamodb === null ? null : keptNode(running.dynamodb.node),
    datacenter: DATACENTER,
    region: DYNAMODB_REGION,
  });
}

async function reviveEnded(): Promise<void> {
  const running = engines;
  if (running === null) return;
  const ended = nodesOf(running).filter((node) => node.pid() === null);
  const outcomes = await Promise.allSettled(ended.map(({ name }) => running.revive(name)));
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [errorText(outcome.reason)] : []));
  for (const failure of failures) process.stderr.write(`${failure}\n`);
  writeRevival(directory, failures);
}

function nodesOf({ cassandra, dynamodb }: RunningEngines): readonly EngineNode[] {
  return [...(cassandra?.nodes ?? []), ...(dynamodb === null ? [] : [dynamodb.node])];
}

async function end(): Promise<void> {
  if (engines === null) {
    starting.abort();
    return;
  }
  await engines.stop();
  process.exit(0);
}

function identifyThis(): ProcessIdentity {
  const found = identify(process.pid);
  if (found === null) throw new Error("this process cannot be found among the running ones");
  return found;
}

function keptNode({ name, host, port, logFile }: EngineNode): KeptNode {
  return { name, host, port, logFile };
}

function tell(message: object): void {
  // The starter may be gone at any time; that is no fault of the engines.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function parseNodes(text: string): 0 | 1 | 2 | 3 {
  const count = Number.parseInt(text, 10);
  return count === 0 || count === 2 || count === 3 ? count : 1;
}
