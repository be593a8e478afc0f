/**
 * Just-in-time linearisation (Lowe, "Testing for linearizability", 2017) of one key's steps: walks through the starts and
 * ends in order of time and keeps every way in which the steps that have ended can have taken effect. A step takes effect as
 * late as possible, except where earlier cannot hurt: what only looks does so as soon as it can, and of steps that do the
 * same the one that ends first goes first.
 * It must not guess: when it gives up it says so.
 */
import { ABSENT, ANY, NO_EFFECT, PRESENT, type Step, type Timeline, UNNAMED } from "./timeline.ts";

/** One way things can have gone: the state, the steps under way that are done, and what was used of the optional ones. */
export interface Configuration {
  readonly state: number;
  readonly done: readonly number[];
  /** Interchangeable optional steps are only counted: those that make a document, and those that delete any. */
  readonly makersUsed: number;
  readonly deletersUsed: number;
  /** The others by index, without those that need a named state: such a state does not come twice, so nor can they. */
  readonly optionalUsed: readonly number[];
}

/** `failed`: no way is left once `step` has ended. */
export type SearchResult =
  | { readonly kind: "linearisable"; readonly configurations: readonly Configuration[]; readonly visited: number }
  | {
      readonly kind: "failed";
      readonly step: Step;
      readonly before: readonly Configuration[];
      readonly visited: number;
    }
  | { readonly kind: "too-complex"; readonly step: Step; readonly visited: number };

const START: Configuration = { state: ABSENT, done: [], makersUsed: 0, deletersUsed: 0, optionalUsed: [] };

/** Searches, visiting at most `visitsMax` configurations. */
export function search(timeline: Timeline, visitsMax: number): SearchResult {
  return new Search(timeline, visitsMax).run();
}

class Search {
  readonly #timeline: Timeline;
  readonly #visitsMax: number;
  readonly #called: Step[] = [];
  readonly #optionalCalled: Step[] = [];
  readonly #watchersCalled = new Map<number, number>();
  #makers = 0;
  #deleters = 0;
  #visited = 0;

  constructor(timeline: Timeline, visitsMax: number) {
    this.#timeline = timeline;
    this.#visitsMax = visitsMax;
  }

  run(): SearchResult {
    let configurations: readonly Configuration[] = [START];
    for (const { step, kind } of eventsOf(this.#timeline)) {
      if (kind === "start") {
        configurations = this.#call(step, configurations);
        continue;
      }
      const before = configurations;
      configurations = this.#end(step, before);
      if (this.#visited > this.#visitsMax) return { kind: "too-complex", step, visited: this.#visited };
      if (configurations.length === 0) return { kind: "failed", step, before, visited: this.#visited };
    }
    return { kind: "linearisable", configurations, visited: this.#visited };
  }

  #call(step: Step, configurations: readonly Configuration[]): readonly Configuration[] {
    if (step.endNs === Number.POSITIVE_INFINITY) {
      if (isMaker(step)) this.#makers += 1;
      else if (isDeleter(step)) this.#deleters += 1;
      else this.#optionalCalled.push(step);
      return configurations;
    }
    this.#called.push(step);
    if (step.effect !== NO_EFFECT && !isAbsorbable(step)) return configurations;
    if (step.effect === NO_EFFECT) {
      this.#watchersCalled.set(step.need, (this.#watchersCalled.get(step.need) ?? 0) + 1);
    }
    return configurations.map((configuration) => this.#settle(configuration));
  }

  /** All ways in which `goal` has taken effect, each with no more steps than that took. */
  #end(goal: Step, configurations: readonly Configuration[]): readonly Configuration[] {
    const reached = new Frontier();
    const seen = new Frontier();
    const stack = [...configurations];
    for (const configuration of stack) seen.add(configuration);
    for (let next = stack.pop(); next !== undefined && this.#visited <= this.#visitsMax; next = stack.pop()) {
      this.#visited += 1;
      if (next.done.includes(goal.index)) {
        reached.add({ ...next, done: next.done.filter((index) => index !== goal.index) });
        continue;
      }
      for (const following of this.#follow(next, goal)) if (seen.add(following)) stack.push(following);
    }
    this.#called.splice(this.#called.indexOf(goal), 1);
    return reached.list();
  }

  #follow(from: Configuration, goal: Step): readonly Configuration[] {
    const candidates = this.#candidates(from, goal);
    const following = candidates.map((step) => this.#apply(from, step));
    const hasMaker = candidates.some((step) => step.need === ABSENT && step.effect === UNNAMED);
    if (from.state === ABSENT && from.makersUsed < this.#makers && !hasMaker) {
      following.push(this.#settle({ ...from, state: UNNAMED, makersUsed: from.makersUsed + 1 }));
    }
    const hasDeleter = candidates.some(isDeleter);
    if (
      from.state !== ABSENT &&
      from.deletersUsed < this.#deleters &&
      !hasDeleter &&
      this.#mayLeave(from.state, null)
    ) {
      const absorbed = this.#absorb(from);
      following.push(this.#settle({ ...absorbed, state: ABSENT, deletersUsed: from.deletersUsed + 1 }));
    }
    return following;
  }

  /** Steps that could take effect next and change the state; of those that do the same only the first to end. */
  #candidates(from: Configuration, goal: Step): readonly Step[] {
    const first = new Map<string, Step>();
    for (const step of this.#called) {
      if (step.effect === NO_EFFECT || from.done.includes(step.index) || !this.#canFollow(from.state, step)) continue;
      if (isAbsorbable(step) && step !== goal) continue;
      const name = step.effect > UNNAMED ? `op ${step.index}` : `${step.need} ${step.effect}`;
      const rival = first.get(name);
      if (rival === undefined || step.endNs < rival.endNs) first.set(name, step);
    }
    const optional = this.#optionalCalled.filter(
      (step) => !from.optionalUsed.includes(step.index) && this.#canFollow(from.state, step),
    );
    return [...first.values(), ...optional];
  }

  #canFollow(state: number, step: Step): boolean {
    return isMet(step.need, state) && this.#mayLeave(state, step);
  }

  /** A named state is written once, so it may end only when all who see it have started, and by the one who needs it. */
  #mayLeave(state: number, by: Step | null): boolean {
    if (state <= UNNAMED) return true;
    if ((this.#watchersCalled.get(state) ?? 0) < (this.#timeline.watchers.get(state) ?? 0)) return false;
    const successors = this.#timeline.successors.get(state) ?? [];
    return successors.every((step) => step === by);
  }

  #apply(from: Configuration, step: Step): Configuration {
    const overwritesAny = step.need === PRESENT || step.need === ANY;
    const ready = overwritesAny && from.state !== ABSENT ? this.#absorb(from) : from;
    const isOptional = step.endNs === Number.POSITIVE_INFINITY;
    const done = isOptional ? ready.done : insert(ready.done, step.index);
    const optionalUsed =
      isOptional && step.need <= UNNAMED ? insert(ready.optionalUsed, step.index) : ready.optionalUsed;
    return this.#settle({ ...ready, done, optionalUsed, state: step.effect });
  }

  /** Writes over some document by something that nobody sees: they fit in just before anything else that overwrites. */
  #absorb(configuration: Configuration): Configuration {
    return this.#markDone(configuration, isAbsorbable);
  }

  #settle(configuration: Configuration): Configuration {
    const { state } = configuration;
    return this.#markDone(configuration, (step) =>
      step.effect === NO_EFFECT ? isMet(step.need, state) : state === UNNAMED && isAbsorbable(step),
    );
  }

  #markDone(configuration: Configuration, isDone: (step: Step) => boolean): Configuration {
    const added = this.#called.filter((step) => isDone(step) && !configuration.done.includes(step.index));
    if (added.length === 0) return configuration;
    const done = [...configuration.done, ...added.map(({ index }) => index)].sort((a, b) => a - b);
    return { ...configuration, done };
  }
}

