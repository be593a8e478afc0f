/**
 * How a client's requests find a shard: to the first owner of the key, whatever it says.
 * It must not repeat anything, nor read an answer.
 */
import type { LoadKey } from "./key-set.ts";
import { ShardWire, type WireOutcome } from "./shard-wire.ts";
import type { RequestSigner, SignedRequest } from "./signed-request.ts";

/** One client's way to the shards. */
export interface Way {
  /** Sends what concerns `key`, or begins with it. Never rejects. */
  send(key: Pick<LoadKey, "collection" | "slot" | "sortKey" | "shard">, request: SignedRequest): Promise<WireOutcome>;
  /** The next request finds its way to some worker anew. */
  reconnect(): Promise<void>;
  close(): Promise<void>;
  /** The ops that clients name go no further; who answers chooses its own. */
  readonly hasServerOps?: true;
}

/** What a way to first owners stands on. */
export interface FixedWayOptions {
  readonly origins: Readonly<Record<string, string>>;
  readonly sign: RequestSigner;
  readonly clockOffsetMs: () => number;
}

/** A way for shards that keep their ranges. */
export function createFixedWay({ origins, sign, clockOffsetMs }: FixedWayOptions): Way {
  const wire = new ShardWire(sign, clockOffsetMs);
  return {
    send({ shard }, request) {
      const origin = origins[shard];
      if (origin === undefined) throw new Error(`broken assumption: an origin of ${shard}`);
      return wire.send(origin, request);
    },
    reconnect: () => wire.reconnect(),
    close: () => wire.close(),
  };
}
