/**
 * Each slot has one worker of its shard that commits for it while many write there, its home: two workers would compete for the slot's
 * partition, and neither would know what the other has just written. A write that comes in elsewhere goes there.
 * It must not matter for what is true: the store decides, whoever commits. And it must not send a write to two workers, ever.
 */
import { bytesOfWrite, type GroupCommit, type SubmitOutcome } from "../group-commit.ts";
import { type SlotAddress, StoreError, type Write } from "../store/port.ts";
import type { CommitAnswer, CommitMessage, CommittedMessage } from "./commit-message.ts";

/** What homes stand on. */
export interface CommitHomesOptions {
  /** This worker's place in the crew, from 0, and how many there are. */
  readonly place: number;
  readonly places: number;
  readonly own: Pick<GroupCommit, "submit" | "drain">;
  /** To the primary; resolves when it is out. */
  readonly send: (message: CommitMessage | CommittedMessage) => Promise<void>;
  readonly limits?: Partial<CommitHomeLimits>;
  /** Milliseconds from any fixed point. */
  readonly monotonicMs?: () => number;
}

/** When a home is asked, and how long it may be silent, in milliseconds. */
export interface CommitHomeLimits {
  /** So many writes of a slot at once, in this worker, make it a busy one. Others are cheaper where they are. */
  readonly busyFrom: number;
  /** Longer than a commit may take with its wait. */
  readonly answerMsMax: number;
  /** When its oldest write has waited for so long, others are committed where they are, until it answers. */
  readonly silentMsMax: number;
}

/** Larger writes are committed where they are: to carry them would cost more than it spares, in bytes. */
const BYTES_MAX = 64 * 1024;

const LIMITS: CommitHomeLimits = { busyFrom: 2, answerMsMax: 9_000, silentMsMax: 1_500 };

interface Waiting {
  readonly write: Write;
  readonly sinceMs: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (outcome: SubmitOutcome | Promise<SubmitOutcome>) => void;
  readonly reject: (error: StoreError) => void;
}

/** Lives as long as the worker. */
export class CommitHomes {
  readonly #options: CommitHomesOptions;
  readonly #limits: CommitHomeLimits;
  readonly #monotonicMs: () => number;
  /** What each home has not answered yet, by number and in the order in which it was asked. */
  readonly #waiting: readonly Map<number, Waiting>[];
  /** How many writes of each slot that lives elsewhere are under way here. */
  readonly #underWay = new Map<string, number>();
  readonly #replies = new Set<Promise<void>>();
  #lastId = 0;
  #isClosing = false;

  constructor(options: CommitHomesOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#waiting = Array.from({ length: options.places }, () => new Map());
  }

  /** As `GroupCommit.submit`. A write whose home is silent or gone is rejected as `unknown`. */
  submit(write: Write): Promise<SubmitOutcome> {
    const { place, places, own } = this.#options;
    const home = homeOf(write.address, places);
    if (home === place || bytesOfWrite(write) > BYTES_MAX || this.#isSilent(home)) return own.submit(write);
    const slot = slotName(write.address);
    const count = (this.#underWay.get(slot) ?? 0) + 1;
    this.#underWay.set(slot, count);
    const committed = count >= this.#limits.busyFrom ? this.#ask(home, write) : own.submit(write);
    return committed.finally(() => this.#ended(slot));
  }

  #ended(slot: string): void {
    const count = (this.#underWay.get(slot) ?? 0) - 1;
    if (count > 0) this.#underWay.set(slot, count);
    else this.#underWay.delete(slot);
  }

  /** The primary has passed something on. */
  heard(message: CommitMessage | CommittedMessage): void {
    if (message.type === "committed") {
      this.#answered(message);
      return;
    }
    const replied = this.#commit(message);
    this.#replies.add(replied);
    void replied.finally(() => this.#replies.delete(replied));
  }

  /** Resolves when nothing waits here, and all answers to others are out. From now on those have to commit for themselves. */
  async drain(): Promise<void> {
    this.#isClosing = true;
    await this.#options.own.drain();
    await Promise.all(this.#replies);
  }

  #waitingFor(home: number): Map<number, Waiting> {
    const waiting = this.#waiting[home];
    if (waiting === undefined) throw new Error(`broken assumption: place ${home} of ${this.#waiting.length}`);
    return waiting;
  }

  #isSilent(home: number): boolean {
    const [oldest] = this.#waitingFor(home).values();
    return oldest !== undefined && this.#monotonicMs() - oldest.sinceMs > this.#limits.silentMsMax;
  }

  #ask(home: number, write: Write): Promise<SubmitOutcome> {
    const { answerMsMax } = this.#limits;
    const waiting = this.#waitingFor(home);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        const message = `the worker that commits for the slot has not answered for ${answerMsMax} ms`;
        reject(new StoreError("unknown", message));
      }, answerMsMax);
      waiting.set(id, { write, sinceMs: this.#monotonicMs(), timer, resolve, reject });
      void this.#options.send({ type: "commit", home, origin: 0, id, write });
    });
  }

  #answered({ home, id, answer }: CommittedMessage): void {
    const waiting = this.#waiting[home]?.get(id);
    if (waiting === undefined) return;
    this.#waiting[home]?.delete(id);
    clearTimeout(waiting.timer);
    if (answer.kind === "outcome") waiting.resolve(answer.outcome);
    else if (answer.kind === "absent") waiting.resolve(this.#options.own.submit(waiting.write));
    else waiting.reject(new StoreError(answer.failure, answer.message));
  }

  async #commit({ home, origin, id, write }: CommitMessage): Promise<void> {
    const { own, send } = this.#options;
    const answer = this.#isClosing ? ABSENT : await own.submit(write).then(outcomeOf, failureOf);
    await send({ type: "committed", home, origin, id, answer });
  }
}

const ABSENT: CommitAnswer = { kind: "absent" };

function outcomeOf(outcome: SubmitOutcome): CommitAnswer {
  return { kind: "outcome", outcome };
}

/** What is no error of the store is a fault of the program, and nobody knows how far the write has come. */
function failureOf(error: unknown): CommitAnswer {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: "failed", failure: error instanceof StoreError ? error.kind : "unknown", message };
}

function slotName({ collection, slot }: SlotAddress): string {
  return `${collection} ${slot}`;
}

/** The place that commits for a slot: the same in all workers of a crew. */
export function homeOf(address: SlotAddress, places: number): number {
  let sum = 0;
  for (const character of slotName(address)) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 0x7fffffff;
  return sum % places;
}
