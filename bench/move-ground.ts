/**
 * Two real shards between which ranges move, their catalog, and an operator's hands. It must not measure anything.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Operator } from "../cli/operator.ts";
import { createShardClient } from "../cli/shard-client.ts";
import { type GatewayConfig, parseConfig } from "../config/config.ts";
import { parseSigningKeys, SIGNING_KEYS_ENV } from "../config/signing-keys.ts";
import { createSqliteCatalog } from "../shards/catalog/sqlite-catalog.ts";
import { openStore } from "../shards/open-store.ts";
import type { Store } from "../shards/store/port.ts";
import type { BenchContext } from "./bench.ts";
import { makeSigningKeys } from "./bench-config.ts";
import type { ClusterAddress } from "./database-servers.ts";
import { MOVE_SHARDS, type MoveCollection, moveConfigText } from "./move-config.ts";
import { makeKeyspaces } from "./move-keyspaces.ts";
import { treeOf } from "./process-tree.ts";

const SHARD = fileURLToPath(new URL("../shards/main.ts", import.meta.url));

/** What is started. `cluster` null: on SQLite. */
export interface MoveGroundSpec {
  readonly collections: readonly MoveCollection[];
  readonly workers: number;
  readonly cluster: ClusterAddress | null;
}

/** Both shards, up; the first one owns everything. */
export interface MoveGround {
  readonly config: GatewayConfig;
  readonly configText: string;
  readonly signingKeys: string;
  readonly origins: Readonly<Record<string, string>>;
  readonly operator: Operator;
  /** Of both shards, workers included. */
  readonly pids: readonly number[];
  /** A shard's store beside its workers. Close it. */
  openStore(shard: string): Promise<Store>;
  /** The SQLite file of a shard. */
  storeFile(shard: string): string;
}

/** Starts the shards for `work`, and ends them. */
export async function onMoveGround<Value>(
  context: BenchContext,
  spec: MoveGroundSpec,
  work: (ground: MoveGround) => Promise<Value>,
): Promise<Value> {
  const site = layOut(context, spec);
  const keyspaces = spec.cluster === null ? null : await makeKeyspaces(site.config);
  const catalog = await createSqliteCatalog({ file: site.catalogFile });
  const { signingKeys } = site;
  const shards = createShardClient({
    shards: site.config.shards,
    keys: () => parseSigningKeys(signingKeys),
    nowMs: Date.now,
  });
  const author = () => ({ actor: "bench", writer: randomUUID(), atMs: Date.now() });
  try {
    for (const { initialMap } of site.config.collections.values()) await catalog.create(initialMap, author());
    const processes = await Promise.all(MOVE_SHARDS.map((shard) => startShard(context, spec, { shard, ...site })));
    const operator = { config: site.config, catalog, shards, author, nowMs: Date.now };
    const value = await work({ ...site, operator, pids: processes.flatMap(({ pid }) => treeOf(pid)) });
    await Promise.all(processes.map(({ stop }) => stop()));
    return value;
  } finally {
    await Promise.all([catalog.close(), shards.close()]);
    await keyspaces?.drop();
  }
}

type Site = ReturnType<typeof layOut>;

function layOut({ directory, settings }: BenchContext, { collections, cluster }: MoveGroundSpec) {
  const folder = join(directory, `moves-${randomBytes(4).toString("hex")}`);
  mkdirSync(folder);
  const ports = MOVE_SHARDS.map((_, index) => settings.firstPort + index);
  const named = cluster === null ? null : { ...cluster, keyspacePrefix: `bench${randomBytes(4).toString("hex")}_` };
  const configText = moveConfigText({ collections, ports, cluster: named });
  const configFile = join(folder, "zgate.toml");
  writeFileSync(configFile, configText);
  const config = parseConfig(configText, "the bench's configuration");
  const dataOf = (shard: string): string => join(folder, shard);
  return {
    ...{ folder, configFile, configText, config, dataOf, signingKeys: makeSigningKeys() },
    catalogFile: join(folder, "catalog.db"),
    origins: Object.fromEntries(MOVE_SHARDS.map((shard, index) => [shard, `http://127.0.0.1:${ports[index]}`])),
    storeFile: (shard: string) => join(dataOf(shard), "store.db"),
    openStore: (shard: string) => openBeside(config, dataOf(shard), shard),
  };
}

function openBeside(config: GatewayConfig, dataDirectory: string, id: string): Promise<Store> {
  const shard = config.shards.get(id);
  if (shard === undefined) throw new Error(`the configuration has no shard "${id}"`);
  const options = { shard: shard.id, dataDirectory };
  const collections = [...config.collections.values()];
  return openStore({ options, config: shard.store, collections, log: () => undefined });
}

function startShard({ processes }: BenchContext, { workers }: MoveGroundSpec, site: Site & { readonly shard: string }) {
  const { shard, configFile, catalogFile, origins, folder } = site;
  const port = new URL(origins[shard] ?? "").port;
  const place = ["--shard", shard, "--config", configFile, "--data", site.dataOf(shard), "--catalog", catalogFile];
  return processes.startReady({
    module: SHARD,
    arguments: [...place, "--port", port, "--workers", String(workers)],
    environment: { [SIGNING_KEYS_ENV]: site.signingKeys },
    log: join(folder, `${shard}.log`),
  });
}
