/**
 * What to do when a slot is not served here: wait for a move to end, or say who owns it.
 * It must not serve by anything but the ownership columns that the attempt itself has read.
 */
import { isDeepStrictEqual } from "node:util";
import { HOLD_MS_MAX, type NotOwned } from "../../router/contract.ts";
import type { CollectionName, ShardId, SlotId } from "../../router/ids.ts";
import { confirmed, type Decision, decideAccess, decisionOf, type Ownership } from "../../router/ownership.ts";
import type { Clock } from "../clock.ts";
import { describeError, type Logger } from "../log.ts";
import type { SlotHelp } from "../mover/slot-help.ts";
import type { Peers } from "../peers/port.ts";
import type { SlotAddress, Store } from "../store/port.ts";
import type { SlotListener, SlotWaiting } from "./slot-waiting.ts";

/**
 * First and longest pause between two looks at a slot that is moving, in milliseconds: they are for news that got lost. A look disturbs
 * the very statements that are waited for, so a pause is no shorter than the look before it took.
 */
const PAUSE_MS_FIRST = 8;
const PAUSE_MS_MAX = 64;

/**
 * A slot that holds a request for longer than this is helped on: a runner that is alive needs less, and help that nobody needs disturbs it.
 * A cutover is some looks long, so it is a multiple of one, within bounds in milliseconds.
 */
const HELP_AFTER_LOOKS = 8;
const HELP_AFTER_MS_MIN = 200;
const HELP_AFTER_MS_MAX = 1000;

/** What the request wants of the slot. `knownEpoch` is the slot epoch the edge knew, 0 for none. */
export interface SlotRequest {
  readonly collection: CollectionName;
  readonly intent: "read" | "write";
  readonly knownEpoch: number;
}

/** An attempt that met a slot which is not served here. */
export interface SlotRefused {
  readonly kind: "not-owned";
  readonly slot: SlotId;
  readonly ownership: Ownership;
}

/** The slot is served here. */
export interface SlotServed<Value> {
  readonly kind: "served";
  readonly value: Value;
}

/** `moving`: the slot was not settled within the time a request may be held. */
export type SlotAnswer<Value> =
  | SlotServed<Value>
  | { readonly kind: "redirect"; readonly notOwned: NotOwned }
  | { readonly kind: "moving" };

/** Attempts until the slot serves, redirects or has been waited for long enough. */
export type SlotAccess = <Value>(
  request: SlotRequest,
  attempt: () => Promise<SlotServed<Value> | SlotRefused>,
) => Promise<SlotAnswer<Value>>;

/** What slot access stands on. */
export interface SlotAccessOptions {
  readonly clock: Clock;
  readonly store: Pick<Store, "ownerships">;
  readonly peers: Pick<Peers, "ownership">;
  readonly waiting: Pick<SlotWaiting, "listen">;
  readonly help: SlotHelp;
  readonly log: Logger;
}

/** Slot access with the world passed in. */
export function createSlotAccess(options: SlotAccessOptions): SlotAccess {
  const parts = { ...options, ask: createAsking(options), look: createLooking(options) };
  return async (request, attempt) => {
    const outcome = await attempt();
    if (outcome.kind === "served") return outcome;
    const held = new HeldRequest({ ...parts, request, attempt }, outcome);
    return held.settle();
  };
}

interface HeldOptions<Value> extends Omit<SlotAccessOptions, "store" | "peers"> {
  readonly ask: Asking;
  readonly look: Looking;
  readonly request: SlotRequest;
  readonly attempt: () => Promise<SlotServed<Value> | SlotRefused>;
}

/** A request that met a slot which is not served here, until it is answered. */
class HeldRequest<Value> {
  readonly #options: HeldOptions<Value>;
  readonly #heldFromMs: number;
  readonly #deadlineMs: number;
  #met: SlotRefused;
  #listener: SlotListener;
  #word: Word = "undecided";
  /** What was met when the destination said `beyond`. */
  #askedFor: SlotRefused | null = null;
  /** How long the last look took, or a question behind it that took longer. */
  #tookMs = 0;

  constructor(options: HeldOptions<Value>, met: SlotRefused) {
    this.#options = options;
    this.#heldFromMs = options.clock.nowMs();
    this.#deadlineMs = this.#heldFromMs + HOLD_MS_MAX;
    this.#met = met;
    this.#listener = this.#listen();
  }

  async settle(): Promise<SlotAnswer<Value>> {
    try {
      for (let pauseMs = PAUSE_MS_FIRST; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
        const answer = await this.#take(pauseMs);
        if (answer !== null) return answer;
      }
    } finally {
      this.#listener.stop();
    }
  }

  /** Null when nothing is known yet. */
  async #take(pauseMs: number): Promise<SlotAnswer<Value> | null> {
    const { clock } = this.#options;
    this.#word = await this.#askDestination();
    const isConfirmed = isDeepStrictEqual(this.#askedFor, this.#met);
    if (this.#word === "beyond" && !isConfirmed) {
      this.#askedFor = this.#met;
      return this.#attempt();
    }
    const decision = this.#word === "silent" ? "undecided" : this.#word;
    const redirected = this.#redirect(isConfirmed ? confirmed(decision) : decision);
    if (redirected !== null) return redirected;
    const leftMs = this.#deadlineMs - clock.nowMs();
    if (leftMs <= 0) return { kind: "moving" };
    await this.#wait(Math.min(leftMs, Math.max(pauseMs, this.#tookMs)));
    const served = await this.#lookAgain();
    if (served !== null) return served;
    // A destination that is silent would be waited for once more.
    return this.#word === "silent" && clock.nowMs() >= this.#deadlineMs ? { kind: "moving" } : null;
  }

