/**
 * A three-node Cassandra of a run's own, with a proxy before each node and, where mounting is permitted, a small disk under the
 * commit log of one of them. It must not leave anything: no process, no mount.
 */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type EngineNode, type EnginesRequest, type RunningEngines, startEngines } from "../../engines/engines.ts";
import { findFreePorts } from "../e2e/free-ports.ts";
import { type Held, type HeldConnection, NodeProxy } from "./node-proxy.ts";

/** Room for a few segments of the commit log (32 MiB each). */
const DISK_MIB = 160;

/** The node whose commit log has the small disk. */
const SMALL = 2;

/** Longest wait for a conditional batch under load. */
const HOLD_MS_MAX = 120_000;

const PIECE = Buffer.alloc(1024 * 1024, 1);

/** What to start. */
export interface ClusterRequest extends Pick<EnginesRequest, "cassandraCompiles"> {
  readonly directory: string;
  /** One line now and then. */
  readonly onProgress: (text: string) => void;
  /** Whether DynamoDB Local belongs to it. */
  readonly dynamodb?: true;
  /** Whether one node gets a small disk, where that is permitted. */
  readonly smallDisk?: true;
}

/** The cluster. */
export class FaultyCluster {
  readonly nodes: readonly EngineNode[];
  readonly proxies: readonly NodeProxy[];
  /** Of the proxies: what shards connect to. */
  readonly contactPoints: readonly string[];
  readonly datacenter: string;
  readonly smallDisk: SmallDisk | null;
  readonly dynamodb: RunningEngines["dynamodb"];
  readonly #engines: RunningEngines;

  private constructor(engines: RunningEngines, proxies: readonly NodeProxy[], parts: Parts) {
    if (engines.cassandra === null) throw new Error("broken assumption: Cassandra was asked for");
    this.#engines = engines;
    this.nodes = engines.cassandra.nodes;
    this.datacenter = engines.cassandra.datacenter;
    this.proxies = proxies;
    this.contactPoints = this.nodes.map(({ host }) => `${host}:${parts.proxyPort}`);
    this.smallDisk = parts.smallDisk;
    this.dynamodb = engines.dynamodb;
  }

  /** Resolves when all of it serves. */
  static async start({ smallDisk: hasSmallDisk, dynamodb, ...wanted }: ClusterRequest): Promise<FaultyCluster> {
    const { directory } = wanted;
    const commitLog = join(directory, `cassandra-${SMALL + 1}`, "data", "commitlog");
    const smallDisk = hasSmallDisk === true ? SmallDisk.mount(commitLog) : null;
    let engines: RunningEngines | null = null;
    try {
      engines = await startEngines({ ...wanted, cassandraNodes: 3, dynamodb: dynamodb === true });
      const nodes = engines.cassandra?.nodes ?? [];
      const proxyPort = await findFreePorts(1);
      const proxies = await Promise.all(
        nodes.map(({ host, port }) => NodeProxy.start({ host, port: proxyPort, nodePort: port })),
      );
      return new FaultyCluster(engines, proxies, { proxyPort, smallDisk });
    } catch (error) {
      await engines?.stop();
      smallDisk?.unmount();
      throw error;
    }
  }

  /** A node by its number from 0, the numbers going round. */
  node(index: number): EngineNode {
    return at(this.nodes, index);
  }

  proxy(index: number): NodeProxy {
    return at(this.proxies, index);
  }

  /** Holds one conditional batch on its way to or from whatever node it is for. */
  async holdNext(what: Held): Promise<HeldConnection> {
    const rest = new AbortController();
    const waiting = AbortSignal.any([rest.signal, AbortSignal.timeout(HOLD_MS_MAX)]);
    const held = this.proxies.map((proxy) => proxy.holdNext(what, waiting));
    const first = await Promise.race(held);
    rest.abort();
    // Two may have caught one before the second could be called off.
    for (const other of await Promise.all(held)) if (other !== first) other?.release();
    if (first === null) throw new Error(`no conditional batch within ${HOLD_MS_MAX} ms`);
    return first;
  }

  /** The node on the small disk. */
  smallNode(): EngineNode {
    return this.node(SMALL);
  }

  /** Everything gone, whatever state it is in. */
  async stop(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    for (const node of this.nodes) node.resume();
    this.dynamodb?.node.resume();
    // What is on the disks is not needed any more.
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.#engines.stop();
    this.smallDisk?.unmount();
  }

  /** As `stop`, without waiting. */
  abandon(): void {
    for (const node of this.nodes) void node.kill();
    void this.dynamodb?.node.kill();
    this.smallDisk?.unmount();
  }
}

interface Parts {
  readonly proxyPort: number;
  readonly smallDisk: SmallDisk | null;
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined) throw new Error("broken assumption: there are three nodes");
  return item;
}

/** A file system in memory that can be filled to the last byte. */
class SmallDisk {
  readonly #path: string;
  readonly #filler: string;
  readonly #onExit = (): void => this.unmount();
  #isMounted = true;

  private constructor(path: string) {
    this.#path = path;
    this.#filler = join(path, "filler");
    // Also when the test ends by an exception or a signal that nobody waits for.
    process.once("exit", this.#onExit);
  }

  /** Null where mounting is not permitted. */
  static mount(path: string): SmallDisk | null {
    mkdirSync(path, { recursive: true });
    try {
      run("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", path]);
    } catch {
      return null;
    }
    return new SmallDisk(path);
  }

  fill(): void {
    const file = openSync(this.#filler, "w");
    try {
      for (;;) writeSync(file, PIECE);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(this.#filler, { force: true });
  }

  unmount(): void {
    if (!this.#isMounted) return;
    this.#isMounted = false;
    process.off("exit", this.#onExit);
    run("umount", ["-l", this.#path]);
  }
}

function run(program: string, parameters: readonly string[]): void {
  execFileSync(program, parameters, { stdio: "ignore" });
}

/** What a node has written to its log since `fromByte`. */
export function logSince(node: EngineNode, fromByte: number): string {
  return readFileSync(node.logFile).subarray(fromByte).toString("utf8");
}

/** How much a node has written to its log. */
export function logBytes(node: EngineNode): number {
  return readFileSync(node.logFile).length;
}
