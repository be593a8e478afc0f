// Breadth first over all states of a world: the first violation found is reached by a shortest trace.
// Must not judge states; the world does.
import type { Finding } from "../../router/move-invariants.ts";
import { StateStore } from "./state-store.ts";
import { findingsIn, successors } from "./successors.ts";
import type { World } from "./world.ts";

/** When to stop looking. */
export interface SearchLimits {
  readonly statesMax: number;
}

/** A violation: the state before the last step, and what that step was. */
export interface Violation {
  readonly parent: number;
  readonly state: Int32Array;
  readonly name: string;
  readonly detail: string;
  readonly findings: readonly Finding[];
}

/** What a search found. `isComplete`: there are no other states. `depth`: steps to the farthest state. */
export interface SearchResult {
  readonly world: World;
  readonly store: StateStore;
  readonly states: number;
  readonly steps: number;
  readonly depth: number;
  readonly isComplete: boolean;
  readonly violation: Violation | null;
}

/** Searches until everything is seen, a violation is found, or the limit is reached. */
export function search(world: World, limits: SearchLimits): SearchResult {
  const store = new StateStore(world.layout.width);
  store.add(world.firstState(), -1);
  const progress: { steps: number; violation: Violation | null } = { steps: 0, violation: null };
  let [next, depth, levelEnd] = [0, 0, 1];
  while (next < store.size && store.size < limits.statesMax && progress.violation === null) {
    if (next === levelEnd) [depth, levelEnd] = [depth + 1, store.size];
    expand({ world, store, progress }, next);
    next += 1;
  }
  const isComplete = next === store.size && progress.violation === null;
  return { world, store, states: store.size, steps: progress.steps, depth, isComplete, violation: progress.violation };
}

interface Frame {
  readonly world: World;
  readonly store: StateStore;
  readonly progress: { steps: number; violation: Violation | null };
}

function expand({ world, store, progress }: Frame, parent: number): void {
  successors(world, store.read(parent), (state, { name, detail, findings }) => {
    progress.steps += 1;
    if (progress.violation !== null) return;
    const isNew = store.add(state, parent) >= 0;
    const found = isNew ? [...findings, ...findingsIn(world, state)] : findings;
    if (found.length > 0) progress.violation = { parent, state, name, detail: detail(), findings: found };
  });
}
