// The two shards of a group and what may become of their processes: killed, stopped, started again. Every process is known by its id and
// killed at the end. Must not know what they store.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePorts } from "../e2e/free-ports.ts";
import {
  createShardFiles,
  eventually,
  isAlive,
  type ShardFiles,
  type ShardProcess,
  startShard,
  twoShardConfig,
} from "../e2e/shard-process.ts";
import {
  CONTROL_ENV,
  FIRST_STAGE,
  PLANTED_ENV,
  type PlannedCell,
  type Stage,
  writePlan,
  writeStage,
} from "./control.ts";
import type { PlantedBug } from "./planted-bugs.ts";

export const SOURCE = "shard-1";
export const DESTINATION = "shard-2";
export type ShardName = typeof SOURCE | typeof DESTINATION;

const PRELOAD = new URL("preload.ts", import.meta.url).href;
/** At the destination two to drive first, and one to take over. */
const WORKERS: Readonly<Record<ShardName, number>> = { [SOURCE]: 1, [DESTINATION]: 3 };

/** What a pair is started with. `onLine` is given every line that any process logs. */
export interface PairOptions {
  readonly cells: readonly PlannedCell[];
  readonly planted: PlantedBug | null;
  readonly onLine: (line: string) => void;
  /** In front of each shard's database, where it has one: as `host:port`. */
  readonly databases: Databases | null;
}

/** The database of both shards, and how each of them reaches it. */
export interface Databases {
  readonly address: string;
  readonly seenBy: Readonly<Record<ShardName, string>>;
}

/** Two shards with their files. */
export class CrashPair {
  readonly files: ShardFiles;
  readonly origins: Readonly<Record<ShardName, string>>;
  readonly #ports: Readonly<Record<ShardName, number>>;
  readonly #options: PairOptions;
  readonly #processes = new Map<ShardName, ShardProcess>();
  readonly #pids = new Set<number>();
  readonly #absorbers: Socket[] = [];
  #stage: Stage = FIRST_STAGE;

  private constructor(files: ShardFiles, ports: readonly [number, number], options: PairOptions) {
    this.files = files;
    this.#options = options;
    this.#ports = { [SOURCE]: ports[0], [DESTINATION]: ports[1] };
    this.origins = { [SOURCE]: `http://127.0.0.1:${ports[0]}`, [DESTINATION]: `http://127.0.0.1:${ports[1]}` };
  }

  static async start(options: PairOptions): Promise<CrashPair> {
    const first = await findFreePorts(2);
    const ports = [first, first + 1] as const;
    const directory = mkdtempSync(join(tmpdir(), "zgate-crash-"));
    const pair = new CrashPair(
      await createShardFiles({ configText: twoShardConfig(ports), directory }),
      ports,
      options,
    );
    writePlan(directory, options.cells);
    writeStage(directory, FIRST_STAGE);
    try {
      await Promise.all([pair.restart(SOURCE), pair.restart(DESTINATION)]);
    } catch (error) {
      await pair.destroy();
      throw error;
    }
    return pair;
  }

  get folder(): string {
    return this.files.directory;
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** Tells all processes how far the test is. */
  tell(change: Partial<Stage>): void {
    this.#stage = { ...this.#stage, ...change };
    writeStage(this.folder, this.#stage);
  }

  async restart(shard: ShardName): Promise<void> {
    const { planted, onLine } = this.#options;
    const environment = {
      NODE_OPTIONS: `--import ${PRELOAD}`,
      [CONTROL_ENV]: this.folder,
      [PLANTED_ENV]: planted ?? "",
    };
    const files = { ...this.files, configFile: this.#configFileOf(shard) };
    const process = await startShard({
      ...{ files, shard, environment, onLine },
      port: this.#ports[shard],
      workers: WORKERS[shard],
    });
    this.#processes.set(shard, process);
    this.#remember(process);
  }

  #configFileOf(shard: ShardName): string {
    const { databases } = this.#options;
    if (databases === null) return this.files.configFile;
    const file = join(this.folder, `zgate-of-${shard}.toml`);
    writeFileSync(file, this.files.configText.replaceAll(databases.address, databases.seenBy[shard]));
    return file;
  }

  /** SIGKILL to the primary and all its workers but those of `spared`, which are left without a primary. */
  async kill(shard: ShardName, spared: ReadonlySet<number> = new Set()): Promise<void> {
    const process = this.#processOf(shard);
    const pids = this.#remember(process).filter((pid) => !spared.has(pid));
    for (const pid of [process.pid, ...pids]) signal(pid, "SIGKILL");
    await eventually(() => ![process.pid, ...pids].some(isAlive), `${shard} is gone`);
  }

  async killWorkers(pids: ReadonlySet<number>): Promise<void> {
    for (const pid of pids) signal(pid, "SIGKILL");
    await eventually(() => ![...pids].some(isAlive), "the workers are gone");
  }

  /** Those who stand somewhere at the destination stop themselves. */
  async freeze(pids: ReadonlySet<number>): Promise<void> {
    this.tell({ frozenShard: DESTINATION });
    await eventually(() => [...pids].every(isStopped), "the first runners have stopped");
  }

  /** Wherever they are: only for those who hold no lock of a file. */
  async stopAnywhere(pids: ReadonlySet<number>): Promise<void> {
    for (const pid of pids) signal(pid, "SIGSTOP");
    await eventually(() => [...pids].every(isStopped), "the first runners have stopped");
  }

  /** A stopped worker is handed one connection at most: these are for it, so that nobody else's has to wait. */
  absorb(connections: number): void {
    for (let count = 0; count < connections; count += 1) {
      const socket = connect(this.#ports[DESTINATION], "127.0.0.1");
      socket.on("error", () => undefined);
      this.#absorbers.push(socket);
    }
  }

  wake(pids: ReadonlySet<number>): void {
    this.tell({ frozenShard: null });
    for (const pid of pids) signal(pid, "SIGCONT");
    for (const socket of this.#absorbers.splice(0)) socket.destroy();
  }

  /** SIGKILL to everything that was ever started, then the files go. */
  async destroy(): Promise<void> {
    this.killAll();
    await Promise.all([...this.#processes.values()].map((process) => process.destroy()));
    this.killAll();
    for (const socket of this.#absorbers) socket.destroy();
    await this.files.remove();
  }

  /** The part of it that a test process may still do while it ends. */
  killAll(): void {
    for (const process of this.#processes.values()) this.#remember(process);
    for (const pid of this.#pids) if (isAlive(pid)) signal(pid, "SIGKILL");
  }

  #remember(process: ShardProcess): readonly number[] {
    const workers = process.workerPids();
    for (const pid of [process.pid, ...workers]) this.#pids.add(pid);
    return workers;
  }

  #processOf(shard: ShardName): ShardProcess {
    const process = this.#processes.get(shard);
    if (process === undefined) throw new Error(`broken assumption: ${shard} was started`);
    return process;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

function isStopped(pid: number): boolean {
  try {
    return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
