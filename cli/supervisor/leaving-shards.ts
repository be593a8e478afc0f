/**
 * Shards of the directory that this start is to leave out: each is started for a moment and asked what it holds, because only it
 * knows. It must not give them anything to do, nor make a store for one that has none.
 */
import { join } from "node:path";
import { parseSigningKeys } from "../../config/signing-keys.ts";
import type { ShardId } from "../../router/ids.ts";
import type { SlotReport } from "../../router/ownership-wire.ts";
import { type Configuration, instanceConfiguration, type LocalConfiguration, withShard } from "../configuration.ts";
import { type DataDirectory, isThere, writeWhole } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { readSigningKeys } from "../keys.ts";
import { createShardClient, type ShardClient, type SlotsQuestion } from "../shard-client.ts";
import type { PartSet } from "./part-set.ts";
import { freePort, LOCAL_HOST } from "./ports.ts";
import { orAborted } from "./readiness.ts";
import { prepareShard } from "./shard-part.ts";

/** What asking needs. `limit` aborts when a shard takes too long, or the instance ends. */
export interface LeavingOptions {
  readonly directory: DataDirectory;
  readonly local: LocalConfiguration;
  readonly parts: PartSet;
  readonly limit: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/** A shard that runs until it is asked no more. */
interface Asked {
  readonly client: ShardClient;
  readonly end: () => Promise<void>;
}

/** Starts a shard with the first question about it. End it. */
export class LeavingShards implements Pick<ShardClient, "slots"> {
  readonly #options: LeavingOptions;
  readonly #asked = new Map<ShardId, Asked | null>();

  constructor(options: LeavingOptions) {
    this.#options = options;
  }

  async slots(shard: ShardId, question: SlotsQuestion): Promise<readonly SlotReport[]> {
    const asked = this.#asked.get(shard);
    const known = asked === undefined ? await this.#start(shard) : asked;
    this.#asked.set(shard, known);
    return known === null ? [] : known.client.slots(shard, question);
  }

  async end(): Promise<void> {
    const all = [...this.#asked.values()].filter((asked) => asked !== null);
    await Promise.all(all.map((asked) => asked.end()));
    this.#asked.clear();
  }

  /** Null for one without a store. */
  async #start(shard: ShardId): Promise<Asked | null> {
    const { directory, parts, limit, onProgress } = this.#options;
    const port = await freePort();
    const { text, config } = this.#configurationWith(shard, `http://${LOCAL_HOST}:${port}`);
    const isEmbedded = config.shards.get(shard)?.store.kind === "sqlite";
    if (isEmbedded && !isThere(join(directory.root, shard, "store.db"))) return null;
    onProgress(`asking ${shard}, which is to be left out, what it holds…`);
    const file = join(directory.run, `${shard}.toml`);
    writeWhole(file, text);
    const started = parts.start([prepareShard({ ...directory, config: file }, { id: shard, port, workers: 1 })]);
    await Promise.all(started.map(({ ready }) => orAborted(ready, limit))).catch((error: unknown) => {
      throw new CliFailure(`${shard}, which is to be left out, cannot be asked what it holds`, { cause: error });
    });
    const keys = () => parseSigningKeys(readSigningKeys(directory));
    const client = createShardClient({ shards: config.shards, keys, nowMs: Date.now });
    return { client, end: async () => void (await Promise.all([client.close(), parts.retire(started)])) };
  }

  /** What `up` wrote at its last start says where the data lie; without it, what the other shards have. */
  #configurationWith(id: ShardId, origin: string): Configuration {
    const { directory, local } = this.#options;
    const last = isThere(directory.config) ? instanceConfiguration(directory) : local;
    return withShard(local, last, { id, origin });
  }
}
