/**
 * The machine that the figures belong to. It must not name the machine, its user or its paths.
 */
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { rounded } from "./statistics.ts";

/** Size of a machine and what runs on it. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryMiB: number;
  readonly platform: string;
  readonly node: string;
  /** Processes that were running or waiting, on average over the minute before; 0 where the system does not say. */
  readonly load: number;
}

/** The machine this process runs on. */
export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    load: rounded(loadavg()[0] ?? 0, 2),
  };
}

/** Whether so much else is going on that the figures will be rough. */
export function isBusy({ load, cores }: Machine): boolean {
  return load > cores / 2;
}
