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
import type { SlotWaiting } from "./slot-waiting.ts";

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
  readonly waiting: Pick<SlotWaiting, "wait">;
  readonly help: SlotHelp;
  readonly log: Logger;
}

/** Slot access with the world passed in. */
export function createSlotAccess(options: SlotAccessOptions): SlotAccess {
  const { clock, waiting, help } = options;
  const ask = createAsking(options);
  const look = createLooking(options);
  return async (request, attempt) => {
    let outcome = await attempt();
    if (outcome.kind === "served") return outcome;
    let askedFor: Ownership | null = null;
    let tookMs = 0;
    const heldFromMs = clock.nowMs();
    const deadlineMs = heldFromMs + HOLD_MS_MAX;
    for (let pauseMs = PAUSE_MS_FIRST; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
      const address = { collection: request.collection, slot: outcome.slot };
      const askedAtMs = clock.nowMs();
      const word = await ask(address, outcome.ownership);
      tookMs = Math.max(tookMs, clock.nowMs() - askedAtMs);
      const isConfirmed = isDeepStrictEqual(askedFor, outcome.ownership);
      if (word === "beyond" && !isConfirmed) {
        askedFor = outcome.ownership;
        outcome = await attempt();
        if (outcome.kind === "served") return outcome;
        continue;
      }
      const decision = word === "silent" ? "undecided" : word;
      const access = decideAccess(outcome.ownership, request, isConfirmed ? confirmed(decision) : decision);
      if (access.kind === "redirect") {
        return { kind: "redirect", notOwned: { slot: outcome.slot, epoch: access.epoch, owner: access.owner } };
      }
      const leftMs = deadlineMs - clock.nowMs();
      if (leftMs <= 0) return { kind: "moving" };
      if (clock.nowMs() - heldFromMs >= helpAfterMs(tookMs)) help(address, outcome.ownership);
      await waiting.wait(address, Math.min(leftMs, Math.max(pauseMs, tookMs)));
      const lookedAtMs = clock.nowMs();
      const seen = await look(address, outcome.ownership, word);
      tookMs = clock.nowMs() - lookedAtMs;
      // What is gone is not served here: its destination's word comes next, and another attempt would only meet the same.
      if (seen?.state === "GONE") outcome = { ...outcome, ownership: seen };
      if (seen === null || !isDeepStrictEqual(seen, outcome.ownership)) {
        outcome = await attempt();
        if (outcome.kind === "served") return outcome;
      }
      // A destination that is silent would be waited for once more.
      if (word === "silent" && clock.nowMs() >= deadlineMs) return { kind: "moving" };
    }
  };
}

function helpAfterMs(lookMs: number): number {
  return Math.min(Math.max(HELP_AFTER_MS_MIN, HELP_AFTER_LOOKS * lookMs), HELP_AFTER_MS_MAX);
}

/** What is known of a GONE slot's decision; `silent`: its destination does not answer. */
type Word = Decision | "silent";

type Asking = (address: SlotAddress, met: Ownership) => Promise<Word>;

/** Only a GONE slot needs its destination's word. Whoever is held for the same slot shares one question at a time. */
function createAsking(options: SlotAccessOptions): Asking {
  const share = createSharing<Word>();
  return (address, { state, to, epoch }) => {
    if (state !== "GONE" || to === null) return Promise.resolve("undecided");
    const question = `${address.collection} ${address.slot} ${to} ${epoch}`;
    return share(question, () => askDestination(options, to, { ...address, epoch }));
  };
}

/** What the columns are after `met`, in one look that all who are held for the slot share; null when nobody knows. */
function createLooking({ store }: SlotAccessOptions) {
  const share = createSharing<Ownership | null>();
  return async (address: SlotAddress, met: Ownership, word: Word): Promise<Ownership | null> => {
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
