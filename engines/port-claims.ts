/**
 * Ports that a start has chosen and nobody listens at yet: no other start of the same user chooses them meanwhile. It
 * must not outlive the start, nor tell whether a port is free; ports.ts does.
 */
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EnginesError, errorText } from "./engines-error.ts";
import { type Lock, tryLock } from "./lock.ts";

/** The claims of one start. */
export class PortClaims {
  readonly #directory: string;
  readonly #held = new Map<number, Lock>();

  constructor(directory: string = join(tmpdir(), `zgate-ports-${process.getuid?.() ?? "all"}`)) {
    this.#directory = directory;
  }

  /** Whether the port is this start's now, or was before. Throws `EnginesError` when nothing can be claimed. */
  take(port: number): boolean {
    if (this.#held.has(port)) return true;
    try {
      mkdirSync(this.#directory, { recursive: true });
    } catch (error) {
      throw new EnginesError(`cannot write ${this.#directory}: ${errorText(error)}`, { cause: error });
    }
    const lock = tryLock(join(this.#directory, `${port}.db`));
    if (lock !== null) this.#held.set(port, lock);
    return lock !== null;
  }

  /** Leaves the port to others. */
  giveBack(port: number): void {
    this.#held.get(port)?.release();
    this.#held.delete(port);
  }

  /** Leaves all to others: by now the engines listen, or never will. */
  release(): void {
    for (const port of [...this.#held.keys()]) this.giveBack(port);
  }
}
