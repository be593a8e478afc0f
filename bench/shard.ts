/**
 * A real shard as a bench needs it: its own folder, catalog and key, loaded with products.
 * It must not reach into the shard; it starts it as an operator does.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseConfig } from "../config/config.ts";
import { SIGNING_KEYS_ENV } from "../config/signing-keys.ts";
import { createSqliteCatalog } from "../shards/catalog/sqlite-catalog.ts";
import type { BenchContext } from "./bench.ts";
import { configText, makeSigningKeys, SHARD_ID } from "./bench-config.ts";
import { sendOnce } from "./load.ts";
import { treeOf } from "./process-tree.ts";
import type { Product } from "./products.ts";
import { signedWrites } from "./signed-request.ts";

const SHARD = fileURLToPath(new URL("../shards/main.ts", import.meta.url));

/** What to start. `options` are further options of shards/main.ts; without a `config` its store is the embedded one. */
export interface ShardSpec {
  readonly name: string;
  readonly port: number;
  readonly options: readonly string[];
  /** Text of its zgate.toml. */
  readonly config?: string;
}

/** A shard that answers. */
export interface BenchShard {
  readonly origin: string;
  readonly pids: readonly number[];
  /** Text of its configuration, and of the key its requests are signed with: what an edge needs to know. */
  readonly configText: string;
  readonly signingKeys: string;
  stop(): Promise<void>;
}

/** Starts a shard that owns everything; empty, unless its configuration says where it has its data. */
export async function startShard(context: BenchContext, spec: ShardSpec): Promise<BenchShard> {
  const folder = join(context.directory, spec.name);
  mkdirSync(folder);
  const config = join(folder, "zgate.toml");
  const catalog = join(folder, "catalog.db");
  const [text, signingKeys] = [spec.config ?? configText(spec.port), makeSigningKeys()];
  writeFileSync(config, text);
  await createCollections(text, catalog);
  const place = ["--shard", SHARD_ID, "--config", config, "--data", folder, "--catalog", catalog];
  const network = ["--host", "127.0.0.1", "--port", String(spec.port), "--workers", String(context.settings.workers)];
  const running = await context.processes.startReady({
    module: SHARD,
    arguments: [...place, ...network, ...spec.options],
    environment: { [SIGNING_KEYS_ENV]: signingKeys },
    log: join(folder, "shard.log"),
  });
  const origin = `http://127.0.0.1:${spec.port}`;
  return { origin, pids: treeOf(running.pid), configText: text, signingKeys, stop: running.stop };
}

async function createCollections(text: string, path: string): Promise<void> {
  const catalog = await createSqliteCatalog({ file: path });
  try {
    for (const { initialMap } of parseConfig(text, "the bench's configuration").collections.values()) {
      await catalog.create(initialMap, { actor: "bench", writer: crypto.randomUUID(), atMs: Date.now() });
    }
  } finally {
    await catalog.close();
  }
}

/** Stores each product once. */
export async function storeProducts(
  shard: BenchShard,
  collection: string,
  products: readonly Product[],
): Promise<void> {
  const { signingKeys } = shard;
  await sendOnce(
    shard.origin,
    signedWrites({ kind: "writes", collection, products, signingKeys, writesMax: products.length }),
  );
}
