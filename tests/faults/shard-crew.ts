/**
 * The shards of a run: real processes on sockets, workers whose clocks disagree, and the ways to hurt a worker.
 * It must not know what lies beneath them.
 */
import { createRequire } from "node:module";
import { isAlive, type ShardFiles, type ShardProcess, startShard } from "../e2e/shard-process.ts";
import type { Random } from "../history/random.ts";
import { until } from "./patience.ts";
import { findSocketOwner } from "./socket-owner.ts";

/** Shards to run; `ports` in order of the configuration. */
export interface ShardCrewOptions {
  readonly files: ShardFiles;
  readonly ports: readonly number[];
  readonly workers: number;
  /** Half the distance between two workers' clocks, in milliseconds. */
  readonly clockSkewMs: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const SKEWED_CLOCK = createRequire(import.meta.url).resolve("./skewed-clock.ts");

/** The shards. */
export class ShardCrew {
  readonly shards: readonly ShardProcess[];
  readonly #workers: number;

  private constructor(shards: readonly ShardProcess[], workers: number) {
    this.shards = shards;
    this.#workers = workers;
  }

  static async start({ files, ports, workers, clockSkewMs, environment }: ShardCrewOptions): Promise<ShardCrew> {
    const started: ShardProcess[] = [];
    try {
      // One after the other: the first creates what both need.
      for (const [index, port] of ports.entries()) {
        const skewed = { NODE_OPTIONS: `--import ${SKEWED_CLOCK}`, ZGATE_TEST_CLOCK_SKEW_MS: String(clockSkewMs) };
        const all = { ...skewed, ...environment };
        started.push(await startShard({ files, shard: `shard-${index + 1}`, port, workers, environment: all }));
      }
    } catch (error) {
      await Promise.all(started.map((shard) => shard.destroy()));
      throw error;
    }
    return new ShardCrew(started, workers);
  }

  origins(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.shards.map(({ origin }, index) => [`shard-${index + 1}`, origin]));
  }

  /** Some worker of some shard, once all have clients: one that has just been started has none yet. */
  async pickWorker(random: Random): Promise<number> {
    const size = this.shards.length * this.#workers;
    await until(() => this.#serving().length === size, "every worker has clients");
    const pids = this.#serving();
    const pid = pids[random.below(pids.length)];
    if (pid === undefined) throw new Error("broken assumption: there are workers");
    return pid;
  }

  #serving(): readonly number[] {
    return this.shards.flatMap(({ origin, workerPids }) => {
      const port = Number(new URL(origin).port);
      return workerPids().filter((pid) => findSocketOwner([pid], port) !== null);
    });
  }

  /** SIGKILL; resolves when the worker is gone and another has taken its place. */
  async killWorker(pid: number): Promise<void> {
    process.kill(pid, "SIGKILL");
    await until(() => !isAlive(pid), "the worker is gone");
    await this.untilComplete();
  }

  async untilComplete(): Promise<void> {
    await until(
      () => this.shards.every((shard) => shard.workerPids().length === this.#workers),
      "all workers are there",
    );
  }

  /** SIGKILL to everything. A stopped worker dies of it too. */
  async destroy(): Promise<void> {
    await Promise.all(this.shards.map((shard) => shard.destroy()));
  }
}
