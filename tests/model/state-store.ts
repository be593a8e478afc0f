// Every state that a search has met, whole and once, with the state it was first reached from.
// Must not know what the words of a state mean.

const CHUNK_BITS = 16;
const CHUNK_STATES = 2 ** CHUNK_BITS;
const CHUNK_MASK = CHUNK_STATES - 1;
const FIRST_TABLE_BITS = 16;
const NO_STATE = -1;

/** Holds states of `width` 32-bit words: 4 bytes a word and about 12 more for each state. */
export class StateStore {
  readonly #width: number;
  readonly #chunks: Int32Array[] = [];
  readonly #parents: Int32Array[] = [];
  #table = new Int32Array(2 ** FIRST_TABLE_BITS).fill(NO_STATE);
  #size = 0;

  constructor(width: number) {
    this.#width = width;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a state; returns its index, or -1 if it is known. */
  add(state: Int32Array, parent: number): number {
    const slot = this.#find(state);
    if (this.#table[slot] !== NO_STATE) return NO_STATE;
    const index = this.#append(state, parent);
    this.#table[slot] = index;
    if (this.#size * 2 > this.#table.length) this.#grow();
    return index;
  }

  has(state: Int32Array): boolean {
    return this.#table[this.#find(state)] !== NO_STATE;
  }

  /** A copy of a state. */
  read(index: number): Int32Array {
    const start = (index & CHUNK_MASK) * this.#width;
    return chunkAt(this.#chunks, index >> CHUNK_BITS).slice(start, start + this.#width);
  }

  /** The state from which this one was first reached; -1 for a first one. */
  parentOf(index: number): number {
    return chunkAt(this.#parents, index >> CHUNK_BITS)[index & CHUNK_MASK] ?? NO_STATE;
  }

  #append(state: Int32Array, parent: number): number {
    const index = this.#size;
    if ((index & CHUNK_MASK) === 0) {
      this.#chunks.push(new Int32Array(CHUNK_STATES * this.#width));
      this.#parents.push(new Int32Array(CHUNK_STATES));
    }
    chunkAt(this.#chunks, index >> CHUNK_BITS).set(state, (index & CHUNK_MASK) * this.#width);
    chunkAt(this.#parents, index >> CHUNK_BITS)[index & CHUNK_MASK] = parent;
    this.#size += 1;
    return index;
  }

  /** The place in the table where this state is or belongs. */
  #find(state: Int32Array): number {
    const mask = this.#table.length - 1;
    let slot = hashOf(state, 0, this.#width) & mask;
    for (;;) {
      const index = this.#table[slot] ?? NO_STATE;
      if (index === NO_STATE || this.#equals(index, state)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #equals(index: number, state: Int32Array): boolean {
    const chunk = chunkAt(this.#chunks, index >> CHUNK_BITS);
    const start = (index & CHUNK_MASK) * this.#width;
    for (let word = 0; word < this.#width; word += 1) if (chunk[start + word] !== state[word]) return false;
    return true;
  }

  #grow(): void {
    const table = new Int32Array(this.#table.length * 2).fill(NO_STATE);
    const mask = table.length - 1;
    for (let index = 0; index < this.#size; index += 1) {
      const start = (index & CHUNK_MASK) * this.#width;
      let slot = hashOf(chunkAt(this.#chunks, index >> CHUNK_BITS), start, this.#width) & mask;
      while (table[slot] !== NO_STATE) slot = (slot + 1) & mask;
      table[slot] = index;
    }
    this.#table = table;
  }
}

function chunkAt(chunks: readonly Int32Array[], at: number): Int32Array {
  const chunk = chunks[at];
  if (chunk === undefined) throw new Error(`broken assumption: no chunk ${at}`);
  return chunk;
}

function hashOf(words: Int32Array, start: number, width: number): number {
  let hash = width;
  for (let at = start; at < start + width; at += 1) {
    hash = Math.imul(hash ^ (words[at] ?? 0), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
