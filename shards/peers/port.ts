/**
 * The peers port: what a shard asks of other shards.
 * It must not carry clients' requests; only the edge sends those.
 */
import type { CollectionName, ShardId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { EventReply, SlotReport } from "../../router/ownership-wire.ts";
import type { KeyRange } from "../../router/range.ts";
import type { StatementAnswer } from "../mover/reply-lines.ts";
import type { WantedChange } from "../mover/slot-event.ts";
import type { RowsQuestion, SlotPart } from "../mover/slot-stream.ts";
import type { SlotAddress } from "../store/port.ts";

/** Which slots are asked for. `weigh`: also how much lies in them, which takes as long as reading it. */
export interface SlotsQuestion extends KeyRange {
  readonly collection: CollectionName;
  readonly weigh: boolean;
}

/** Other shards, by id. Everything rejects with an `Error` when a shard cannot be asked, or its answer is not to be believed. */
export interface Peers {
  /** The slot's ownership columns at `shard`. */
  ownership(shard: ShardId, address: SlotAddress): Promise<Ownership>;
  /** The slots of a range at `shard`, in slot order. */
  slots(shard: ShardId, question: SlotsQuestion): Promise<readonly SlotReport[]>;
  /**
   * All rows of a slot at `shard`. An answer that is broken off rejects. Whoever leaves the loop early ends the request.
   */
  rows(shard: ShardId, address: SlotAddress, question: RowsQuestion): AsyncIterable<SlotPart>;
  /** The same of what lies behind a key (null: of everything), for a list: somebody waits for it, so `shard` may not pause for long. */
  rowsAfter(shard: ShardId, address: SlotAddress, after: string | null): AsyncIterable<SlotPart>;
  /** Has `shard` apply a statement. When it rejects, the statement may have been applied, or may yet be. */
  send(shard: ShardId, change: WantedChange): Promise<EventReply>;
  /**
   * The same, and the slot's rows behind the statement with its reply; `recentMs` as in `RowsQuestion`. An older shard sends none. Once it
   * has resolved only the rows can fail: the reply is known.
   */
  sendForRows(shard: ShardId, change: WantedChange, recentMs: number | null): Promise<StatementAnswer>;
  /**
   * Tells `shard`, where requests are held for the slot, that it is settled; `destination`: the columns that the destination of its move has
   * now, null where the source is open again. Resolves when it is told, or cannot be.
   */
  announce(shard: ShardId, address: SlotAddress, destination: Ownership | null): Promise<void>;
}
