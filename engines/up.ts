/**
 * `engines:up`, `engines:down` and `engines:status`: find the keeper of a directory, start it, stop it, ask what it
 * keeps. It must not touch any process that the keeper did not start.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EnginesError, errorText } from "./engines-error.ts";
import { requireRunnable } from "./jars.ts";
import { findKept, forgetRevival, type Kept, type KeptNode, readRevival, removeKept } from "./keeper-file.ts";
import { endLeftOver, recordedProcess } from "./left-over.ts";
import { directoryLock, type Lock, waitForLock } from "./lock.ts";
import { answersCql, answersHttp } from "./probes.ts";
import { isAlive, type ProcessIdentity, signalProcess, waitUntilGone } from "./process-identity.ts";
import { ARTIFACTS } from "./settings.ts";

const KEEPER = join(import.meta.dirname, "keeper.ts");
/** Longer than the orderly stop of any node may take. */
const STOP_MS_MAX = 90_000;
const KILL_MS_MAX = 10_000;
/** A start that was broken off takes a moment to end what it has started. */
const ENDING_MS_MAX = 5_000;

/** Longer than the start of any node may take. */
const REVIVAL_MS_MAX = 270_000;
const LOOK_AGAIN_MS = 250;

/** What to bring up. */
export interface UpRequest {
  readonly directory: string;
  readonly nodes: 1 | 2 | 3;
  readonly onProgress: (text: string) => void;
  /** Breaks the start off; nothing is left running. */
  readonly signal: AbortSignal;
}

/** What is there after `up`, and whether it was there before. */
export interface UpResult {
  readonly kept: Kept;
  readonly ranAlready: boolean;
  /** Names of those that had ended and were started again. */
  readonly revived: readonly string[];
}

/**
 * Brings the engines of a directory up, unless they run; of those that do, the ones that have ended. Throws `EnginesError`,
 * also when one runs that does not answer.
 */
export async function bringUp(request: UpRequest): Promise<UpResult> {
  const { directory, nodes } = request;
  const present = findKept(directory);
  if (present !== null && present.cassandra.length !== nodes) {
    throw new EnginesError(`${present.cassandra.length} of Cassandra's nodes run in ${directory}, not ${nodes}`, {
      hint: "stop them with `npm run engines:down`, or name another directory with --data DIR",
    });
  }
  if (present !== null) {
    return { kept: present, ranAlready: true, revived: await reviveEnded(request, present) };
  }
  requireRunnable([ARTIFACTS.cassandra, ARTIFACTS.dynamodb]);
  mkdirSync(directory, { recursive: true });
  await startKeeper(request);
  const kept = findKept(directory);
  if (kept === null) throw new EnginesError(`the engines ended at once; see ${join(directory, "keeper.log")}`);
  return { kept, ranAlready: false, revived: [] };
}

/** Has the keeper start what has ended, and waits until all serve. Resolves to the names of those. */
async function reviveEnded({ directory, signal }: UpRequest, { keeper }: Kept): Promise<readonly string[]> {
  const ended = await missingOf(directory);
  if (ended.some(({ pid }) => pid !== null)) throw notAllRun(directory, ended);
  forgetRevival(directory);
  const deadline = performance.now() + REVIVAL_MS_MAX;
  for (let missing = ended; missing.length > 0; missing = await missingOf(directory)) {
    if (performance.now() >= deadline) throw notAllRun(directory, missing);
    // It may hear of a death later than we see it, so it is asked until the engine runs.
    if (missing.some(({ pid }) => pid === null)) signalProcess(keeper, "SIGUSR2");
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
    const [failure] = readRevival(directory);
    if (failure !== undefined) throw new EnginesError(`an engine could not be started again: ${failure}`);
  }
  return ended.map(({ name }) => name);
}

/** The engines that do not serve. */
async function missingOf(directory: string): Promise<readonly NodeStatus[]> {
  const nodes = nodesOf(await statusOf(directory));
  if (nodes.length === 0) throw notAllRun(directory, []);
  return nodes.filter(({ serves }) => !serves);
}

function notAllRun(directory: string, missing: readonly NodeStatus[]): EnginesError {
  const names = missing.map((node) => `${node.name} ${healthOf(node)}`).join(", ");
  return new EnginesError(`the engines in ${directory} do not all run: ${names || "they have just ended"}`, {
    hint: "run `npm run engines:down`, then `npm run engines:up`, with the same options; the data stays",
  });
}

/**
 * Stops what `bringUp` has started in a directory. Resolves to whether any ran. Throws `EnginesError` when they cannot
 * be ended, or when they are another process's to end.
 */
export async function bringDown(directory: string): Promise<boolean> {
  const kept = findKept(directory);
  if (kept === null) return await endForgotten(directory);
  signalProcess(kept.keeper, "SIGTERM");
  if (await waitUntilGone(kept.keeper, STOP_MS_MAX)) return true;
  // Its guards end the engines at once then.
  signalProcess(kept.keeper, "SIGKILL");
  if (!(await waitUntilGone(kept.keeper, KILL_MS_MAX))) {
    throw new EnginesError(`process ${kept.keeper.pid} keeps the engines and cannot be ended`);
  }
  await endForgotten(directory, kept.keeper);
  return true;
}

