// What a planted bug is, and how rules and steps are replaced. Must not contain a bug.
import type { Ownership } from "../../router/ownership.ts";
import type { RunnerStep, RunnerView } from "../../router/slot-move.ts";
import type { OwnershipEvent, Transition } from "../../router/slot-transition.ts";
import type { Plant, Plantable } from "./planting.ts";

/** Kinds of seeds, as seeds.ts draws them. */
export type SeedKind = "all" | "rough" | "storm";

/** A bug and why it is one. */
export interface PlantedBug {
  readonly name: string;
  readonly why: string;
  /** Where to look: rough weather unless it says. */
  readonly seeds?: SeedKind;
  readonly plant: Plant;
}

type Rule = (slot: Ownership, event: OwnershipEvent, real: Plantable["transition"]) => Transition | null;

/** A rule of ownership columns in place of the real one; null: the real one. */
export const withRule = (rule: Rule): Plant => ({
  transition: (real) => (slot, event) => rule(slot, event, real) ?? real(slot, event),
});

/** What a runner knows that has seen both sides. */
export type SeenView = RunnerView & { readonly source: Ownership; readonly destination: Ownership };

/** A step of runners that have seen both sides in place of the real one; null: the real one. */
export const withStep = (step: (view: SeenView) => RunnerStep | null): Plant => ({
  nextStep: (real) => (view, freshRun) => {
    const { source, destination } = view;
    const replaced = source === null || destination === null ? null : step({ ...view, source, destination });
    return replaced ?? real(view, freshRun);
  },
});

/** A change to these columns. */
export const change = (next: Ownership): Transition => ({ kind: "change", next });
