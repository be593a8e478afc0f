/**
 * Writing to a shard with group commit against the same shard with one transaction per write, both over HTTP.
 * It must not differ between the two in anything but the size of a group.
 */
import { type Bench, type BenchContext, WARM_UP_MS } from "../bench.ts";
import { PLAIN_COLLECTION } from "../bench-config.ts";
import { type Contender, runLoad, takeTurns, throughputOf } from "../load.ts";
import { type Measurement, ratio, sideOf } from "../measurement.ts";
import { loadProducts, type Product } from "../products.ts";
import { type BenchShard, startShard } from "../shard.ts";

const TARGET = { relation: "at least", bound: 3 } as const;
const CLIENTS = 64;

/** More than any machine does: a run that used up its writes would end before its time. */
const WRITES_A_SECOND_MAX = 20_000;

/** PUT of real products by 64 clients. */
export const groupCommit: Bench = {
  name: "group-commit",
  about: `${CLIENTS} clients writing to a shard ÷ the same with one transaction per write`,
  run: measureGroupCommit,
};

async function measureGroupCommit(context: BenchContext): Promise<readonly Measurement[]> {
  const { firstPort, runs } = context.settings;
  const products = loadProducts();
  const grouped = await startShard(context, { name: "grouped", port: firstPort, options: [] });
  const single = await startShard(context, { name: "single", port: firstPort + 1, options: ["--group-rows", "1"] });
  const sides = {
    zgate: writer(context, { label: "grouped", shard: grouped, products }),
    bare: writer(context, { label: "one by one", shard: single, products }),
  };
  const duel = await takeTurns(sides, runs, context.report);
  await Promise.all([grouped.stop(), single.stop()]);
  const subject = { name: "group commit", unit: "writes/s", target: TARGET };
  return [ratio(subject, sideOf("group commit", duel.zgate), sideOf("one transaction per write", duel.bare))];
}

interface WriterSpec {
  readonly label: string;
  readonly shard: BenchShard;
  readonly products: readonly Product[];
}

function writer(context: BenchContext, { label, shard, products }: WriterSpec): Contender {
  const measureMs = context.settings.seconds * 1000;
  const writesMax = Math.ceil(((WARM_UP_MS + measureMs) / 1000) * WRITES_A_SECOND_MAX);
  const { signingKeys } = shard;
  return {
    label,
    run: async () => {
      const traffic = { kind: "writes", collection: PLAIN_COLLECTION, products, signingKeys, writesMax } as const;
      const plan = {
        origin: shard.origin,
        connections: CLIENTS,
        warmUpMs: WARM_UP_MS,
        measureMs,
        serverPids: shard.pids,
      };
      return throughputOf(await runLoad(context, { ...plan, traffic }));
    },
  };
}
