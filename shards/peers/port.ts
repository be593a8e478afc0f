/**
 * The peers port: what a shard asks of other shards.
 * It must not carry clients' requests; only the edge sends those.
 */
import type { ShardId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { SlotAddress } from "../store/port.ts";

/** Other shards, by id. */
export interface Peers {
  /** The slot's ownership columns at `shard`. Rejects with an `Error` when it cannot be asked. */
  ownership(shard: ShardId, address: SlotAddress): Promise<Ownership>;
}
