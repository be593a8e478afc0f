/**
 * The shards of a chaos run: real processes, each of which reaches the others through proxies of its own, so that any two can be
 * parted while clients reach both. It must not look at what they store.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findFreePorts } from "../e2e/free-ports.ts";
import { createShardFiles, isAlive, type ShardFiles, type ShardProcess, startShard } from "../e2e/shard-process.ts";
import type { StorageAddresses } from "../e2e/storage.ts";
import { type CutProxy, startProxy } from "../engines/cut-proxy.ts";
import { until } from "../faults/patience.ts";
import { type ChaosSettings, chaosConfig, SHARD_IDS } from "./chaos-config.ts";

const WORKERS = 2;

/** Between two shards, in both directions. */
export interface Wire {
  readonly name: string;
  readonly proxies: readonly CutProxy[];
}

interface Member {
  readonly id: string;
  readonly port: number;
  readonly files: ShardFiles;
  process: ShardProcess;
}

/** What to start. */
export interface ShardsRequest {
  readonly directory: string;
  /** Is given every line that any of them logs. */
  readonly onLine: (line: string) => void;
  /** Engines to store in; null for embedded files. */
  readonly addresses: StorageAddresses | null;
  readonly settings: ChaosSettings;
}

/** The shards and what parts them. */
export class ChaosShards {
  readonly files: ShardFiles;
  readonly origins: Readonly<Record<string, string>>;
  readonly wires: readonly Wire[];
  readonly #members: readonly Member[];
  readonly #onLine: (line: string) => void;

  private constructor(
    parts: Pick<ChaosShards, "files" | "wires" | "origins">,
    members: readonly Member[],
    onLine: (line: string) => void,
  ) {
    ({ files: this.files, wires: this.wires, origins: this.origins } = parts);
    this.#members = members;
    this.#onLine = onLine;
  }

  static async start({ directory, onLine, addresses, settings }: ShardsRequest): Promise<ChaosShards> {
    const first = await findFreePorts(SHARD_IDS.length);
    const ports = SHARD_IDS.map((_, index) => first + index);
    const originOf = (port: number): string => `http://127.0.0.1:${port}`;
    const configText = chaosConfig(ports.map(originOf), settings);
    const files = await createShardFiles({ configText, directory, ...(addresses === null ? {} : { addresses }) });
    const proxies = await Promise.all(ports.map(() => Promise.all(ports.map((to) => startProxy(`127.0.0.1:${to}`)))));
    const members: Member[] = [];
    for (const [index, id] of SHARD_IDS.entries()) {
      const configFile = join(directory, `zgate-of-${id}.toml`);
      const others = ports.flatMap((port, to) =>
        to === index ? [] : [[originOf(port), proxies[index]?.[to]?.address]],
      );
      const ownText = others.reduce(
        (text, [from, to]) => text.replace(`"${from}"`, `"http://${to}"`),
        files.configText,
      );
      writeFileSync(configFile, ownText);
      const own = { id, port: ports[index] ?? 0, files: { ...files, configFile } };
      members.push({ ...own, process: await startMember(own, onLine) });
    }
    const origins = Object.fromEntries(SHARD_IDS.map((id, index) => [id, originOf(ports[index] ?? 0)]));
    return new ChaosShards({ files, origins, wires: wiresOf(proxies) }, members, onLine);
  }

  /** Of all shards. */
  workerPids(): readonly number[] {
    return this.#members.flatMap(({ process: shard }) => shard.workerPids());
  }

  primaryPids(): readonly number[] {
    return this.#members.map(({ process: shard }) => shard.pid);
  }

  /** SIGKILL to a primary alone: its workers notice. Another one is started in its place. */
  async replacePrimary(pid: number): Promise<void> {
    const member = this.#members.find(({ process: shard }) => shard.pid === pid);
    if (member === undefined) throw new Error(`broken assumption: ${pid} is a primary`);
    const workers = member.process.workerPids();
    process.kill(pid, "SIGKILL");
    await until(() => ![pid, ...workers].some(isAlive), `${member.id} and its workers are gone`);
    member.process = await startMember(member, this.#onLine);
  }

  /** SIGKILL to a worker; resolves when the shards have all their workers again. */
  async killWorker(pid: number): Promise<void> {
    process.kill(pid, "SIGKILL");
    await until(() => !isAlive(pid) && this.#isComplete(), "a worker is back");
  }

  #isComplete(): boolean {
    return this.#members.every(({ process: shard }) => shard.workerPids().length === WORKERS);
  }

  /** SIGKILL to everything. */
  async destroy(): Promise<void> {
    await Promise.all(this.#members.map(({ process: shard }) => shard.destroy()));
    await Promise.all(this.wires.flatMap(({ proxies }) => proxies.map((proxy) => proxy.close())));
  }
}

async function startMember(
  { id, port, files }: Omit<Member, "process">,
  onLine: (line: string) => void,
): Promise<ShardProcess> {
  const log = join(files.directory, `${id}.log`);
  const isWhole = process.env["ZGATE_KEEP_HISTORY"] === "1";
  const keep = (line: string): void => {
    onLine(line);
    // Of the steps of moves there are gigabytes in a long run.
    if (isWhole || !line.includes('"move-step"')) appendFileSync(log, `${line}\n`);
  };
  return startShard({ files, shard: id, port, workers: WORKERS, onLine: keep });
}

/** Every pair once. A shard's proxy to itself is never used. */
function wiresOf(proxies: readonly (readonly CutProxy[])[]): readonly Wire[] {
  return SHARD_IDS.flatMap((left, from) =>
    SHARD_IDS.slice(from + 1).map((right, index) => {
      const both = [proxies[from]?.[from + 1 + index], proxies[from + 1 + index]?.[from]];
      return { name: `${left} and ${right}`, proxies: both.filter((proxy) => proxy !== undefined) };
    }),
  );
}
