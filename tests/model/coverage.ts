// Counts how often each thing really happened in a search, so that a model that is blind to something is found out.
// Must not change what happens.

/** Counters by name. */
export class Coverage {
  readonly #counts = new Map<string, { count: number }>();

  add(name: string): void {
    const counter = this.#counts.get(name);
    if (counter === undefined) this.#counts.set(name, { count: 1 });
    else counter.count += 1;
  }

  of(name: string): number {
    return this.#counts.get(name)?.count ?? 0;
  }

  /** Names and counts, by name. */
  entries(): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts]
      .map(([name, { count }]) => [name, count] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Adds what others have counted, as `entries` gives it. */
  addAll(entries: Iterable<readonly [name: string, count: number]>): void {
    for (const [name, count] of entries) {
      const counter = this.#counts.get(name);
      if (counter === undefined) this.#counts.set(name, { count });
      else counter.count += count;
    }
  }
}

const PHRASES = new Map<string, Map<string, string>>();

/** "a b", the same string each time: to count is then to look up a known string. */
export function phrase(subject: string, predicate: string): string {
  let phrases = PHRASES.get(predicate);
  if (phrases === undefined) {
    phrases = new Map();
    PHRASES.set(predicate, phrases);
  }
  let text = phrases.get(subject);
  if (text === undefined) {
    text = `${subject} ${predicate}`;
    phrases.set(subject, text);
  }
  return text;
}
