/**
 * Turns at the write lock of a SQLite file that several processes share. The lock has no queue: whoever commits without a pause keeps
 * the others out for as long as chance will have it. So a process that has waited rings a bell, a file beside the database, and one
 * that has just committed gives way when it hears it.
 * It must not be needed for anything but fairness: a bell that cannot be rung, or that nobody takes down, costs some milliseconds.
 */
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import type { Pacing } from "./pacing.ts";

/** A process waits so long before it asks for a turn, in milliseconds: two or three commits of somebody else. */
const RING_AFTER_MS = 6;

/** Whoever committed less than this long ago gives way, in milliseconds. */
const JUST_NOW_MS = 20;

/** How long to give way at most, in milliseconds: a waiting process tries every few of them, unless it is dead or busy elsewhere. */
const GIVE_WAY_MS_MAX = 12;
const LOOK_AGAIN_MS = 1;

/** One process' part. */
export class WriteTurns {
  readonly #bell: string;
  readonly #pacing: Pacing;
  #lastCommitMs = Number.NEGATIVE_INFINITY;

  /** `file`: the database. */
  constructor(file: string, pacing: Pacing) {
    this.#bell = `${file}-turn`;
    this.#pacing = pacing;
  }

  /** To be awaited before a transaction is begun. */
  async giveWay(): Promise<void> {
    const sinceMs = this.#pacing.now();
    if (sinceMs - this.#lastCommitMs > JUST_NOW_MS) return;
    while (existsSync(this.#bell)) {
      // Whoever rang is dead or has given up.
      if (this.#pacing.now() - sinceMs >= GIVE_WAY_MS_MAX) return this.#takeDown();
      await this.#pacing.sleep(LOOK_AGAIN_MS);
    }
  }

  /** To be called after each attempt that found the lock taken. `sinceMs`: when the first of them was. Rings again when others took the bell down. */
  waited(sinceMs: number): void {
    if (this.#pacing.now() - sinceMs < RING_AFTER_MS || existsSync(this.#bell)) return;
    try {
      closeSync(openSync(this.#bell, "a", 0o600));
    } catch {
      // A full disk or a read-only folder: it goes on by chance.
    }
  }

  /** To be called when the lock is there after all. `sinceMs`: as for `waited`. */
  came(sinceMs: number): void {
    if (this.#pacing.now() - sinceMs >= RING_AFTER_MS) this.#takeDown();
  }

  /** To be called after a commit. */
  committed(): void {
    this.#lastCommitMs = this.#pacing.now();
  }

  #takeDown(): void {
    try {
      rmSync(this.#bell, { force: true });
    } catch {
      // It is as good as stale.
    }
  }
}
