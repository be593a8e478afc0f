// Numbers for values, so that a state is a handful of integers: equal values, equal numbers.
// Must not forget a value: numbers stay valid for the whole search.

/** Gives each distinct value a number from 0 on. `nameOf` must be different for different values. */
export class Interner<Value> {
  readonly #numbers = new Map<string, number>();
  readonly #values: Value[] = [];
  readonly #nameOf: (value: Value) => string;

  constructor(nameOf: (value: Value) => string) {
    this.#nameOf = nameOf;
  }

  get size(): number {
    return this.#values.length;
  }

  numberOf(value: Value): number {
    const name = this.#nameOf(value);
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#values.length;
    this.#numbers.set(name, number);
    this.#values.push(value);
    return number;
  }

  valueOf(number: number): Value {
    const value = this.#values[number];
    if (value === undefined) throw new Error(`broken assumption: nothing has the number ${number}`);
    return value;
  }
}

/** Remembers what a function of two small numbers said. */
export class PairMemo<Value> {
  readonly #rows: (Value | undefined)[][] = [];

  get(a: number, b: number, compute: () => Value): Value {
    let row = this.#rows[a];
    if (row === undefined) {
      row = [];
      this.#rows[a] = row;
    }
    const known = row[b];
    if (known !== undefined) return known;
    const value = compute();
    row[b] = value;
    return value;
  }
}
