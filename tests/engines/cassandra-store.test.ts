// The store contract on Cassandra: on one node, and on three with three replicas of everything.
// Must not repeat the contract, nor test what only Cassandra promises: cassandra-store-*.test.ts.
import { afterAll, describe } from "vitest";
import { createCassandraStore } from "../../shards/store/cassandra-store.ts";
import type { Store } from "../../shards/store/port.ts";
import { describeStoreContract } from "../contract/store-contract.ts";
import { CARTS, type OpenStore, PRODUCTS, SHARD, STRIPED } from "../contract/store-fixture.ts";
import { createKeyspacePool, type KeyspacePool } from "./cassandra-keyspaces.ts";
import { describeOnEngines } from "./engines.ts";

const COLLECTIONS = [PRODUCTS, STRIPED, CARTS];
/** A page may end early on a slow cluster; the contract asks what is in it when it does not. */
const UNHURRIED = { durationMs: 60_000 };

describeOnEngines("the store on Cassandra", ({ single, cluster }) => {
  describe.each([
    { name: "one node", address: single, replicas: 1 },
    { name: "three nodes", address: cluster, replicas: 3 },
  ])("$name", ({ name, address, replicas }) => {
    const pool = createKeyspacePool({ address, replicas, shard: SHARD, collections: COLLECTIONS });

    afterAll(() => pool.dispose());

    describeStoreContract(`Cassandra, ${name}`, openIn(pool));
  });
});

function openIn(pool: KeyspacePool): OpenStore {
  return async (collections) => {
    const { keyspace, session, giveBack } = await pool.lend();
    const opened: Store[] = [];
    return {
      open: async () => {
        const log = () => undefined;
        const store = await createCassandraStore({
          session,
          keyspace,
          shard: SHARD,
          collections,
          log,
          listBudget: UNHURRIED,
        });
        opened.push(store);
        return store;
      },
      dispose: async () => {
        await Promise.all(opened.map((store) => store.close()));
        giveBack(collections.map(({ name }) => name));
      },
    };
  };
}