/** One engine and its health. */
export interface NodeStatus extends KeptNode {
  readonly pid: number | null;
  readonly serves: boolean;
}

/** What runs in a directory; `keeper` is null when nothing is kept running there. */
export interface EnginesStatus {
  readonly directory: string;
  readonly keeper: number | null;
  readonly cassandra: {
    readonly contactPoints: readonly string[];
    readonly datacenter: string;
    readonly nodes: readonly NodeStatus[];
  } | null;
  readonly dynamodb: { readonly endpoint: string; readonly region: string; readonly node: NodeStatus } | null;
}

/** All engines of a status. */
export function nodesOf({ cassandra, dynamodb }: EnginesStatus): readonly NodeStatus[] {
  return [...(cassandra?.nodes ?? []), ...(dynamodb === null ? [] : [dynamodb.node])];
}

/** An engine's health in words. */
export function healthOf({ pid, serves }: NodeStatus): string {
  if (serves) return "serves";
  return pid === null ? "has ended" : "does not answer";
}

/** Asks every engine of the directory. */
export async function statusOf(directory: string): Promise<EnginesStatus> {
  const kept = findKept(directory);
  if (kept === null) return { directory, keeper: null, cassandra: null, dynamodb: null };
  const nodes = await Promise.all(kept.cassandra.map((node) => nodeStatus(directory, node, answersCql(node, 1))));
  const { datacenter, region, dynamodb } = kept;
  return {
    directory,
    keeper: kept.keeper.pid,
    cassandra: { contactPoints: nodes.map(({ host, port }) => `${host}:${port}`), datacenter, nodes },
    dynamodb: dynamodb === null ? null : await dynamodbStatus(directory, dynamodb, region),
  };
}

async function dynamodbStatus(directory: string, kept: KeptNode, region: string): Promise<EnginesStatus["dynamodb"]> {
  const node = await nodeStatus(directory, kept, answersHttp(kept.host, kept.port));
  return { endpoint: `http://${kept.host}:${kept.port}`, region, node };
}

/** Somebody else's server at the port of an engine that has ended does not count. */
async function nodeStatus(directory: string, node: KeptNode, answer: Promise<boolean>): Promise<NodeStatus> {
  const answers = await answer;
  const recorded = recordedProcess(join(directory, node.name));
  const pid = recorded !== null && isAlive(recorded) ? recorded.pid : null;
  return { ...node, pid, serves: answers && pid !== null };
}

/**
 * Ends engines whose owner and guards were all killed. What a living owner runs is that one's: it holds the directory.
 * `killed`: the keeper whose file is of no use any more.
 */
async function endForgotten(directory: string, killed?: ProcessIdentity): Promise<boolean> {
  if (!existsSync(directoryLock(directory))) return false;
  const lock = await holdOwnerless(directory);
  try {
    if (killed !== undefined) removeKept(directory, killed);
    return await endRecorded(directory);
  } finally {
    lock.release();
  }
}

async function holdOwnerless(directory: string): Promise<Lock> {
  const patience = AbortSignal.timeout(ENDING_MS_MAX);
  try {
    return await waitForLock(directoryLock(directory), () => undefined, patience);
  } catch (error) {
    if (!patience.aborted) throw error;
    throw new EnginesError(`${directory} is in use by another process`, {
      hint: "stop that process: Ctrl-C ends a running `npm start`, or a start that is under way, with its engines",
    });
  }
}

async function endRecorded(directory: string): Promise<boolean> {
  const folders = ["cassandra-1", "cassandra-2", "cassandra-3", "dynamodb"].map((name) => join(directory, name));
  const forgotten = folders.filter((folder) => {
    const recorded = recordedProcess(folder);
    return recorded !== null && isAlive(recorded);
  });
  await Promise.all(forgotten.map((folder) => endLeftOver(folder)));
  return forgotten.length > 0;
}

async function startKeeper({ directory, nodes, onProgress, signal }: UpRequest): Promise<void> {
  const log = openSync(join(directory, "keeper.log"), "a");
  const keeper = spawn(process.execPath, [KEEPER, directory, String(nodes)], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  // Without the channel it gives up and ends what it has started.
  const breakOff = (): void => {
    if (keeper.connected) keeper.disconnect();
  };
  signal.addEventListener("abort", breakOff);
  try {
    await untilReady(keeper, onProgress);
  } finally {
    signal.removeEventListener("abort", breakOff);
  }
  breakOff();
  keeper.unref();
}

function untilReady(keeper: ChildProcess, onProgress: (text: string) => void): Promise<void> {
  return new Promise((settle, fail) => {
    let failure = "the keeper of the engines ended";
    keeper.on("message", (message) => {
      const { type, text } = parseMessage(message);
      if (type === "progress") onProgress(text);
      if (type === "ready") settle();
      if (type === "failed") failure = text;
    });
    keeper.once("error", (error) => fail(new EnginesError(`cannot start the keeper: ${errorText(error)}`)));
    // Only its end says that everything it had started is gone.
    keeper.once("exit", () => fail(new EnginesError(failure)));
  });
}

function parseMessage(message: unknown): { readonly type: string; readonly text: string } {
  const fields = message as { readonly type: string; readonly text?: string; readonly message?: string };
  return { type: fields.type, text: fields.text ?? fields.message ?? "" };
}
