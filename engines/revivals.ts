/**
 * Engines that have ended and are started again while the others run. It must not start any once the end of all has begun.
 */
import type { ProgramNode } from "./engine-node.ts";
import { EnginesError } from "./engines-error.ts";

/** The revivals of one set of engines. */
export class Revivals {
  readonly #nodes: readonly ProgramNode[];
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #over = new AbortController();

  constructor(nodes: readonly ProgramNode[]) {
    this.#nodes = nodes;
  }

  /** Resolves when it serves; two who ask at once share one start. Throws `EnginesError`, also after `end`. */
  async revive(name: string): Promise<void> {
    const node = this.#nodes.find((candidate) => candidate.name === name);
    if (node === undefined) throw new EnginesError(`there is no engine ${name} here`);
    const { signal } = this.#over;
    signal.throwIfAborted();
    let revival = this.#underWay.get(name);
    if (revival === undefined) {
      revival = node.start(signal).finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, revival);
    }
    await revival;
  }

  /** Breaks off what is under way; resolves when nothing of it is left. */
  async end(): Promise<void> {
    this.#over.abort(new EnginesError("the engines are being stopped"));
    await Promise.allSettled(this.#underWay.values());
  }
}
