/**
 * What is broken of the engines under a chaos run: one node of Cassandra at a time, so that a quorum stays, and the catalog's server.
 * It must not hurt a second node before the first is back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineNode } from "../../engines/engines.ts";
import type { FaultyCluster } from "../faults/faulty-cluster.ts";
import type { Random } from "../history/random.ts";

const CUTS = 4;
const CUT_PAUSE_MS = 300;

/** The nodes of a cluster. Where a node takes long to come back, the run goes on meanwhile. */
export class NodeFaults {
  readonly #cluster: FaultyCluster;
  #mending: Promise<void> = Promise.resolve();
  /** Why a node did not come back. */
  readonly failures: string[] = [];

  constructor(cluster: FaultyCluster) {
    this.#cluster = cluster;
  }

  /** SIGKILL; it is started again. */
  async killOne(random: Random): Promise<void> {
    const node = await this.#pick(random);
    await node.kill();
    this.#mend(node.start());
  }

  /** As for maintenance: what it holds in memory is written, and it is started again. */
  async restartOne(random: Random): Promise<void> {
    const node = await this.#pick(random);
    this.#mend(node.stop().then(() => node.start()));
  }

  /** SIGSTOP for so long, in milliseconds. */
  async stopOne(random: Random, durationMs: number): Promise<void> {
    await pauseFor(await this.#pick(random), durationMs);
  }

  /** All connections to one node, again and again. */
  async cutOne(random: Random): Promise<void> {
    const proxy = this.#cluster.proxy(random.below(this.#cluster.nodes.length));
    for (let round = 0; round < CUTS; round += 1) {
      proxy.cut();
      await sleep(CUT_PAUSE_MS);
    }
  }

  /** The catalog's server hangs for so long, in milliseconds. */
  async stopCatalog(durationMs: number): Promise<void> {
    const node = this.#cluster.dynamodb?.node;
    if (node === undefined) throw new Error("broken assumption: the catalog has a server");
    await pauseFor(node, durationMs);
  }

  /** Resolves when all nodes are there. */
  async settle(): Promise<void> {
    await this.#mending;
  }

  async #pick(random: Random): Promise<EngineNode> {
    await this.#mending;
    return this.#cluster.node(random.below(this.#cluster.nodes.length));
  }

  #mend(work: Promise<void>): void {
    this.#mending = work.catch((error: unknown) => void this.failures.push(String(error)));
  }
}

async function pauseFor(node: EngineNode, durationMs: number): Promise<void> {
  node.pause();
  try {
    await sleep(durationMs);
  } finally {
    node.resume();
  }
}
