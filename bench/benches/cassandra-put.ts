/**
 * Writing to a shard on Cassandra over HTTP against the driver's own conditional write, spread over slots.
 * It must not let two clients meet where the bench says that they do not: that would measure group commit.
 */
import { randomBytes } from "node:crypto";
import type { Bench, BenchContext } from "../bench.ts";
import { bareDriver, type CassandraArena, CLIENTS, inArena, shardWrites, takeWarmTurns } from "../cassandra-duel.ts";
import { type Measurement, ratio, sideOf } from "../measurement.ts";
import type { Product } from "../products.ts";
import { type ClientWork, dealt, onePerSlot } from "../spread.ts";

const TARGET = { relation: "at least", bound: 0.9 } as const;

/** PUT of products that were never there, and of some that are there. */
export const cassandraPut: Bench = {
  name: "cassandra-put",
  about: "PUT to a shard on Cassandra ÷ the driver's own conditional write",
  run: measurePut,
};

function measurePut(context: BenchContext): Promise<readonly Measurement[]> {
  return inArena(context, async (arena) => {
    const products = onePerSlot(arena.ground.products);
    const created = await compare(arena, "Cassandra, PUT of new keys", () => newKeys(products));
    const replaced = await compare(arena, "Cassandra, PUT over existing keys", () => existingKeys(products));
    return [created, replaced];
  });
}

/** Each client has slots of its own, and each write a key of its own. */
function newKeys(products: readonly Product[]): readonly ClientWork[] {
  const run = randomBytes(4).toString("hex");
  return dealt(products, CLIENTS).map((ofClient, client) => ({ products: ofClient, suffix: `${run}-${client}` }));
}

/** Each client has slots of its own, and writes to the same keys over and over. */
function existingKeys(products: readonly Product[]): readonly ClientWork[] {
  return dealt(products, CLIENTS).map((ofClient) => ({ products: ofClient, suffix: null }));
}

async function compare(
  arena: CassandraArena,
  name: string,
  clients: () => readonly ClientWork[],
): Promise<Measurement> {
  arena.context.report(name);
  const sides = { zgate: shardWrites(arena, clients), bare: bareDriver(arena, { kind: "write", clients }) };
  const { zgate, bare } = await takeWarmTurns(arena, sides);
  const subject = { name, unit: "writes/s", target: TARGET };
  return ratio(subject, sideOf("shard", zgate), sideOf("the driver's conditional write", bare));
}
