// Chance that repeats itself: a sequence of numbers that one seed decides. Must not be used for secrets.

/** Numbers from one seed. */
export interface Random {
  /** From 0 inclusive to `below` exclusive, whole. */
  below(below: number): number;
  /** True in this part of all cases, from 0 to 1. */
  chance(part: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
}

/** Mulberry32: small, fast and even enough for choosing what a test does. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return { below, chance: (part) => next() < part, pick: (items) => items[below(items.length)] ?? items[0] };
}
