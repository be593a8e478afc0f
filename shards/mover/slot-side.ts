/**
 * A side of one slot's move: where its columns are read and its statements go, in this process' store or at another shard.
 * It must not decide what to send.
 */
import type { ShardId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { EventReply } from "../../router/ownership-wire.ts";
import type { OwnershipEvent } from "../../router/slot-transition.ts";
import type { Peers } from "../peers/port.ts";
import type { SlotAddress, Store } from "../store/port.ts";
import type { SlotTransfer } from "../store/transfer.ts";
import { applyEvent } from "./slot-event.ts";
import { type SlotPart, streamSlot } from "./slot-stream.ts";

/** One side. Everything rejects with an `Error` when nothing is known of the outcome: a statement may have been applied then. */
export interface SlotSide {
  look(): Promise<Ownership>;
  send(event: OwnershipEvent): Promise<EventReply>;
  /** The slot's rows; ends with part `end` or `changed`. Rejects when it is broken off. */
  rows(): AsyncIterable<SlotPart>;
}

/** The side that this process' own store is. */
export function localSide(
  store: Pick<Store, "ownership" | "setOwnership"> & Pick<SlotTransfer, "slotPage">,
  address: SlotAddress,
): SlotSide {
  return {
    look: () => store.ownership(address),
    send: (event) => applyEvent(store, address, event),
    rows: () => streamSlot(store, address),
  };
}

/** The side at another shard. */
export function remoteSide(
  peers: Pick<Peers, "ownership" | "send" | "rows">,
  shard: ShardId,
  address: SlotAddress,
): SlotSide {
  return {
    look: () => peers.ownership(shard, address),
    send: (event) => peers.send(shard, address, event),
    rows: () => peers.rows(shard, address),
  };
}
