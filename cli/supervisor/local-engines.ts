/**
 * The engines of an instance: real Cassandra nodes and a DynamoDB Local that run beside its parts and hold its data.
 * It must not know how an engine is run; engines/ does.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunningEngines } from "../../engines/engines.ts";
import type { LocalEngines } from "../configuration.ts";
import { type DataDirectory, displayPath } from "../data-directory.ts";
import { CliFailure, errorLine } from "../failure.ts";
import { needsEngines, type StorageChoice } from "../storage-choice.ts";
import { EngineLosses } from "./engine-losses.ts";
import { EngineRevival } from "./engine-revival.ts";

/** Engines that serve. */
export interface InstanceEngines extends LocalEngines {
  /** Where each listens, as host:port. */
  readonly addresses: { readonly [name: string]: string };
  /** Resolves to a failure when one has ended unasked that the instance cannot go on without. */
  readonly died: Promise<CliFailure>;
  /** In order; what they hold in memory is written first. */
  stop(): Promise<void>;
  /** At once; nothing that was acknowledged is lost. */
  kill(): Promise<void>;
}

/** What starting needs. */
export interface EnginesStart {
  readonly directory: DataDirectory;
  readonly storage: StorageChoice;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
  /** Told of an engine that has ended unasked and that the others can do without, and of what becomes of it. */
  readonly onWarning: (text: string) => void;
}

/** Says what to install when this machine cannot run engines. Throws `CliFailure`. */
export async function requireToolchain(storage: StorageChoice): Promise<void> {
  if (!needsEngines(storage)) return;
  const { findToolchain } = await import("../../engines/engines.ts");
  try {
    findToolchain();
  } catch (error) {
    throw explained(error);
  }
}

/** Starts what the choice needs; null when that is nothing. Throws `CliFailure`, or the signal's reason. */
export async function startEnginesOf(start: EnginesStart): Promise<InstanceEngines | null> {
  const { directory, storage, signal, onProgress, onWarning } = start;
  if (!needsEngines(storage)) return null;
  const { startEngines } = await import("../../engines/engines.ts");
  const died = Promise.withResolvers<CliFailure>();
  const serving = Promise.withResolvers<RunningEngines>();
  const losses = new EngineLosses(storage.nodes);
  const revival = new EngineRevival({
    revive: async (name) => (await serving.promise).revive(name),
    pause: (pauseMs) => sleep(pauseMs, undefined, { signal, ref: false }),
    nowMs: () => performance.now(),
    signal,
    onServing: (name) => losses.takeBack(name),
    onWarning,
  });
  try {
    const running = await startEngines({
      directory: directory.engines,
      cassandraNodes: storage.nodes === 3 ? 3 : storage.nodes === 1 ? 1 : 0,
      dynamodb: storage.catalog === "dynamodb",
      signal,
      onProgress,
      onDeath: ({ name, reason }) => {
        const log = displayPath(join(directory.engines, name, "log"));
        const text = `${name} ended unexpectedly (${reason}); its log is ${log}`;
        if (losses.add(name) === "fatal") died.resolve(new CliFailure(text));
        else void revival.begin(name, text);
      },
    });
    serving.resolve(running);
    const { cassandra, dynamodb } = running;
    const nodes = [...(cassandra?.nodes ?? []), ...(dynamodb === null ? [] : [dynamodb.node])];
    return {
      cassandra:
        cassandra === null ? null : { contactPoints: cassandra.contactPoints, datacenter: cassandra.datacenter },
      dynamodb: dynamodb === null ? null : { endpoint: dynamodb.endpoint, region: dynamodb.region },
      addresses: Object.fromEntries(nodes.map(({ name, host, port }) => [name, `${host}:${port}`])),
      died: died.promise,
      stop: () => running.stop(),
      kill: async () => {
        // Begun first, so that nothing is started again behind the kill.
        const stopped = running.stop();
        await Promise.all(nodes.map((node) => node.kill()));
        await stopped;
      },
    };
  } catch (error) {
    if (signal.aborted) throw error;
    throw explained(error);
  }
}

/** The engines' own errors carry what to do next behind the first line. */
function explained(error: unknown): CliFailure {
  const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : null;
  return new CliFailure(errorLine(error), { ...(hint === null ? {} : { hint }), cause: error });
}
