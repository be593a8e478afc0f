/**
 * Starts real Cassandra nodes and DynamoDB Local on this machine, for development, tests and benches, and stops what it
 * started. It must not know who uses them, nor what for.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cassandraProgram } from "./cassandra-program.ts";
import { dynamodbProgram } from "./dynamodb-program.ts";
import { type EngineDeath, type EngineNode, ProgramNode } from "./engine-node.ts";
import { EnginesError, errorText } from "./engines-error.ts";
import { ensureJars } from "./jars.ts";
import { endLeftOver } from "./left-over.ts";
import { directoryLock, type Lock, tryLock } from "./lock.ts";
import { PortClaims } from "./port-claims.ts";
import { planPorts } from "./port-plan.ts";
import { saysPortTaken } from "./ports.ts";
import { answersCql, knowsPeers } from "./probes.ts";
import { Revivals } from "./revivals.ts";
import { ARTIFACTS, type Compiling, DATACENTER, DYNAMODB_REGION } from "./settings.ts";
import { type EnginesState, readState, writeState } from "./state-file.ts";
import { findToolchain } from "./toolchain.ts";

export type { EngineDeath, EngineNode } from "./engine-node.ts";
export { EnginesError } from "./engines-error.ts";
export { requireRunnable } from "./jars.ts";
export { findToolchain, type Toolchain } from "./toolchain.ts";

const POLL_MS = 100;
const AGREEMENT_MS_MAX = 120_000;

/** What to start. */
export interface EnginesRequest {
  /** Data, logs, configuration; kept between starts. One user at a time. */
  readonly directory: string;
  readonly cassandraNodes: 0 | 1 | 2 | 3;
  readonly dynamodb: boolean;
  /** Called with each engine that ends although nobody asked it to; `died` tells of the first alone. */
  readonly onDeath?: (death: EngineDeath) => void;
  /** Called with one short line now and then. */
  readonly onProgress?: (text: string) => void;
  /** Called at the stop, when all engines are gone and nobody else can have the directory yet. */
  readonly onStopped?: () => void;
  /** Ends the start; nothing is left running. */
  readonly signal?: AbortSignal;
  /** Settings of cassandra.yaml beside those of the project, or instead of them. */
  readonly cassandraSettings?: Readonly<Record<string, string>>;
  /** `late` if nothing is said. */
  readonly cassandraCompiles?: Compiling;
  /** At the first start: `usual` prefers 9042 and 8000; `any` (default) keeps away from them. */
  readonly ports?: "usual" | "any";
}

/** Engines that serve. */
export interface RunningEngines {
  readonly cassandra: {
    /** Each as host:port; one port for all. */
    readonly contactPoints: readonly string[];
    readonly datacenter: string;
    readonly nodes: readonly EngineNode[];
  } | null;
  readonly dynamodb: { readonly endpoint: string; readonly region: string; readonly node: EngineNode } | null;
  /** Resolves with the first engine that ends although nobody asked it to; never rejects. */
  readonly died: Promise<EngineDeath>;
  /**
   * Starts an engine again that has ended, on the same data and port; resolves when it serves. Throws `EnginesError`, also
   * when the stop comes first.
   */
  revive(name: string): Promise<void>;
  /** Stops all in order and frees the directory. */
  stop(): Promise<void>;
}

