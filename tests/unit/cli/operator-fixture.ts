// An operator of the shipped configuration over a real catalog, and shards that own what the first map gives them. Must not test
// anything.
import { DEFAULT_CONFIG, readConfiguration } from "../../../cli/configuration.ts";
import type { Operator } from "../../../cli/operator.ts";
import type { ShardClient } from "../../../cli/shard-client.ts";
import type { CollectionConfig } from "../../../config/config.ts";
import { slotsIn } from "../../../router/move-plan.ts";
import { FIRST_OWNER, NEVER_HELD } from "../../../router/ownership.ts";
import { rangeOf } from "../../../router/shard-map.ts";
import { prefixOfSlot } from "../../../router/slot.ts";
import type { Catalog } from "../../../shards/catalog/port.ts";
import { author, mapOf } from "../../contract/catalog-fixture.ts";

const { config } = readConfiguration(DEFAULT_CONFIG);

/** A collection of the shipped configuration. */
export function collectionOf(name: string): CollectionConfig {
  const found = config.collections.get(name);
  if (found === undefined) throw new Error(`expected the collection ${name}`);
  return found;
}

/** The operator. `shards` in place of what the shards do by themselves. */
export function createOperator(catalog: Catalog, shards: Partial<ShardClient> = {}): Operator {
  return { config, catalog, author, nowMs: Date.now, shards: { ...SHARDS, ...shards } };
}

/** An operator whose shards own what the catalog's map says now. Each slot has one row of ten bytes. */
export function operatorOver(catalog: Catalog): Operator {
  return createOperator(catalog, {
    slots: async (shard, { collection, range }) => {
      const map = await catalog.current(collection);
      if (map === null) throw new Error(`expected ${collection} to have a map`);
      const ownership = (slot: string) => (rangeOf(map, slot).shard === shard ? FIRST_OWNER : NEVER_HELD);
      const slots = slotsIn(collectionOf(collection).placement, range);
      return slots.map((slot) => ({ slot, ownership: ownership(slot), rows: 1, bytes: 10 }));
    },
  });
}

const SHARDS: ShardClient = {
  slots: (shard, { collection, range }) => {
    const { placement } = collectionOf(collection);
    const ownership = (prefix: string) => (rangeOf(mapOf(1), prefix).shard === shard ? FIRST_OWNER : NEVER_HELD);
    const slots = slotsIn(placement, range);
    return Promise.resolve(slots.map((slot) => ({ slot, ownership: ownership(prefixOfSlot(placement, slot)) })));
  },
  rows: () => {
    throw new Error("not asked");
  },
  send: () => Promise.reject(new Error("not asked")),
  freeBytes: () => Promise.resolve(null),
  close: () => Promise.resolve(),
};

/** The same catalog, with other answers to some questions. */
export function catalogWith(catalog: Catalog, answers: Partial<Catalog>): Catalog {
  return new Proxy(catalog, {
    get: (target, name) => {
      const answer: unknown = Reflect.get(name in answers ? answers : target, name);
      return typeof answer === "function" ? answer.bind(target) : answer;
    },
  });
}
