// A gateway in processes of its own: real shards, real edges under wrangler, everything in a temporary folder.
// Must not reach into any of them; what it prepares it writes where the command line would.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDataDirectory, type DataDirectory, dataDirectory, writeWhole } from "../../cli/data-directory.ts";
import { ensureKeys, mintToken, type TokenClaims } from "../../cli/keys.ts";
import { type EdgeProcess, startEdge } from "./edge-process.ts";
import {
  createShardFiles,
  type ShardFiles,
  type ShardProcess,
  startShard,
  TEST_SIGNING_KEYS,
} from "./shard-process.ts";

/** Issuer and audience that the gateway's configuration must name for the tokens made here. */
const TEST_ISSUER = { issuer: "zgate-local", audience: "zgate" } as const;

/** A folder with keys: tokens can be made, signed requests can be sent. */
export interface GatewayFolder {
  readonly directory: DataDirectory;
  /** A token of the local issuer: permissions separated by spaces, other claims as they are wanted. */
  token(permissions: string, claims?: Partial<TokenClaims>): Promise<string>;
  remove(): void;
}

/** Makes the folder, a temporary one unless `root` says where. Its signing keys are those of shard-client.ts. */
export async function createGatewayFolder(
  root: string = mkdtempSync(join(tmpdir(), "zgate-gateway-")),
): Promise<GatewayFolder> {
  const directory = dataDirectory(root);
  createDataDirectory(directory);
  writeWhole(directory.signingKeys, `${TEST_SIGNING_KEYS}\n`, 0o600);
  await ensureKeys(directory);
  return {
    directory,
    token: (permissions, claims = {}) =>
      mintToken(directory, {
        ...{ ...TEST_ISSUER, subject: "tester", permissions: permissions.split(" "), ttlMs: 600_000 },
        ...claims,
      }),
    remove: () => rmSync(directory.root, { recursive: true, force: true }),
  };
}

/** What a single shard or edge is to have other than the rest. */
export interface ShardChange {
  readonly catalogFile?: string;
  readonly dataDirectory?: string;
  readonly workers?: number;
}

/** Shards and edges that can be started and ended one by one. */
export interface Gateway extends GatewayFolder {
  readonly files: ShardFiles;
  shard(id: string): ShardProcess;
  startShard(id: string, change?: ShardChange): Promise<ShardProcess>;
  /** Starts the edge called `name`; `configText` replaces the gateway's own. Waits until it is ready. */
  startEdge(name: string, port: number, configText?: string): Promise<EdgeProcess>;
  /** Ends everything, whatever state it is in, and removes the folder. */
  end(): Promise<void>;
}

/** What the gateway consists of. Each shard listens where its first origin says. */
export interface GatewayOptions {
  readonly configText: string;
}

/** Makes a gateway without starting any of its parts. */
export async function createGateway({ configText }: GatewayOptions): Promise<Gateway> {
  const folder = await createGatewayFolder();
  const { directory } = folder;
  const files = await createShardFiles({ configText, directory: directory.root });
  writeFileSync(directory.config, files.configText);
  const shards = new Map<string, ShardProcess>();
  const edges = new Set<EdgeProcess>();

  async function startOneShard(id: string, change: ShardChange = {}): Promise<ShardProcess> {
    const { catalogFile = files.catalogFile, dataDirectory: data = files.dataOf(id), workers = 1 } = change;
    const port = Number(new URL(originOf(files, id)).port);
    const shard = await startShard({
      files: { ...files, catalogFile, dataOf: () => data },
      ...{ shard: id, port, workers },
    });
    shards.set(id, shard);
    return shard;
  }

  return {
    ...folder,
    files,
    startShard: startOneShard,
    shard(id) {
      const shard = shards.get(id);
      if (shard === undefined) throw new Error(`${id} was not started`);
      return shard;
    },
    async startEdge(name, port, edgeConfig = files.configText) {
      const edge = await startEdge({ directory, name, port, configText: edgeConfig });
      edges.add(edge);
      return edge;
    },
    async end() {
      await Promise.all([...edges].map((edge) => edge.kill()));
      await Promise.all([...shards.values()].map((shard) => shard.destroy()));
      await files.remove();
    },
  };
}

function originOf(files: ShardFiles, id: string): string {
  const shard = [...files.config.shards.values()].find((candidate) => candidate.id === id);
  const [origin] = shard?.origins ?? [];
  if (origin === undefined) throw new Error(`${id} is not configured`);
  return origin;
}
