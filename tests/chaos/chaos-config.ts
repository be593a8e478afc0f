// The instance of a chaos run: three shards, a range collection, a hash one and one in stripes, and the keys its clients use.
// Must not start anything.
import { type KeyNames, series } from "../faults/key-set.ts";

export const SHARD_IDS = ["shard-1", "shard-2", "shard-3"] as const;

const COLLECTIONS = [
  { name: "products", placement: 'kind = "range"', cuts: ["f", "q"] },
  { name: "carts", placement: 'kind = "hash"', cuts: ["ag", "l0"] },
  { name: "notes", placement: 'kind = "range"\nstripes = 2', cuts: ["kh", "ko"] },
] as const;

const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];

/** Some in one slot, most with a slot each; those of notes in both stripes of a prefix. */
export const CHAOS_KEYS: KeyNames = {
  products: [
    ...series("ma", 10),
    ...["b", "m", "t"].flatMap((first) => LETTERS.map((second) => `${first}${second}-1`)),
  ],
  carts: series("cart", 40),
  notes: [..."abcdefghijklmnopqrst"].flatMap((second) => series(`k${second}`, 4)),
};

/** The keys of some collections. */
export function keysOf(collections: Iterable<string>): KeyNames {
  return Object.fromEntries([...collections].map((name) => [name, CHAOS_KEYS[name] ?? []]));
}

/** What differs between instances. `retention`: how long records and tombstones stay, longer than any client repeats a write. */
export interface ChaosSettings {
  readonly retention: string;
  readonly collections: readonly string[];
}

/** The configuration as text; `origins` in the order of the shards. */
export function chaosConfig(origins: readonly string[], { retention, collections }: ChaosSettings): string {
  return [
    ...COLLECTIONS.filter(({ name }) => collections.includes(name)).map(
      ({ name, placement, cuts: [first, second] }) => {
        const head = `[[collections]]\nname = "${name}"\n${placement}`;
        const retentions = `idempotency_retention = "${retention}"\ntombstone_retention = "${retention}"`;
        const bounds = [`start = ""\nend = "${first}"`, `start = "${first}"\nend = "${second}"`, `start = "${second}"`];
        const map = bounds.map((bound, index) => `[[collections.map]]\n${bound}\nshard = "${SHARD_IDS[index]}"`);
        return [head, retentions, ...map].join("\n");
      },
    ),
    ...origins.map((origin, index) => `[[shards]]\nid = "${SHARD_IDS[index]}"\norigins = ["${origin}"]`),
  ].join("\n\n");
}
