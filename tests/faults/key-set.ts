// The keys that the load works on: few enough that clients meet, some of them hot, in hot slots and spread ones, on both shards.
// Must not depend on anything but the maps of the configuration.
import { type CollectionConfig, type GatewayConfig, parseConfig } from "../../config/config.ts";
import { encodeKey, parseKey } from "../../router/canonical-key.ts";
import type { CanonicalKey, CollectionName, SlotId } from "../../router/ids.ts";
import { rangeOf } from "../../router/shard-map.ts";
import { slotOf, sortKeyOf } from "../../router/slot.ts";
import type { Random } from "../history/random.ts";

/** One document's place. `shard`: its first owner. */
export interface LoadKey {
  readonly path: string;
  readonly collection: CollectionName;
  readonly slot: SlotId;
  readonly sortKey: string;
  readonly shard: string;
}

/** Keys by collection. */
export type KeyNames = Readonly<Record<string, readonly string[]>>;

/** Every key, and the neighbours that a list can ask for. */
export interface KeySet {
  readonly keys: readonly LoadKey[];
  /** Ordered keys of each shard in the collection that is listed. */
  readonly runs: readonly (readonly LoadKey[])[];
  /** Some key, a hot one more often: the n-th with a weight of 1/(n + 6). What one key sees at once has to be judged in the end. */
  pick(random: Random): LoadKey;
}

const LISTED = "products";

/** The larger, the less the hottest keys stand out. */
const LEVELLING = 6;

/** Keys that share one slot, on either shard; keys with a slot each; keys spread by hash. */
export const FAULT_KEYS: KeyNames = {
  [LISTED]: [
    ...series("aa", 12),
    ...series("re", 12),
    ...[..."abcdefghijklmnopqrstuvwxyz"].flatMap((letter) => [`${letter}x-1`, `${letter}q-1`]),
  ],
  carts: series("cart", 40),
};

/** Keys that begin alike. */
export function series(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index}`);
}

/** The keys of a configuration; the seed decides which are hot. */
function createKeySet(config: GatewayConfig, keyNames: KeyNames, random: Random): KeySet {
  const keys = Object.entries(keyNames).flatMap(([name, names]) => {
    const collection = config.collections.get(name);
    if (collection === undefined) throw new Error(`broken assumption: a collection ${name}`);
    return names.map((text) => placeOf(collection, text));
  });
  const byHeat = shuffled(keys, random);
  const limits = byHeat.reduce<number[]>(
    (sums, _, rank) => [...sums, (sums.at(-1) ?? 0) + 1 / (rank + 1 + LEVELLING)],
    [],
  );
  const total = limits.at(-1) ?? 0;
  return {
    keys,
    runs: [
      ...Map.groupBy(
        keys.filter(({ collection }) => collection === LISTED),
        ({ shard }) => shard,
      ).values(),
    ].map((run) => run.toSorted((a, b) => (a.sortKey < b.sortKey ? -1 : 1))),
    pick(chooser) {
      const at = (chooser.below(1e9) / 1e9) * total;
      const found = byHeat[limits.findIndex((limit) => at < limit)] ?? byHeat[0];
      if (found === undefined) throw new Error("broken assumption: there are keys");
      return found;
    },
  };
}

function placeOf(collection: CollectionConfig, text: string): LoadKey {
  const parsed = parseKey(text);
  if (!parsed.ok) throw new Error(`broken assumption: ${text} is a key`);
  const key: CanonicalKey = parsed.value;
  const sortKey = sortKeyOf(collection.placement, key);
  const { shard } = rangeOf(collection.initialMap, sortKey);
  const slot = slotOf(collection.placement, key);
  return { path: `/${collection.name}/${encodeKey(key)}`, collection: collection.name, slot, sortKey, shard };
}

function shuffled<Item>(items: readonly Item[], random: Random): readonly Item[] {
  const drawn = [...items];
  for (let last = drawn.length - 1; last > 0; last -= 1) {
    const other = random.below(last + 1);
    const [one, two] = [drawn[last], drawn[other]];
    if (one !== undefined && two !== undefined) [drawn[last], drawn[other]] = [two, one];
  }
  return drawn;
}

/** The configuration as text to the keys it has. */
export function keySetOf(configText: string, keyNames: KeyNames, random: Random): KeySet {
  return createKeySet(parseConfig(configText, "the load's configuration"), keyNames, random);
}
