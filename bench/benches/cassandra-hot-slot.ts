/**
 * All clients writing to one slot: group commit through a shard against one conditional write each by the bare driver.
 * It must not spread anything: one partition takes it all.
 */
import type { Bench, BenchContext } from "../bench.ts";
import { bareDriver, CLIENTS, inArena, shardWrites, takeWarmTurns } from "../cassandra-duel.ts";
import { type Measurement, ratio, type Sample, sideOf, total } from "../measurement.ts";
import type { Product } from "../products.ts";
import { type ClientWork, dealt, ofLargestSlot } from "../spread.ts";

const TARGET = { relation: "at least", bound: 8 } as const;
const NO_FAILURE = { relation: "at most", bound: 0 } as const;

/** PUT by clients each of which has one key of the sample's largest slot, and writes it over and over. */
export const cassandraHotSlot: Bench = {
  name: "cassandra-hot-slot",
  about: `${CLIENTS} clients writing to one slot of a shard on Cassandra ÷ one conditional write each by the driver`,
  run: measureHotSlot,
};

function measureHotSlot(context: BenchContext): Promise<readonly Measurement[]> {
  return inArena(context, async (arena) => {
    const clients = () => oneKeyEach(arena.ground.products);
    const sides = { zgate: shardWrites(arena, clients), bare: bareDriver(arena, { kind: "write", clients }) };
    const { zgate, bare } = await takeWarmTurns(arena, sides);
    const speed = { name: "Cassandra, PUT to one hot slot", unit: "writes/s", target: TARGET };
    const failures = { name: "Cassandra, failed PUTs of it", unit: "requests", target: NO_FAILURE };
    return [
      ratio(speed, sideOf("shard", zgate), sideOf("one conditional write each", bare)),
      total(failures, sideOf("shard", zgate.map(failuresAlone))),
    ];
  });
}

function oneKeyEach(products: readonly Product[]): readonly ClientWork[] {
  return dealt(ofLargestSlot(products, CLIENTS), CLIENTS).map((ofClient) => ({ products: ofClient, suffix: null }));
}

/** The failures of each run as a figure of their own. */
function failuresAlone({ failures = 0 }: Sample): Sample {
  const nothing = { latencyMedianMs: null, latencyP99Ms: null, serverMicros: null, generatorBusy: null };
  return { value: failures, ...nothing };
}
