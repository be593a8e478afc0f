// What a planted bug is: a wrapper around one of the protocol's decisions, and a world that is small enough to find it in.
// Must not contain a bug.
import type { InvariantId } from "../../router/move-invariants.ts";
import type { Ownership } from "../../router/ownership.ts";
import { nextStep, type RunnerStep, type RunnerView } from "../../router/slot-move.ts";
import { type OwnershipEvent, type Transition, transition } from "../../router/slot-transition.ts";
import { type MessageKind, type Protocol, STANDARD } from "./protocol.ts";
import type { Feature, Scope } from "./scope.ts";

/** A bug, where to look for it, and what it breaks. `steps` is the length of the shortest trace. */
export interface PlantedBug {
  readonly name: string;
  /** Why it breaks, in one line. */
  readonly why: string;
  readonly change: Partial<Protocol>;
  readonly scope: Scope;
  readonly breaks: InvariantId;
  readonly steps: number;
}

/** Rules were changed, so nothing is known about what is spent. */
export const NOTHING_FORGOTTEN = { forgets: (): boolean => false };
/** Everything is forgotten as usual but these. */
export const forgetsAllBut = (...kinds: readonly MessageKind[]) => ({
  forgets: (kind: MessageKind): boolean => !kinds.includes(kind),
});

/** The transition table with one event's rule replaced where `rule` has an answer. */
export function withRule(rule: (slot: Ownership, event: OwnershipEvent) => Transition | null): Partial<Protocol> {
  return { transition: (slot, event) => rule(slot, event) ?? transition(slot, event), ...NOTHING_FORGOTTEN };
}

/** The runner with some steps replaced, where both sides have been seen. */
export function withStep(
  step: (view: RunnerView & { readonly source: Ownership; readonly destination: Ownership }) => RunnerStep | null,
): Partial<Protocol> {
  return {
    nextStep: (view, freshRun) => {
      const { source, destination } = view;
      const replaced = source === null || destination === null ? null : step({ ...view, source, destination });
      return replaced ?? nextStep(view, freshRun);
    },
    ...NOTHING_FORGOTTEN,
  };
}

const SMALL: Scope = {
  name: "small",
  shards: 2,
  keys: 1,
  preloaded: false,
  clients: [],
  moves: [[1]],
  runsPerMove: 2,
  runners: 1,
  features: new Set(),
};
/** The smallest world, and what is to be different. */
export const small = (over: Partial<Omit<Scope, "features">>, ...features: readonly Feature[]): Scope => ({
  ...SMALL,
  ...over,
  features: new Set(features),
});

/** The protocol with the bug in it. */
export function withBug({ change: changed }: Pick<PlantedBug, "change">): Protocol {
  return { ...STANDARD, ...changed };
}
