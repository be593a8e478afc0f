/**
 * Reading from a shard against a bare node:http cluster that answers the same bytes to the same requests.
 * It must not pass through an edge.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bench, type BenchContext, WARM_UP_MS } from "../bench.ts";
import { PLAIN_COLLECTION } from "../bench-config.ts";
import { type Contender, runLoad, takeTurns, throughputOf } from "../load.ts";
import { type Measurement, ratio, sideOf } from "../measurement.ts";
import { treeOf } from "../process-tree.ts";
import { loadProducts, spreadProducts } from "../products.ts";
import { recordAnswers } from "../recorded-answer.ts";
import { type BenchShard, startShard, storeProducts } from "../shard.ts";
import { signedReads } from "../signed-request.ts";

const BARE_CLUSTER = fileURLToPath(new URL("../bare/http-cluster.ts", import.meta.url));
const TARGET = { relation: "at least", bound: 0.5 } as const;
const CONNECTIONS = 64;
const KEYS = 500;

/** GET of real products, signed as by an edge. */
export const shardGet: Bench = {
  name: "shard-get",
  about: "GET from a shard ÷ a bare node:http cluster that answers the same bytes",
  run: measureShardGet,
};

async function measureShardGet(context: BenchContext): Promise<readonly Measurement[]> {
  const { firstPort, runs } = context.settings;
  const products = loadProducts();
  const keys = spreadProducts(products, KEYS).map((product) => product.key);
  const shard = await startShard(context, { name: "shard", port: firstPort, options: [] });
  await storeProducts(shard, PLAIN_COLLECTION, products);
  const reads = () => signedReads(shard.signingKeys, PLAIN_COLLECTION, keys);
  const bare = await startBareCluster(context, await recordAnswers(shard.origin, reads()));
  const contender = (label: string, server: Pick<BenchShard, "origin" | "pids">): Contender => ({
    label,
    run: async () => {
      const plan = {
        origin: server.origin,
        serverPids: server.pids,
        traffic: { kind: "cycle", requests: reads() },
      } as const;
      const timing = { connections: CONNECTIONS, warmUpMs: WARM_UP_MS, measureMs: context.settings.seconds * 1000 };
      return throughputOf(await runLoad(context, { ...plan, ...timing }));
    },
  });
  const duel = await takeTurns(
    { zgate: contender("shard", shard), bare: contender("bare", bare) },
    runs,
    context.report,
  );
  await Promise.all([shard.stop(), bare.stop()]);
  const subject = { name: "shard GET", unit: "requests/s", target: TARGET };
  return [ratio(subject, sideOf("shard", duel.zgate), sideOf("bare node:http cluster", duel.bare))];
}

async function startBareCluster(context: BenchContext, answers: string) {
  const port = context.settings.firstPort + 1;
  const file = join(context.directory, "answers.json");
  writeFileSync(file, answers);
  const running = await context.processes.startReady({
    module: BARE_CLUSTER,
    arguments: ["--port", String(port), "--workers", String(context.settings.workers), "--answers", file],
    environment: {},
    log: join(context.directory, "bare.log"),
  });
  return { origin: `http://127.0.0.1:${port}`, pids: treeOf(running.pid), stop: running.stop };
}
