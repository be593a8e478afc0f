/**
 * Reading keys that are not there against reading those that are, through the same shard on Cassandra.
 * It must not compare different slots: for every key that is there one of the same slot is missing.
 */
import type { Bench, BenchContext } from "../bench.ts";
import { inArena, shardReads, takeWarmTurns } from "../cassandra-duel.ts";
import { type Measurement, ratio, sideOf } from "../measurement.ts";
import { signedReads } from "../signed-request.ts";
import { onePerSlot } from "../spread.ts";

const TARGET = { relation: "at least", bound: 0.9 } as const;

/** GET that is answered with 404, and GET that is answered with 200. */
export const cassandraMissing: Bench = {
  name: "cassandra-missing",
  about: "GET of missing keys ÷ GET of existing ones, both from a shard on Cassandra",
  run: measureMissing,
};

function measureMissing(context: BenchContext): Promise<readonly Measurement[]> {
  return inArena(context, async (arena) => {
    const { filled, products } = arena.ground;
    const existing = onePerSlot(products).map(({ key }) => key);
    const missing = existing.map((key) => `${key}-is-missing`);
    const reads = (keys: readonly string[]) => () => signedReads(arena.shard.signingKeys, filled, keys);
    const sides = {
      zgate: shardReads(arena, { label: "missing", requests: reads(missing), expectedStatus: 404 }),
      bare: shardReads(arena, { label: "existing", requests: reads(existing), expectedStatus: 200 }),
    };
    const { zgate, bare } = await takeWarmTurns(arena, sides);
    const subject = { name: "Cassandra, GET of a missing key", unit: "requests/s", target: TARGET };
    return [ratio(subject, sideOf("missing keys", zgate), sideOf("existing keys", bare))];
  });
}
