/**
 * The edge against a bare Worker, each on a workerd of its own, in front of the same shard.
 * It must not say which figures are wanted; the benches do.
 */
import { type BenchContext, WARM_UP_MS } from "./bench.ts";
import { type BenchWorker, buildEdge, startBareWorker, startEdge } from "./edge.ts";
import { type Duel, runLoad, takeTurns, throughputOf } from "./load.ts";
import type { Sample } from "./measurement.ts";
import { loadProducts, spreadProducts } from "./products.ts";
import { type BenchShard, startShard, storeProducts } from "./shard.ts";
import { documentPath, signedReads } from "./signed-request.ts";
import type { CacheKind } from "./workerd.ts";

const CONNECTIONS = 32;
const KEYS = 500;

/** What is compared. `cacheStatus` is what the edge has to say of every answer, a part of Cache-Status; null: not looked at. */
export interface EdgeDuelSpec {
  readonly collection: string;
  readonly cache: CacheKind;
  readonly bareEntrypoint: "proxy" | "cachingProxy";
  readonly cacheStatus: string | null;
}

interface Arena extends EdgeDuelSpec {
  readonly context: BenchContext;
  readonly shard: BenchShard;
  readonly edge: BenchWorker;
  readonly bare: BenchWorker;
  readonly keys: readonly string[];
}

/** Starts everything, runs both sides in turns, ends everything. */
export async function duelOfEdges(context: BenchContext, spec: EdgeDuelSpec): Promise<Duel> {
  const arena = await openArena(context, spec);
  await sign(arena);
  await compareAnswers(arena);
  const sides = {
    zgate: { label: "edge", run: () => measure(arena, arena.edge) },
    bare: { label: "bare", run: () => sign(arena).then(() => measure(arena, arena.bare)) },
  };
  const duel = await takeTurns(sides, context.settings.runs, context.report);
  await Promise.all([arena.edge.stop(), arena.bare.stop(), arena.shard.stop()]);
  return duel;
}

async function openArena(context: BenchContext, spec: EdgeDuelSpec): Promise<Arena> {
  const { firstPort } = context.settings;
  const products = spreadProducts(loadProducts(), KEYS);
  const shard = await startShard(context, { name: "shard", port: firstPort, options: [] });
  await storeProducts(shard, spec.collection, products);
  const ground = { build: await buildEdge(context), shard };
  const edge = await startEdge(context, { name: "edge-worker", port: firstPort + 1, cache: spec.cache }, ground);
  const { cache, bareEntrypoint: entrypoint } = spec;
  const bare = await startBareWorker(context, { name: "bare-worker", port: firstPort + 2, cache, entrypoint }, ground);
  return { ...spec, context, shard, edge, bare, keys: products.map(({ key }) => key) };
}

/** Gives the bare Worker signatures that last for the next run. */
async function sign({ collection, keys, shard, bare }: Arena): Promise<void> {
  const reads = signedReads(shard.signingKeys, collection, keys);
  const body = JSON.stringify(Object.fromEntries(reads.map(({ path, headers }) => [path, headers])));
  const answer = await fetch(bare.origin, { method: "PUT", body });
  if (answer.status !== 204) throw new Error(`the bare Worker took no signatures: ${answer.status}`);
}

/** Asks both sides for every key, twice so that a cache has had its chance, and compares the second answers. */
async function compareAnswers({ collection, keys, edge, bare, cacheStatus }: Arena): Promise<void> {
  for (const round of ["first", "second"] as const) {
    for (const key of keys) {
      const path = documentPath(collection, key);
      const [ours, theirs] = await Promise.all([fetch(edge.origin + path), fetch(bare.origin + path)]);
      const [ourBody, theirBody] = await Promise.all([ours.text(), theirs.text()]);
      const isEqual = ours.status === 200 && theirs.status === 200 && ourBody === theirBody;
      if (!isEqual)
        throw new Error(`${path}: the edge answered ${ours.status}, the bare Worker ${theirs.status}, or not the same`);
      const status = ours.headers.get("cache-status") ?? "";
      const isExpected = round === "first" || cacheStatus === null || status.includes(cacheStatus);
      if (!isExpected) throw new Error(`${path}: expected "${cacheStatus}" in Cache-Status, got "${status}"`);
    }
  }
}

async function measure({ context, collection, keys }: Arena, worker: BenchWorker): Promise<Sample> {
  const requests = keys.map((key) => ({ method: "GET", path: documentPath(collection, key), headers: {} }));
  const timing = { connections: CONNECTIONS, warmUpMs: WARM_UP_MS, measureMs: context.settings.seconds * 1000 };
  const plan = { origin: worker.origin, serverPids: worker.pids, traffic: { kind: "cycle", requests } } as const;
  return throughputOf(await runLoad(context, { ...plan, ...timing }));
}
