/**
 * A move's entry in the catalog, as one runner of it sees and writes it: progress out, state and settings in, once a second.
 * It must not make anything wait for a catalog that is away.
 */
import { formatProgress, type MoveProgress } from "../../router/move-progress.ts";
import { isLive } from "../catalog/move-record.ts";
import type { Author, Catalog, Move, MoveChange } from "../catalog/port.ts";
import { describeError, type Logger } from "../log.ts";

/** What the entry stands on. */
export interface MoveSyncOptions {
  readonly catalog: Pick<Catalog, "updateMove">;
  /** An author with a fresh writer token at each call. */
  readonly author: () => Author;
  readonly log: Logger;
}

/** How often a final change is tried against somebody else's changes before it is left to the next round. */
const ATTEMPTS_MAX = 5;

/** Lives as long as one runner drives the move. */
export class MoveSync {
  readonly #options: MoveSyncOptions;
  #move: Move;
  #isSilent = false;

  constructor(options: MoveSyncOptions, move: Move) {
    this.#options = options;
    this.#move = move;
  }

  /** The entry as it was seen last. */
  get move(): Move {
    return this.#move;
  }

  get isLive(): boolean {
    return isLive(this.#move.state);
  }

  /** Writes the progress and learns what others have changed. Never rejects: it is tried again soon. */
  async exchange(progress: MoveProgress): Promise<void> {
    try {
      await this.#change({ progress: formatProgress(progress) });
      this.#isSilent = false;
    } catch (error) {
      if (!this.#isSilent)
        this.#options.log("warn", "catalog-silent", { move: this.#move.id, ...describeError(error) });
      this.#isSilent = true;
    }
  }

  /** Ends the move if it is still live; whether it is over now. Rejects with `CatalogError`. */
  async finish(state: "done" | "aborted", progress: MoveProgress): Promise<boolean> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX && this.isLive; attempt += 1) {
      await this.#change({ state, progress: formatProgress(progress) });
    }
    return !this.isLive;
  }

  async #change(change: Omit<MoveChange, "expectedRevision">): Promise<void> {
    const { catalog, author } = this.#options;
    const expectedRevision = this.#move.revision;
    const outcome = await catalog.updateMove(this.#move.id, { ...change, expectedRevision }, author());
    this.#move = outcome.kind === "changed" ? outcome.move : outcome.current;
  }
}
