/**
 * Group commit: all writes that wait for one scope become one commit, so that they share its fsync. One
 * commit is in flight per scope; the next takes what has gathered meanwhile.
 * It must not acknowledge anything before its commit, nor know what the writes mean.
 */
import { type Clock, systemClock } from "./clock.ts";
import type { Store, Write, WriteOutcome } from "./store/port.ts";

/** Bounds of one group, and of all that waits in this process. */
export interface GroupCommitLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly queuedRowsMax: number;
  readonly queuedBytesMax: number;
  /** Longest that a write waits for its turn; whoever sent it is about to give up by then (a gateway waits 5 s). */
  readonly waitMsMax: number;
}

/** Limits that keep a commit short and a process's memory bounded. */
const GROUP_COMMIT_LIMITS: GroupCommitLimits = {
  rowsMax: 256,
  bytesMax: 4 * 1024 * 1024,
  queuedRowsMax: 8192,
  queuedBytesMax: 64 * 1024 * 1024,
  waitMsMax: 4_000,
};

/** `overloaded`: too much is waiting, or it has waited too long; the write was not sent to the store. */
export type SubmitOutcome = WriteOutcome | { readonly kind: "overloaded" };

/** What group commit stands on. `defer` runs a function once everything that has arrived by now is submitted. */
export interface GroupCommitOptions {
  readonly store: Pick<Store, "commit" | "commitScope">;
  readonly limits?: Partial<GroupCommitLimits>;
  readonly defer?: (run: () => void) => void;
  readonly clock?: Pick<Clock, "nowMs">;
}

interface Waiting {
  readonly write: Write;
  readonly bytes: number;
  readonly sinceMs: number;
  readonly resolve: (outcome: SubmitOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects and commits. Lives as long as the store is open. */
export class GroupCommit {
  readonly #store: Pick<Store, "commit" | "commitScope">;
  readonly #limits: GroupCommitLimits;
  readonly #defer: (run: () => void) => void;
  readonly #clock: Pick<Clock, "nowMs">;
  /** Per scope with work: what waits. A scope is in here exactly while its committer runs. */
  readonly #scopes = new Map<string, Waiting[]>();
  #rows = 0;
  #bytes = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.#store = options.store;
    this.#limits = { ...GROUP_COMMIT_LIMITS, ...options.limits };
    this.#defer = options.defer ?? setImmediate;
    this.#clock = options.clock ?? systemClock;
  }

  /** Resolves when the write is durable or refused; rejects with the store's error if its group failed. */
  submit(write: Write): Promise<SubmitOutcome> {
    const bytes = bytesOfWrite(write);
    if (this.#rows >= this.#limits.queuedRowsMax || this.#bytes + bytes > this.#limits.queuedBytesMax) {
      return Promise.resolve({ kind: "overloaded" });
    }
    this.#rows += 1;
    this.#bytes += bytes;
    const sinceMs = this.#clock.nowMs();
    return new Promise((resolve, reject) => this.#enqueue({ write, bytes, sinceMs, resolve, reject }));
  }

  /** Resolves when nothing waits and nothing is in flight. */
  drain(): Promise<void> {
    if (this.#scopes.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #enqueue(waiting: Waiting): void {
    const scope = this.#scopeOf(waiting.write);
    const queue = this.#scopes.get(scope);
    if (queue !== undefined) {
      queue.push(waiting);
      return;
    }
    this.#scopes.set(scope, [waiting]);
    this.#defer(() => void this.#commitNext(scope));
  }

  #scopeOf(write: Write): string {
    return this.#store.commitScope === "store" ? "" : `${write.address.collection} ${write.address.slot}`;
  }

  async #commitNext(scope: string): Promise<void> {
    const queue = this.#scopes.get(scope) ?? [];
    this.#refuseLate(queue);
    const group = takeGroup(queue, this.#limits);
    if (group.length > 0) await this.#commit(group);
    this.#release(group);
    if (queue.length > 0) {
      this.#defer(() => void this.#commitNext(scope));
      return;
    }
    this.#scopes.delete(scope);
    if (this.#scopes.size === 0) this.#tellIdle();
  }

  /** Nobody waits for what has waited for so long; it would only take the time of others. */
  #refuseLate(queue: Waiting[]): void {
    const sinceMsMin = this.#clock.nowMs() - this.#limits.waitMsMax;
    const inTime = queue.findIndex(({ sinceMs }) => sinceMs >= sinceMsMin);
    const late = queue.splice(0, inTime < 0 ? queue.length : inTime);
    this.#release(late);
    for (const { resolve } of late) resolve({ kind: "overloaded" });
  }

  #release(done: readonly Waiting[]): void {
    for (const { bytes } of done) this.#bytes -= bytes;
    this.#rows -= done.length;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#store.commit(group.map((waiting) => waiting.write));
      if (outcomes.length !== group.length) throw new Error("broken assumption: as many outcomes as writes");
      for (const [index, outcome] of outcomes.entries()) group[index]?.resolve(outcome);
    } catch (error) {
      for (const waiting of group) waiting.reject(error);
    }
  }

  #tellIdle(): void {
    const told = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of told) resolve();
  }
}

/** Takes from the front as many as fit, at least one if there is one. */
function takeGroup(queue: Waiting[], limits: GroupCommitLimits): readonly Waiting[] {
  let rows = 0;
  let bytes = 0;
  for (const waiting of queue) {
    bytes += waiting.bytes;
    if (rows > 0 && (rows === limits.rowsMax || bytes > limits.bytesMax)) break;
    rows += 1;
  }
  return queue.splice(0, rows);
}

/** Of its text, in bytes. */
export function bytesOfWrite(write: Write): number {
  const { change } = write;
  if (change.kind === "put") return Buffer.byteLength(change.json);
  return change.kind === "merge" ? Buffer.byteLength(change.patchJson) : 0;
}
