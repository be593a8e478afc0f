/**
 * The real databases of a run: those that the environment names are used as they are, the others are started when a bench first asks
 * for them and stopped with the run. It must not know what is stored in them.
 */
import { readdirSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { type EnginesRequest, type RunningEngines, startEngines } from "../engines/engines.ts";
import { DATACENTER, DYNAMODB_REGION } from "../engines/settings.ts";

/** A cluster of three nodes. */
export interface ClusterAddress {
  /** `host:port` each. */
  readonly contactPoints: readonly string[];
  readonly datacenter: string;
}

/** A DynamoDB Local; it takes any credentials. */
export interface DynamodbPlace {
  readonly endpoint: string;
  readonly region: string;
}

/** What can be named by the environment instead of being started. */
const NAMED = { cluster: "ZGATE_CASSANDRA_3", dynamodb: "ZGATE_DYNAMODB" } as const;

/**
 * The servers' niceness. They have dozens of threads that all want a processor of this machine, and either side of a comparison has one
 * in each process: with equal rights it would wait its turn behind them, and what was compared would be that wait. In use, a
 * database has machines of its own.
 */
const NICENESS = 10;

/** The servers of one run, in a folder of their own. */
export class DatabaseServers {
  readonly #directory: string;
  readonly #report: (line: string) => void;
  readonly #over = new AbortController();
  readonly #starting: Promise<RunningEngines>[] = [];

  constructor(directory: string, report: (line: string) => void) {
    this.#directory = directory;
    this.#report = report;
  }

  /** Three Cassandra nodes. Throws `EnginesError` where they cannot be had. */
  async startCluster(): Promise<ClusterAddress> {
    const named = process.env[NAMED.cluster];
    if (named !== undefined) return { contactPoints: named.split(","), datacenter: DATACENTER };
    const { cassandra } = await this.#start("cassandra", {
      ...{ cassandraNodes: 3, dynamodb: false },
      cassandraCompiles: "soon",
    });
    if (cassandra === null) throw new Error("started no Cassandra");
    for (const node of cassandra.nodes) yieldTo(node.pid());
    return cassandra;
  }

  /** Likewise. */
  async startDynamodb(): Promise<DynamodbPlace> {
    const named = process.env[NAMED.dynamodb];
    if (named !== undefined) return { endpoint: named, region: DYNAMODB_REGION };
    const { dynamodb } = await this.#start("dynamodb", { cassandraNodes: 0, dynamodb: true });
    if (dynamodb === null) throw new Error("started no DynamoDB Local");
    return dynamodb;
  }

  /** Stops what was started; whatever still starts is given up. */
  async stop(): Promise<void> {
    this.#over.abort(new Error("the bench is over"));
    const settled = await Promise.allSettled(this.#starting);
    const started = settled.filter((start) => start.status === "fulfilled");
    await Promise.all(started.map(({ value }) => value.stop()));
  }

  #start(
    part: string,
    what: Pick<EnginesRequest, "cassandraNodes" | "dynamodb" | "cassandraCompiles">,
  ): Promise<RunningEngines> {
    const directory = join(this.#directory, part);
    const starting = startEngines({ directory, onProgress: this.#report, signal: this.#over.signal, ...what });
    this.#starting.push(starting);
    return starting;
  }
}

/** Lets everything else go first. A thread inherits it from the one that starts it, so those there are will do. */
function yieldTo(pid: number | null): void {
  if (pid === null || process.platform !== "linux") return;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      setPriority(Number(thread), NICENESS);
    } catch {
      // The thread has ended.
    }
  }
}
