/**
 * What to do when a slot is not served here: wait for a move to end, or say who owns it.
 * It must not decide from anything but the ownership columns that the attempt itself has read.
 */
import { isDeepStrictEqual } from "node:util";
import { HOLD_MS_MAX, type NotOwned } from "../../router/contract.ts";
import type { CollectionName, ShardId, SlotId } from "../../router/ids.ts";
import { confirmed, type Decision, decideAccess, decisionOf, type Ownership } from "../../router/ownership.ts";
import type { Clock } from "../clock.ts";
import { describeError, type Logger } from "../log.ts";
import type { SlotHelp } from "../mover/slot-help.ts";
import type { Peers } from "../peers/port.ts";
import type { SlotAddress } from "../store/port.ts";

/** First and longest pause between two looks at a slot that is moving, in milliseconds. */
const PAUSE_MS_FIRST = 2;
const PAUSE_MS_MAX = 16;

/** A slot that holds a request for longer than this is helped on, in milliseconds: a runner that is alive needs less. */
const HELP_AFTER_MS = 200;

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
  readonly peers: Pick<Peers, "ownership">;
  readonly help: SlotHelp;
  readonly log: Logger;
}

/** Slot access with the world passed in. */
export function createSlotAccess(options: SlotAccessOptions): SlotAccess {
  const { clock, help } = options;
  const decide = createDecider(options);
  return async (request, attempt) => {
    let outcome = await attempt();
    if (outcome.kind === "served") return outcome;
    let askedFor: Ownership | null = null;
    const heldFromMs = clock.nowMs();
    const deadlineMs = heldFromMs + HOLD_MS_MAX;
    for (let pauseMs = PAUSE_MS_FIRST; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
      const decision = await decide(request.collection, outcome);
      const isConfirmed = isDeepStrictEqual(askedFor, outcome.ownership);
      if (decision === "beyond" && !isConfirmed) {
        askedFor = outcome.ownership;
        outcome = await attempt();
        if (outcome.kind === "served") return outcome;
        continue;
      }
      const access = decideAccess(outcome.ownership, request, isConfirmed ? confirmed(decision) : decision);
      if (access.kind === "redirect") {
        return { kind: "redirect", notOwned: { slot: outcome.slot, epoch: access.epoch, owner: access.owner } };
      }
      if (clock.nowMs() + pauseMs > deadlineMs) return { kind: "moving" };
      if (clock.nowMs() - heldFromMs >= HELP_AFTER_MS) {
        help({ collection: request.collection, slot: outcome.slot }, outcome.ownership);
      }
      await clock.sleep(pauseMs);
      outcome = await attempt();
      if (outcome.kind === "served") return outcome;
    }
  };
}

type Decider = (collection: CollectionName, refused: SlotRefused) => Promise<Decision>;

/** Only a GONE slot needs its destination's word. Whoever is held for the same slot shares one question at a time. */
function createDecider(options: SlotAccessOptions): Decider {
  const asked = new Map<string, Promise<Decision>>();
  return (collection, { slot, ownership }) => {
    const { state, to, epoch } = ownership;
    if (state !== "GONE" || to === null) return Promise.resolve("undecided");
    const question = `${collection} ${slot} ${to} ${epoch}`;
    const underWay = asked.get(question);
    if (underWay !== undefined) return underWay;
    const decision = askDestination(options, to, { collection, slot, epoch }).finally(() => asked.delete(question));
    asked.set(question, decision);
    return decision;
  };
}

/** A slot that has left at `epoch`. */
interface LeftSlot extends SlotAddress {
  readonly epoch: number;
}

/** Nobody's word counts as undecided. */
async function askDestination({ peers, log }: SlotAccessOptions, to: ShardId, left: LeftSlot): Promise<Decision> {
  const { slot, epoch } = left;
  try {
    const destination = await peers.ownership(to, left);
    const decision = decisionOf(epoch, destination);
    if (decision === "store-lost") log("error", "destination-store-lost", { slot, destination: to });
    return decision;
  } catch (error) {
    log("warn", "destination-silent", { slot, destination: to, ...describeError(error) });
    return "undecided";
  }
}
