/**
 * One SERIAL read of a slot at a time in this process: each is a round of Paxos, and rounds of one partition disturb each other until
 * they are given up. Reads that come meanwhile wait, and the next one answers them together.
 *
 * A read is answered only by a SERIAL read that began after it had arrived, and so sees every write that was acknowledged before. It
 * never joins one that was sent already: that one may have been decided before such a write. This class must not send anything by
 * itself, nor know what an answer is.
 */
import type { SlotId } from "../../router/ids.ts";
import { CassandraError } from "../cassandra/session.ts";
import type { Clock } from "../clock.ts";
import { STUCK_MS } from "./cassandra-slot-queue.ts";

/** Keys in one SERIAL read. Documents may be large: of 256 KiB each it is 4 MiB, as much as a commit reads at once. */
export const GROUP_KEYS_MAX = 16;

/** Longest wait for a group, like that for a turn in the session. Only where many keys wait behind one stuck read after the other. */
export const GROUP_WAIT_MS_MAX = 1_000;

/**
 * Sends one SERIAL read of these keys, now or later: at least one, all different. Its answer is that of each of them. `onSent` is to be
 * called when it goes out.
 */
export type SendGroup<Answer> = (slot: SlotId, keys: readonly string[], onSent: () => void) => Promise<Answer>;

/** A key that waits for the next group. */
interface Waiting<Answer> extends PromiseWithResolvers<Answer> {
  readonly sinceMs: number;
}

/** What is going on in a slot; nothing of it is kept when nothing goes on. */
interface Line<Answer> {
  /** The group that began last, until it ends. Earlier ones that are still under way were stuck, and hold nobody back. */
  latest: { sentAtMs: number | null } | null;
  /** By key, in order of arrival. */
  readonly waiting: Map<string, Waiting<Answer>>;
  isWatched: boolean;
}

/** The reads of one collection. */
export class ReadGroups<Answer> {
  readonly #send: SendGroup<Answer>;
  readonly #clock: Clock;
  readonly #lines = new Map<SlotId, Line<Answer>>();

  constructor(send: SendGroup<Answer>, clock: Clock) {
    this.#send = send;
    this.#clock = clock;
  }

  /** Slots of which something is under way or waits. */
  get size(): number {
    return this.#lines.size;
  }

  /**
   * The answer of a group that begins after this call; in this turn, if nothing of the slot is under way. Rejects as the group does,
   * or as `busy` without one after {@link GROUP_WAIT_MS_MAX}.
   */
  read(slot: SlotId, key: string): Promise<Answer> {
    const line = this.#lineOf(slot);
    const { promise } = this.#join(line, key);
    if (!this.#isHeldBack(line)) this.#goOn(slot, line);
    if (!line.isWatched) void this.#watch(slot, line);
    return promise;
  }

  #lineOf(slot: SlotId): Line<Answer> {
    const known = this.#lines.get(slot);
    if (known !== undefined) return known;
    const line = { latest: null, waiting: new Map<string, Waiting<Answer>>(), isWatched: false };
    this.#lines.set(slot, line);
    return line;
  }

  /** Reads of one key share its place: no group that any of them could be in has begun yet. */
  #join({ waiting }: Line<Answer>, key: string): Waiting<Answer> {
    const known = waiting.get(key);
    if (known !== undefined) return known;
    const added = { ...Promise.withResolvers<Answer>(), sinceMs: this.#clock.nowMs() };
    waiting.set(key, added);
    return added;
  }

  #isHeldBack({ latest }: Line<Answer>): boolean {
    if (latest === null) return false;
    return latest.sentAtMs === null || this.#clock.nowMs() - latest.sentAtMs < STUCK_MS;
  }

  /** Begins the next group, or forgets the slot where nobody waits. */
  #goOn(slot: SlotId, line: Line<Answer>): void {
    const group = this.#takeGroup(line);
    if (group.size === 0) {
      line.latest = null;
      this.#lines.delete(slot);
      return;
    }
    const begun: { sentAtMs: number | null } = { sentAtMs: null };
    line.latest = begun;
    const onSent = (): void => {
      begun.sentAtMs = this.#clock.nowMs();
    };
    const end = (tell: (member: Waiting<Answer>) => void): void => {
      for (const member of group.values()) tell(member);
      if (line.latest === begun) this.#goOn(slot, line);
    };
    this.#send(slot, [...group.keys()], onSent).then(
      (answer) => end((member) => member.resolve(answer)),
      (error: unknown) => end((member) => member.reject(error)),
    );
  }

  /** Those who have waited longest. */
  #takeGroup({ waiting }: Line<Answer>): ReadonlyMap<string, Waiting<Answer>> {
    const group = new Map<string, Waiting<Answer>>();
    const tooOldMs = this.#clock.nowMs() - GROUP_WAIT_MS_MAX;
    for (const [key, member] of waiting) {
      if (group.size === GROUP_KEYS_MAX) break;
      waiting.delete(key);
      if (member.sinceMs > tooOldMs) group.set(key, member);
      else member.reject(new CassandraError("busy", `no turn within ${GROUP_WAIT_MS_MAX} ms`));
    }
    return group;
  }

  /** While somebody waits: begins the next group without those that are stuck. */
  async #watch(slot: SlotId, line: Line<Answer>): Promise<void> {
    line.isWatched = true;
    while (line.waiting.size > 0) {
      const nowMs = this.#clock.nowMs();
      const ageMs = nowMs - (line.latest?.sentAtMs ?? nowMs);
      // A clock that was set back must not make it a longer sleep.
      await this.#clock.sleep(Math.min(Math.max(STUCK_MS - ageMs, 1), STUCK_MS));
      if (line.waiting.size > 0 && !this.#isHeldBack(line)) this.#goOn(slot, line);
    }
    line.isWatched = false;
  }
}