  async #askDestination(): Promise<Word> {
    if (this.#listener.isDecided) return "decided";
    const { clock, ask } = this.#options;
    const askedAtMs = clock.nowMs();
    const word = await this.#listener.orDecided(ask(this.#address(), this.#met.ownership));
    this.#tookMs = Math.max(this.#tookMs, clock.nowMs() - askedAtMs);
    return word;
  }

  #redirect(decision: Decision): SlotAnswer<Value> | null {
    const { ownership, slot } = this.#met;
    // A destination decides only what has gone; its word may be here before the source's own columns are.
    const state = this.#listener.isDecided ? "GONE" : ownership.state;
    const columns = { ...ownership, state };
    const access = decideAccess(columns, this.#options.request, decision);
    if (access.kind !== "redirect") return null;
    return { kind: "redirect", notOwned: { slot, epoch: access.epoch, owner: access.owner } };
  }

  async #wait(durationMs: number): Promise<void> {
    const { clock, help } = this.#options;
    const heldMs = clock.nowMs() - this.#heldFromMs;
    if (heldMs >= helpAfterMs(this.#tookMs)) help(this.#address(), this.#met.ownership);
    await this.#listener.wait(durationMs);
  }

  /** Attempts again where the columns are other ones than were met. */
  async #lookAgain(): Promise<SlotServed<Value> | null> {
    const { clock } = this.#options;
    const lookedAtMs = clock.nowMs();
    const seen = await this.#look();
    if (seen === "decided") return null;
    this.#tookMs = clock.nowMs() - lookedAtMs;
    // What is gone is not served here: its destination's word comes next, and another attempt would only meet the same.
    if (seen?.state === "GONE") this.#meet({ ...this.#met, ownership: seen });
    return seen === null || !isDeepStrictEqual(seen, this.#met.ownership) ? this.#attempt() : null;
  }

  /** A decision that is no redirect for this request is nothing new. */
  async #look(): Promise<Ownership | null | "decided"> {
    const look = () => this.#options.look(this.#address(), this.#met.ownership, this.#word);
    if (this.#word === "decided") return look();
    return this.#listener.isDecided ? "decided" : this.#listener.orDecided(look());
  }

  async #attempt(): Promise<SlotServed<Value> | null> {
    const outcome = await this.#options.attempt();
    if (outcome.kind === "served") return outcome;
    this.#meet(outcome);
    return null;
  }

  #meet(met: SlotRefused): void {
    const isHeard = met.slot === this.#met.slot && this.#listener.isFor(met.ownership);
    this.#met = met;
    if (isHeard) return;
    this.#listener.stop();
    this.#listener = this.#listen();
  }

  #listen(): SlotListener {
    return this.#options.waiting.listen(this.#address(), this.#met.ownership);
  }

  #address(): SlotAddress {
    return { collection: this.#options.request.collection, slot: this.#met.slot };
  }
}

function helpAfterMs(lookMs: number): number {
  return Math.min(Math.max(HELP_AFTER_MS_MIN, HELP_AFTER_LOOKS * lookMs), HELP_AFTER_MS_MAX);
}

/** What is known of a GONE slot's decision; `silent`: its destination does not answer. */
type Word = Decision | "silent";

type Asking = (address: SlotAddress, met: Ownership) => Promise<Word>;

/** The columns as they are after `met`; null when nobody knows. */
type Looking = (address: SlotAddress, met: Ownership, word: Word) => Promise<Ownership | null>;

/** Only a GONE slot needs its destination's word. Whoever is held for the same slot shares one question at a time. */
function createAsking(options: SlotAccessOptions): Asking {
  const share = createSharing<Word>();
  return (address, { state, to, epoch }) => {
    if (state !== "GONE" || to === null) return Promise.resolve("undecided");
    const question = `${address.collection} ${address.slot} ${to} ${epoch}`;
    return share(question, () => askDestination(options, to, { ...address, epoch }));
  };
}

/** All who are held for the slot share one look at a time. */
function createLooking({ store }: SlotAccessOptions): Looking {
  const share = createSharing<Ownership | null>();
  return async (address, met, word) => {
    // The source is opened again only after its destination has ended the move, and that has just said that it has not.
    if (met.state === "GONE" && word === "undecided") return met;
    // Many at once is the gentler question: it takes no part in what is being agreed on.
    const look = async () => (await store.ownerships(address.collection, [address.slot]).catch(() => []))[0] ?? null;
    return share(`${address.collection} ${address.slot}`, look);
  };
}

/** Work of the same name is under way once at a time; whoever asks meanwhile gets what it comes to. */
function createSharing<Value>(): (name: string, work: () => Promise<Value>) => Promise<Value> {
  const underWay = new Map<string, Promise<Value>>();
  return (name, work) => {
    const sooner = underWay.get(name);
    if (sooner !== undefined) return sooner;
    const begun = work().finally(() => underWay.delete(name));
    underWay.set(name, begun);
    return begun;
  };
}

/** A slot that has left at `epoch`. */
interface LeftSlot extends SlotAddress {
  readonly epoch: number;
}

async function askDestination({ peers, log }: SlotAccessOptions, to: ShardId, left: LeftSlot): Promise<Word> {
  const { slot, epoch } = left;
  try {
    const destination = await peers.ownership(to, left);
    const decision = decisionOf(epoch, destination);
    if (decision === "store-lost") log("error", "destination-store-lost", { slot, destination: to });
    return decision;
  } catch (error) {
    log("warn", "destination-silent", { slot, destination: to, ...describeError(error) });
    return "silent";
  }
}