/** Configurations of which none is as good as another in the same place that has used less. */
class Frontier {
  readonly #places = new Map<string, Configuration[]>();

  /** False when it adds nothing to those that are there. */
  add(configuration: Configuration): boolean {
    const { state, done, optionalUsed } = configuration;
    const place = `${state}:${done.join()}:${optionalUsed.join()}`;
    const rivals = this.#places.get(place) ?? [];
    if (rivals.some((rival) => usesNoMore(rival, configuration))) return false;
    this.#places.set(place, [...rivals.filter((rival) => !usesNoMore(configuration, rival)), configuration]);
    return true;
  }

  list(): readonly Configuration[] {
    return [...this.#places.values()].flat();
  }
}

function usesNoMore(one: Configuration, other: Configuration): boolean {
  return one.makersUsed <= other.makersUsed && one.deletersUsed <= other.deletersUsed;
}

interface Event {
  readonly atNs: number;
  readonly kind: "start" | "end";
  readonly step: Step;
}

/** In order of time; of one moment the starts come first, because they may have been concurrent. */
function eventsOf({ mandatory, optional }: Timeline): readonly Event[] {
  const starts = [...mandatory, ...optional].map((step): Event => ({ atNs: step.startNs, kind: "start", step }));
  const ends = mandatory.map((step): Event => ({ atNs: step.endNs, kind: "end", step }));
  return [...starts, ...ends].sort((a, b) => a.atNs - b.atNs || rankOf(a) - rankOf(b) || a.step.index - b.step.index);
}

function rankOf({ kind }: Event): number {
  return kind === "start" ? 0 : 1;
}

function isMet(need: number, state: number): boolean {
  return need === state || need === ANY || (need === PRESENT && state !== ABSENT);
}

function isAbsorbable({ need, effect }: Step): boolean {
  return need === PRESENT && effect === UNNAMED;
}

/** Only of use where there is nothing, whatever its own need: over a document it would change nothing that anybody sees. */
function isMaker({ need, effect }: Step): boolean {
  return effect === UNNAMED && (need === ANY || need === ABSENT);
}

function isDeleter({ need, effect }: Step): boolean {
  return need === PRESENT && effect === ABSENT;
}

function insert(sorted: readonly number[], value: number): readonly number[] {
  return [...sorted, value].sort((a, b) => a - b);
}
