/**
 * Reading from a shard on Cassandra over HTTP against the driver's own SERIAL read of the same rows.
 * It must not read anything that was written in the same run.
 */
import type { Bench, BenchContext } from "../bench.ts";
import { bareDriver, CLIENTS, inArena, shardReads, takeWarmTurns } from "../cassandra-duel.ts";
import { type Measurement, ratio, sideOf } from "../measurement.ts";
import { signedReads } from "../signed-request.ts";
import { dealt, onePerSlot } from "../spread.ts";

const TARGET = { relation: "at least", bound: 0.85 } as const;

/** GET of one product of each slot, signed as by an edge. Each client has slots of its own: reads that meet disturb each other. */
export const cassandraGet: Bench = {
  name: "cassandra-get",
  about: "GET from a shard on Cassandra ÷ the driver's own SERIAL read",
  run: measureGet,
};

function measureGet(context: BenchContext): Promise<readonly Measurement[]> {
  return inArena(context, async (arena) => {
    const { filled, products } = arena.ground;
    const spread = onePerSlot(products);
    const keys = spread.map(({ key }) => key);
    const requests = () => signedReads(arena.shard.signingKeys, filled, keys);
    const clients = () => dealt(spread, CLIENTS).map((ofClient) => ({ products: ofClient, suffix: null }));
    const sides = {
      zgate: shardReads(arena, { label: "shard", requests, expectedStatus: 200 }),
      bare: bareDriver(arena, { kind: "read", clients }),
    };
    const { zgate, bare } = await takeWarmTurns(arena, sides);
    const subject = { name: "Cassandra, GET", unit: "requests/s", target: TARGET };
    return [ratio(subject, sideOf("shard", zgate), sideOf("the driver's SERIAL read", bare))];
  });
}
