// Sets of small numbers, each set itself a number: sorted lists that share their beginnings.
// Must not hold numbers of 2^20 or more.

const MEMBER_BITS = 20;
const MEMBERS_MAX = 2 ** MEMBER_BITS;

/** The set without members. */
export const EMPTY_SET = 0;

/** All sets that were ever made. A set is its largest member and the set of the others. */
export class NumberSets {
  readonly #rest: number[] = [0];
  readonly #last: number[] = [-1];
  readonly #byParts = new Map<number, number>();

  get size(): number {
    return this.#rest.length;
  }

  /** Members in descending order. */
  membersOf(set: number): readonly number[] {
    const members: number[] = [];
    for (let at = set; at !== EMPTY_SET; at = this.#rest[at] ?? EMPTY_SET) members.push(this.#last[at] ?? -1);
    return members;
  }

  has(set: number, member: number): boolean {
    for (let at = set; at !== EMPTY_SET; at = this.#rest[at] ?? EMPTY_SET) {
      const last = this.#last[at] ?? -1;
      if (last <= member) return last === member;
    }
    return false;
  }

  with(set: number, member: number): number {
    const last = this.#last[set] ?? -1;
    if (last === member) return set;
    if (last < member) return this.#join(set, member);
    return this.#join(this.with(this.#rest[set] ?? EMPTY_SET, member), last);
  }

  without(set: number, member: number): number {
    const last = this.#last[set] ?? -1;
    if (set === EMPTY_SET || last < member) return set;
    const rest = this.#rest[set] ?? EMPTY_SET;
    return last === member ? rest : this.#join(this.without(rest, member), last);
  }

  filter(set: number, keep: (member: number) => boolean): number {
    if (set === EMPTY_SET) return set;
    const last = this.#last[set] ?? -1;
    const rest = this.filter(this.#rest[set] ?? EMPTY_SET, keep);
    return keep(last) ? this.#join(rest, last) : rest;
  }

  #join(rest: number, last: number): number {
    if (last >= MEMBERS_MAX) throw new RangeError(`expected members below ${MEMBERS_MAX}, got ${last}`);
    const parts = rest * MEMBERS_MAX + last;
    const known = this.#byParts.get(parts);
    if (known !== undefined) return known;
    const set = this.#rest.length;
    this.#rest.push(rest);
    this.#last.push(last);
    this.#byParts.set(parts, set);
    return set;
  }
}
