/**
 * All clients reading from one slot: read groups of a shard against SERIAL reads that compete, by the bare driver.
 * It must not read anything that is written meanwhile.
 */
import type { Bench, BenchContext } from "../bench.ts";
import { bareDriver, CLIENTS, inArena, shardReads, takeWarmTurns } from "../cassandra-duel.ts";
import { type Measurement, ratio, sideOf } from "../measurement.ts";
import { signedReads } from "../signed-request.ts";
import { dealt, ofLargestSlot } from "../spread.ts";

const TARGET = { relation: "at least", bound: 1 } as const;

/** GET by clients each of which has one key of the sample's largest slot, and reads it over and over. */
export const cassandraHotRead: Bench = {
  name: "cassandra-hot-read",
  about: `${CLIENTS} clients reading from one slot of a shard on Cassandra ÷ the driver's own SERIAL reads`,
  run: measureHotRead,
};

function measureHotRead(context: BenchContext): Promise<readonly Measurement[]> {
  return inArena(context, async (arena) => {
    const { filled, products } = arena.ground;
    const hot = ofLargestSlot(products, CLIENTS);
    const keys = hot.map(({ key }) => key);
    const requests = () => signedReads(arena.shard.signingKeys, filled, keys);
    const clients = () => dealt(hot, CLIENTS).map((ofClient) => ({ products: ofClient, suffix: null }));
    const sides = {
      zgate: shardReads(arena, { label: "shard", requests, expectedStatus: 200 }),
      bare: bareDriver(arena, { kind: "read", clients }),
    };
    const { zgate, bare } = await takeWarmTurns(arena, sides);
    const subject = { name: "Cassandra, GET from one hot slot", unit: "requests/s", target: TARGET };
    return [ratio(subject, sideOf("shard", zgate), sideOf("the driver's SERIAL read", bare))];
  });
}
