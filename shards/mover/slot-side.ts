/**
 * A side of one slot's move: where its columns are read and its statements go, in this process' store or at another shard.
 * It must not decide what to send.
 */
import type { ShardId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { OwnershipEvent } from "../../router/slot-transition.ts";
import type { Peers } from "../peers/port.ts";
import type { SlotAddress, Store } from "../store/port.ts";
import type { SlotTransfer } from "../store/transfer.ts";
import { NO_COURTESY } from "./courtesy.ts";
import type { StatementAnswer } from "./reply-lines.ts";
import { applyEvent } from "./slot-event.ts";
import { type RowsQuestion, type SlotPart, streamSlot } from "./slot-stream.ts";

/**
 * What goes with a statement. `seen`: the columns as this side has last told them; null when nobody has asked. They spare it a look, and
 * decide nothing. `rows`: the slot's rows behind the statement are wanted too; null for not.
 */
export interface StatementTerms {
  readonly seen: Ownership | null;
  readonly rows: Pick<RowsQuestion, "recentMs"> | null;
}

/** One side. Everything rejects with an `Error` when nothing is known of the outcome: a statement may have been applied then. */
export interface SlotSide {
  look(): Promise<Ownership>;
  /** Rows may come with the reply where they are wanted. Whoever has the answer has them. */
  send(event: OwnershipEvent, terms: StatementTerms): Promise<StatementAnswer>;
  /** The slot's rows; ends with part `end` or `changed`. Rejects when it is broken off. */
  rows(question: RowsQuestion): AsyncIterable<SlotPart>;
}

/** The side that this process' own store is. It sends no rows with a reply: nothing would be spared. */
export function localSide(
  store: Pick<Store, "ownership" | "setOwnership"> & Pick<SlotTransfer, "slotPage">,
  address: SlotAddress,
): SlotSide {
  return {
    look: () => store.ownership(address),
    send: async (event, { seen }) => ({ reply: await applyEvent(store, { address, event, seen }), rows: null }),
    rows: ({ seen }) => streamSlot(store, { address, from: null, seen, courtesy: NO_COURTESY }),
  };
}

/** The side at another shard. */
export function remoteSide(
  peers: Pick<Peers, "ownership" | "send" | "sendForRows" | "rows">,
  shard: ShardId,
  address: SlotAddress,
): SlotSide {
  return {
    look: () => peers.ownership(shard, address),
    async send(event, { seen, rows }) {
      const change = { address, event, seen };
      if (rows !== null) return peers.sendForRows(shard, change, rows.recentMs);
      return { reply: await peers.send(shard, change), rows: null };
    },
    rows: (question) => peers.rows(shard, address, question),
  };
}