/** Starts what is asked for and resolves when all of it serves. Throws `EnginesError`, or the signal's reason. */
export async function startEngines(request: EnginesRequest): Promise<RunningEngines> {
  const directory = resolve(request.directory);
  const toolchain = findToolchain();
  const lock = holdDirectory(directory);
  try {
    const options = {
      toolchain,
      environment: process.env,
      onProgress: request.onProgress ?? (() => undefined),
      signal: request.signal,
    };
    // One after the other: at the first time both would fetch.
    const cassandraLib = request.cassandraNodes === 0 ? "" : await ensureJars(ARTIFACTS.cassandra, options);
    const dynamodbLib = request.dynamodb ? await ensureJars(ARTIFACTS.dynamodb, options) : "";
    const libs = { java: toolchain.java, cassandraLib, dynamodbLib };
    await endLeftOvers(directory);
    return await startOnFreePorts({ request, directory, libs, lock });
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Start {
  readonly request: EnginesRequest;
  readonly directory: string;
  readonly libs: { readonly java: string; readonly cassandraLib: string; readonly dynamodbLib: string };
  readonly lock: Lock;
}

/** A port can be taken by somebody else between choosing and using it; then others are chosen, once. */
async function startOnFreePorts(start: Start): Promise<RunningEngines> {
  const claims = new PortClaims();
  try {
    return await startAll(start, await choose(start, claims));
  } catch (error) {
    if (!saysPortTaken(errorText(error))) throw error;
    start.request.onProgress?.("a port was taken meanwhile, choosing others");
    return await startAll(start, await choose(start, claims));
  } finally {
    claims.release();
  }
}

async function choose({ request, directory }: Start, claims: PortClaims): Promise<EnginesState> {
  const known = readState(directory);
  const { cassandraNodes } = request;
  if (known.cassandra !== null && cassandraNodes !== 0 && known.cassandra.nodes !== cassandraNodes) {
    throw new EnginesError(`${directory} holds a cluster of ${countOf(known.cassandra.nodes)}, not ${cassandraNodes}`, {
      hint: "a cluster keeps its size; name another directory, or remove this one with its data",
    });
  }
  const state = await planPorts({ ports: "any", ...request }, known, { random: Math.random, claims });
  writeState(directory, state);
  return state;
}

async function startAll(start: Start, state: EnginesState): Promise<RunningEngines> {
  const { request, lock } = start;
  const died = Promise.withResolvers<EngineDeath>();
  const onDeath = (death: EngineDeath): void => {
    request.onDeath?.(death);
    died.resolve(death);
  };
  const cassandra = cassandraNodes(start, state, onDeath);
  const dynamodb = dynamodbNode(start, state, onDeath);
  const all = dynamodb === null ? cassandra : [...cassandra, dynamodb];
  request.onProgress?.(`starting ${describe(request)}`);
  try {
    await Promise.all(all.map((node) => startNode(node, request)));
    await untilAllAgree(cassandra, request.signal);
  } catch (error) {
    // Those that were still starting would otherwise appear after this has been given up.
    await Promise.all(all.map((node) => node.abandon()));
    throw error;
  }
  return running({ cassandra, dynamodb, died: died.promise, lock, onStopped: request.onStopped });
}

async function startNode(node: ProgramNode, { onProgress, signal }: EnginesRequest): Promise<void> {
  const startMs = performance.now();
  await node.start(signal);
  onProgress?.(
    `${node.name} serves at ${node.host}:${node.port} (${Math.round((performance.now() - startMs) / 1000)} s)`,
  );
}

function cassandraNodes(
  start: Start,
  state: EnginesState,
  onDeath: (death: EngineDeath) => void,
): readonly ProgramNode[] {
  const { cassandraNodes: nodes } = start.request;
  const ports = state.cassandra;
  if (nodes === 0 || ports === null) return [];
  return Array.from({ length: nodes }, (_, index) => {
    const directory = directoryOf(start.directory, `cassandra-${index + 1}`);
    const { java, cassandraLib: lib } = start.libs;
    const { cassandraSettings: settings = {}, cassandraCompiles: compiles = "late" } = start.request;
    const plan = { index, nodes, directory, logFile: join(directory, "log"), ports, java, lib, settings, compiles };
    return new ProgramNode(cassandraProgram(plan), onDeath);
  });
}

function dynamodbNode(start: Start, state: EnginesState, onDeath: (death: EngineDeath) => void): ProgramNode | null {
  if (!start.request.dynamodb || state.dynamodb === null) return null;
  const directory = directoryOf(start.directory, "dynamodb");
  const { java, dynamodbLib: lib } = start.libs;
  const plan = { directory, logFile: join(directory, "log"), port: state.dynamodb.port, java, lib };
  return new ProgramNode(dynamodbProgram(plan), onDeath);
}

interface Parts {
  readonly cassandra: readonly ProgramNode[];
  readonly dynamodb: ProgramNode | null;
  readonly died: Promise<EngineDeath>;
  readonly lock: Lock;
  readonly onStopped: (() => void) | undefined;
}

function running({ cassandra, dynamodb, died, lock, onStopped }: Parts): RunningEngines {
  const all = dynamodb === null ? cassandra : [...cassandra, dynamodb];
  const revivals = new Revivals(all);
  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    await revivals.end();
    await Promise.all(all.map((node) => node.stop()));
    onStopped?.();
    lock.release();
  };
  const contactPoints = cassandra.map(({ host, port }) => `${host}:${port}`);
  return {
    cassandra: cassandra.length === 0 ? null : { contactPoints, datacenter: DATACENTER, nodes: cassandra },
    dynamodb:
      dynamodb === null
        ? null
        : { endpoint: `http://${dynamodb.host}:${dynamodb.port}`, region: DYNAMODB_REGION, node: dynamodb },
    died,
    revive: (name) => revivals.revive(name),
    stop: () => (stopping ??= stop()),
  };
}

/** A node serves before the others have heard of it; only then may replicas be counted on. */
async function untilAllAgree(nodes: readonly EngineNode[], signal: AbortSignal | undefined): Promise<void> {
  const deadline = performance.now() + AGREEMENT_MS_MAX;
  const replicas = nodes.length === 2 ? 2 : nodes.length === 3 ? 3 : 1;
  for (const node of nodes) {
    while (!((await answersCql(node, replicas)) && (await knowsPeers(node, nodes.length - 1)))) {
      signal?.throwIfAborted();
      if (performance.now() >= deadline) {
        throw new EnginesError(`${node.name} does not see the other nodes (${node.logFile})`);
      }
      await sleep(POLL_MS);
    }
  }
}

function holdDirectory(directory: string): Lock {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new EnginesError(`cannot write ${directory}: ${errorText(error)}`, { cause: error });
  }
  const lock = tryLock(directoryLock(directory));
  if (lock !== null) return lock;
  throw new EnginesError(`${directory} is in use: engines of another process run on it`, {
    hint: "stop those first, or name another directory",
  });
}

/** Their ports count as taken until they are gone. */
async function endLeftOvers(directory: string): Promise<void> {
  const names = ["cassandra-1", "cassandra-2", "cassandra-3", "dynamodb"];
  await Promise.all(names.map((name) => endLeftOver(join(directory, name))));
}

function directoryOf(directory: string, name: string): string {
  const path = join(directory, name);
  mkdirSync(path, { recursive: true });
  return path;
}

function describe({ cassandraNodes: nodes, dynamodb }: EnginesRequest): string {
  const cassandra = nodes === 0 ? [] : [`Cassandra ${ARTIFACTS.cassandra.version} (${countOf(nodes)})`];
  return [...cassandra, ...(dynamodb ? [`DynamoDB Local ${ARTIFACTS.dynamodb.version}`] : [])].join(", ");
}

function countOf(nodes: number): string {
  return nodes === 1 ? "1 node" : `${nodes} nodes`;
}
