/**
 * The whole key space as runs: neighbouring slots believed to be of one shard. One request per run, not per slot.
 * Pure; it must not ask shards.
 */
import type { ShardId } from "../../router/ids.ts";
import type { LearnedOwner, RouteHints } from "../../router/route-hints.ts";
import { rangeOf, type ShardMap } from "../../router/shard-map.ts";
import { floorIndex, prefixesOf, prefixOf, prefixOfSlot } from "../../router/slot.ts";

/** Where a list goes on: the shard, the epoch known of the first slot, and where the shard's run ends (null: never). */
export interface Run {
  readonly shard: ShardId;
  readonly epoch: number;
  readonly end: string | null;
}

interface Runs {
  readonly starts: readonly string[];
  readonly shards: readonly ShardId[];
  readonly learned: ReadonlyMap<string, LearnedOwner>;
}

const built = new WeakMap<RouteHints, Runs>();

/** The run from `position` on; null while there is no map. */
export function runAt(hints: RouteHints, position: string): Run | null {
  if (hints.map === null) return null;
  const runs = built.get(hints) ?? buildRuns(hints, hints.map);
  built.set(hints, runs);
  const index = Math.max(0, floorIndex(runs.starts, position));
  const shard = runs.shards[index];
  if (shard === undefined) return null;
  const epoch = runs.learned.get(prefixOf(hints.placement, position))?.epoch ?? 0;
  return { shard, epoch, end: runs.starts[index + 1] ?? null };
}

/** Where nothing was learned the map's ranges are looked through, else all prefixes. */
function buildRuns(hints: RouteHints, map: ShardMap): Runs {
  const learned = learnedByPrefix(hints);
  const prefixes = learned.size === 0 ? map.ranges.map((range) => range.start) : prefixesOf(hints.placement);
  const starts: string[] = [];
  const shards: ShardId[] = [];
  for (const prefix of prefixes) {
    const shard = learned.get(prefix)?.owner ?? rangeOf(map, prefix).shard;
    if (shards.at(-1) === shard) continue;
    // Whatever lies below the first prefix belongs to it.
    starts.push(starts.length === 0 ? "" : prefix);
    shards.push(shard);
  }
  return { starts, shards, learned };
}

/** What is known best of each prefix; a striped one has several slots. */
function learnedByPrefix({ placement, learned }: RouteHints): ReadonlyMap<string, LearnedOwner> {
  const best = new Map<string, LearnedOwner>();
  for (const [slot, owner] of learned) {
    const prefix = prefixOfSlot(placement, slot);
    const known = best.get(prefix);
    if (known === undefined || known.epoch < owner.epoch) best.set(prefix, owner);
  }
  return best;
}
