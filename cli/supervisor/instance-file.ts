/**
 * `run/run.json`: where the running instance can be found. It must not be believed without the lock: a killed
 * instance leaves its file behind.
 */
import { rmSync } from "node:fs";
import { type DataDirectory, readFields, writeWhole } from "../data-directory.ts";
import { isHeld } from "./lock.ts";

/** A running instance. `startedAt` is an ISO 8601 time. */
export interface RunningInstance {
  readonly url: string;
  readonly pid: number;
  readonly ports: { readonly [part: string]: number };
  /** Engines that run beside the parts, as host:port. */
  readonly engines: { readonly [name: string]: string };
  readonly startedAt: string;
}

/** Tells the other commands where this instance is. */
export function writeInstance(directory: DataDirectory, instance: RunningInstance): void {
  writeWhole(directory.runFile, `${JSON.stringify(instance)}\n`);
}

/** This instance is no more. */
export function removeInstance(directory: DataDirectory): void {
  for (const path of [directory.runFile, directory.holder, directory.edgeEnv]) rmSync(path, { force: true });
}

/** The instance that runs in a directory; null when none does. */
export function findInstance(directory: DataDirectory): RunningInstance | null {
  const instance = parseInstance(readFields(directory.runFile));
  return instance !== null && isHeld(directory) ? instance : null;
}

function parseInstance(fields: Readonly<Record<string, unknown>> | null): RunningInstance | null {
  const { url, pid, ports, engines, startedAt }: { readonly [name: string]: unknown } = fields ?? {};
  if (typeof url !== "string" || typeof pid !== "number" || typeof startedAt !== "string") return null;
  if (typeof ports !== "object" || ports === null) return null;
  const isNamed = typeof engines === "object" && engines !== null;
  return {
    ...{ url, pid, startedAt },
    ports: ports as RunningInstance["ports"],
    engines: isNamed ? (engines as RunningInstance["engines"]) : {},
  };
}
