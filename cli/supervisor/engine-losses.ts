/**
 * Which engines of an instance have ended unasked, and whether it can go on without them. It must not end anything.
 */

/** `bearable`: documents are read and written without it; the replicas that are left are a quorum. */
export type Loss = "bearable" | "fatal";

/** The losses of one instance, on so many nodes of Cassandra with a replica of everything on each. */
export class EngineLosses {
  readonly #nodes: number;
  readonly #lost = new Set<string>();

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  /** What the end of this engine means, after those before. Only maps need the catalog. */
  add(name: string): Loss {
    if (!name.startsWith("cassandra-")) return "bearable";
    this.#lost.add(name);
    const left = this.#nodes - this.#lost.size;
    return left > this.#nodes / 2 ? "bearable" : "fatal";
  }

  /** It serves again. */
  takeBack(name: string): void {
    this.#lost.delete(name);
  }
}
