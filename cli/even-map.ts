/**
 * First maps that spread a collection evenly over any number of shards. It must not look at data: it cuts the
 * space of keys, letters for ordered collections and hash slots for the others.
 */
import { type Placement, prefixesOf } from "../router/slot.ts";

/** Most shards that one machine may be asked to run. */
export const SHARDS_MAX = 16;

/** One range as `zgate.toml` has it: no `end` means the end of everything. */
export interface MapEntry {
  readonly start: string;
  readonly end?: string;
  readonly shard: string;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** `shard-1` to `shard-N`. */
export function shardIds(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `shard-${index + 1}`);
}

/** One range per shard, in order. Every cut is a slot boundary. */
export function evenMap(kind: Placement["kind"], shards: readonly string[]): readonly MapEntry[] {
  const places = kind === "range" ? [...LETTERS] : prefixesOf({ kind: "hash", stripes: 1 });
  const cuts = shards.map((_, index) => places[Math.round((index * places.length) / shards.length)] ?? "");
  return shards.map((shard, index) => {
    const end = cuts[index + 1];
    const start = index === 0 ? "" : (cuts[index] ?? "");
    return end === undefined ? { start, shard } : { start, end, shard };
  });
}
