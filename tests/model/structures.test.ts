// What the search stands on: numbers for values, sets as numbers, and a store of states, each against the plain thing.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holds } from "../unit/seed.ts";
import { Interner, PairMemo } from "./interning.ts";
import { EMPTY_SET, NumberSets } from "./number-sets.ts";
import { StateStore } from "./state-store.ts";

const members = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 12 });

describe("sets as numbers", () => {
  it("are equal exactly when they have the same members", () => {
    const sets = new NumberSets();
    const setOf = (values: readonly number[]): number =>
      values.reduce((set, value) => sets.with(set, value), EMPTY_SET);
    holds(
      fc.property(members, members, (left, right) => {
        const [a, b] = [new Set(left), new Set(right)];
        expect(setOf(left) === setOf(right)).toBe(a.size === b.size && [...a].every((value) => b.has(value)));
        expect(sets.membersOf(setOf(left))).toEqual([...a].toSorted((x, y) => y - x));
      }),
    );
  });

  it("lose what is taken out or filtered", () => {
    const sets = new NumberSets();
    holds(
      fc.property(members, fc.integer({ min: 0, max: 30 }), (values, out) => {
        const set = values.reduce((partial, value) => sets.with(partial, value), EMPTY_SET);
        expect(sets.has(set, out)).toBe(values.includes(out));
        expect(sets.without(set, out)).toBe(sets.filter(set, (member) => member !== out));
        expect(sets.membersOf(sets.without(set, out))).not.toContain(out);
      }),
    );
  });

  it("refuse a member that does not fit", () => {
    expect(() => new NumberSets().with(EMPTY_SET, 2 ** 20)).toThrow(RangeError);
  });
});

describe("numbers for values", () => {
  it("are equal for equal names and give the value back", () => {
    const interner = new Interner<{ readonly name: string }>(({ name }) => name);
    expect([
      interner.numberOf({ name: "a" }),
      interner.numberOf({ name: "b" }),
      interner.numberOf({ name: "a" }),
    ]).toEqual([0, 1, 0]);
    expect(interner.valueOf(1)).toEqual({ name: "b" });
    expect(() => interner.valueOf(2)).toThrow("broken assumption");
  });

  it("compute a pair once", () => {
    const memo = new PairMemo<number>();
    expect([memo.get(1, 2, () => 3), memo.get(1, 2, () => 4), memo.get(2, 1, () => 5)]).toEqual([3, 3, 5]);
  });
});

describe("the store of states", () => {
  it("knows exactly the states that were added, beyond several chunks and growths", () => {
    const store = new StateStore(2);
    const count = 200_000;
    let added = 0;
    for (let index = 0; index < count; index += 1) {
      if (store.add(Int32Array.of(index % 1000, Math.floor(index / 1000)), index - 1) === index) added += 1;
    }
    expect(added).toBe(count);
    expect(store.size).toBe(count);
    expect(store.add(Int32Array.of(7, 42), -1)).toBe(-1);
    expect([store.has(Int32Array.of(7, 42)), store.has(Int32Array.of(1000, 0))]).toEqual([true, false]);
    expect([...store.read(42_007)]).toEqual([7, 42]);
    expect(store.parentOf(42_007)).toBe(42_006);
  });
});
