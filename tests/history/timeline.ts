/**
 * One key's operations made ready for the search: states as numbers, and each operation either a step that must happen
 * between its start and its end, or one that may happen at any time after its start. A write whose outcome is unknown but
 * whose op somebody saw has happened; nobody else's state depends on what was never seen, so such values share one number.
 * It must not decide whether the steps fit together.
 */
import type { Operation } from "./operation.ts";
import { type Effect, type Need, possibleTransition, type Transition, transitionOf } from "./register.ts";

/** States: no document; a document that nobody ever names; from 2 on the ops that somebody names. */
export const ABSENT = 0;
export const UNNAMED = 1;

/** Beside a state, what a step can need. */
export const ANY = -1;
export const PRESENT = -2;
const NEVER = -3;

/** A step that leaves the state as it is. */
export const NO_EFFECT = -1;

/** One step. `endNs` is Infinity for a step that may never happen. */
export interface Step {
  readonly index: number;
  readonly operation: Operation;
  readonly startNs: number;
  readonly endNs: number;
  readonly need: number;
  readonly effect: number;
}

/** All steps of a key and who observes each named state. */
export interface Timeline {
  readonly mandatory: readonly Step[];
  readonly optional: readonly Step[];
  /** By state: how many mandatory steps see it and leave it. */
  readonly watchers: ReadonlyMap<number, number>;
  /** By state: the mandatory steps that need it and change it. More than one cannot be. */
  readonly successors: ReadonlyMap<number, readonly Step[]>;
  /** By state: the op it stands for. */
  readonly opOf: ReadonlyMap<number, string>;
}

interface Draft {
  readonly operation: Operation;
  readonly transition: Transition;
  endNs: number;
}

/** Prepares the operations of one key. */
export function buildTimeline(operations: readonly Operation[]): Timeline {
  const known: Draft[] = [];
  const unknown: Operation[] = [];
  for (const operation of operations) {
    const transition = transitionOf(operation);
    if (transition !== null) known.push({ operation, transition, endNs: operation.endNs });
    else if (operation.result.kind === "unknown" && operation.request.kind !== "read") unknown.push(operation);
  }
  const proven = proveApplied(known, unknown);
  const unproven = unknown.filter((operation) => !proven.has(operation));
  const mandatory = [...known, ...proven.values()];
  const optional = keepUseful(mandatory, unproven);
  const states = nameStates([...mandatory, ...optional]);
  const toStep = (draft: Draft, index: number): Step => ({
    index,
    operation: draft.operation,
    startNs: draft.operation.startNs,
    endNs: Math.max(draft.endNs, draft.operation.startNs),
    need: needNumber(draft.transition.need, states),
    effect: effectNumber(draft.transition.effect, states),
  });
  const steps = mandatory.map(toStep);
  return {
    mandatory: steps,
    optional: optional.map((draft, index) => toStep(draft, steps.length + index)),
    ...countObservers(steps),
    opOf: new Map([...states].map(([op, state]) => [state, op])),
  };
}

/** Writes of unknown outcome that somebody has seen, each to have happened before the first who saw it was answered. */
function proveApplied(known: readonly Draft[], unknown: readonly Operation[]): ReadonlyMap<Operation, Draft> {
  const writers = new Map<string, Operation>();
  for (const operation of unknown) for (const op of opsOf(operation)) writers.set(op, operation);
  const proven = new Map<Operation, Draft>();
  const seen = known.flatMap(({ transition, endNs }) => seenBy(transition, endNs));
  for (let next = seen.pop(); next !== undefined; next = seen.pop()) {
    const writer = writers.get(next.op);
    const transition = writer === undefined ? null : possibleTransition(writer, next.op);
    if (writer === undefined || transition === null) continue;
    const draft = proven.get(writer);
    // Two ops of one write were seen: applied twice. Only one is taken as written, so the other is seen in vain.
    const isOther = draft?.transition.effect.kind === "value" && draft.transition.effect.op !== next.op;
    if (isOther || (draft !== undefined && draft.endNs <= next.byNs)) continue;
    proven.set(writer, { operation: writer, transition, endNs: next.byNs });
    seen.push(...seenBy(transition, next.byNs));
  }
  return proven;
}

interface Sight {
  readonly op: string;
  readonly byNs: number;
}

function seenBy({ need }: Transition, byNs: number): readonly Sight[] {
  return need.kind === "value" ? [{ op: need.op, byNs }] : [];
}

function opsOf({ request }: Operation): readonly string[] {
  return request.kind === "read" ? [] : request.ops;
}

/**
 * Of the writes that may or may not have happened, those that could explain anything: what makes a document out of
 * nothing, what deletes, and what makes a state that another of them needs.
 */
function keepUseful(mandatory: readonly Draft[], unproven: readonly Operation[]): readonly Draft[] {
  const kept = new Map<Operation, Draft>();
  const named = new Set(mandatory.flatMap(({ transition }) => namesOf(transition.need)));
  for (let size = -1; size !== kept.size; ) {
    size = kept.size;
    for (const operation of unproven) {
      const transition = kept.has(operation) ? null : usefulTransition(operation, named);
      if (transition === null) continue;
      kept.set(operation, { operation, transition, endNs: Number.POSITIVE_INFINITY });
      for (const op of namesOf(transition.need)) named.add(op);
    }
  }
  // A value may have got its name only after its writer was kept.
  return [...kept].map(([operation, draft]) => ({
    ...draft,
    transition: usefulTransition(operation, named) ?? draft.transition,
  }));
}

function usefulTransition(operation: Operation, named: ReadonlySet<string>): Transition | null {
  const ops = opsOf(operation);
  const op = ops.find((candidate) => named.has(candidate)) ?? ops[0];
  const transition = op === undefined ? null : possibleTransition(operation, op);
  if (transition === null || op === undefined) return null;
  const { need, effect } = transition;
  const onlyReplaces = effect.kind === "value" && (need.kind === "value" || need.kind === "present");
  return onlyReplaces && !named.has(op) ? null : transition;
}

function namesOf(need: Need): readonly string[] {
  return need.kind === "value" ? [need.op] : [];
}

function nameStates(drafts: readonly Draft[]): ReadonlyMap<string, number> {
  const states = new Map<string, number>();
  for (const { transition } of drafts) {
    for (const op of namesOf(transition.need)) if (!states.has(op)) states.set(op, UNNAMED + 1 + states.size);
  }
  return states;
}

function needNumber(need: Need, states: ReadonlyMap<string, number>): number {
  switch (need.kind) {
    case "any":
      return ANY;
    case "absent":
      return ABSENT;
    case "present":
      return PRESENT;
    case "value":
      return states.get(need.op) ?? NEVER;
    case "impossible":
      return NEVER;
    default:
      return need satisfies never;
  }
}

function effectNumber(effect: Effect, states: ReadonlyMap<string, number>): number {
  if (effect.kind === "none") return NO_EFFECT;
  return effect.kind === "absent" ? ABSENT : (states.get(effect.op) ?? UNNAMED);
}

function countObservers(steps: readonly Step[]): Pick<Timeline, "watchers" | "successors"> {
  const watchers = new Map<number, number>();
  const successors = new Map<number, Step[]>();
  for (const step of steps) {
    if (step.need <= UNNAMED) continue;
    if (step.effect === NO_EFFECT) watchers.set(step.need, (watchers.get(step.need) ?? 0) + 1);
    else successors.set(step.need, [...(successors.get(step.need) ?? []), step]);
  }
  return { watchers, successors };
}
