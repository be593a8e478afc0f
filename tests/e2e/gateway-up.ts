// A gateway as its users start it: `zgate up` in a process of its own, with a data directory of its own.
// Must not start any part by itself.
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { GatewayConfig } from "../../config/config.ts";
import { parseConfig } from "../../config/config.ts";
import { findFreePorts } from "./free-ports.ts";
import { createGatewayClient, type GatewayClient } from "./gateway-client.ts";
import { createGatewayFolder, type GatewayFolder } from "./gateway-process.ts";
import { createShardClient, type ShardClient } from "./shard-client.ts";
import { createStorage } from "./storage.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

/** A running `zgate up`. */
export interface UpGateway extends GatewayFolder {
  readonly config: GatewayConfig;
  readonly client: GatewayClient;
  /** Signed requests straight to a shard. */
  shard(id: string): ShardClient;
  shardOrigin(id: string): string;
  /** Ctrl-C; resolves to the exit code when all is gone. */
  stop(): Promise<number | null>;
}

/** Starts `zgate up` with this configuration and waits for its line "ready". */
export async function startUp(givenText: string): Promise<UpGateway> {
  const folder = await createGatewayFolder();
  const configFile = join(folder.directory.run, "given.toml");
  // On engines the configuration names them, so that `up` starts none of its own.
  const storage = createStorage(folder.directory.root);
  const configText = storage.configure(givenText);
  writeFileSync(configFile, configText);
  const config = parseConfig(configText, configFile);
  await storage.prepare(config);
  const port = await findFreePorts(config.shards.size + 1);
  const child = fork(
    MAIN,
    // biome-ignore format: an option and its value belong together
    ["up", "--empty", "--port", String(port), "--shard-port", String(port + 1), "--workers", "1",
      "--data", folder.directory.root, "--config", configFile],
    { silent: true, execArgv: [] },
  );
  const exited = once(child, "exit");
  const lines: string[] = [];
  const ready = new Promise<void>((settle, fail) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on("line", (line) => {
        lines.push(line);
        if (line.startsWith("ready: ")) settle();
      });
    }
    void exited.then(() => fail(new Error(`zgate up ended:\n${lines.join("\n")}`)));
  });
  await ready;
  const client = createGatewayClient(`http://127.0.0.1:${port}`);
  const origins = new Map(
    [...config.shards.keys()].map((id, at): readonly [string, string] => [id, `http://127.0.0.1:${port + 1 + at}`]),
  );
  const shards = new Map([...origins].map(([id, origin]) => [id, createShardClient(origin)]));
  return {
    ...folder,
    ...{ config, client },
    shard: (id) => known(shards.get(id), id),
    shardOrigin: (id) => known(origins.get(id), id),
    async stop() {
      await Promise.all([client.close(), ...[...shards.values()].map((shard) => shard.close())]);
      child.kill("SIGINT");
      await exited;
      await storage.remove();
      folder.remove();
      return child.exitCode;
    },
  };
}

function known<Value>(value: Value | undefined, id: string): Value {
  if (value === undefined) throw new Error(`${id} is not configured`);
  return value;
}
