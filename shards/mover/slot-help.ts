/**
 * Brings a slot's move over its last steps when a request has met it half-done: nobody has to wait for a runner that is dead.
 * It must not do what needs a run of its own.
 */
import type { ShardId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { SlotMove } from "../../router/slot-stand.ts";
import { describeError, type Logger } from "../log.ts";
import type { Peers } from "../peers/port.ts";
import type { SlotAddress, Store } from "../store/port.ts";
import type { SlotTransfer } from "../store/transfer.ts";
import { type RunnerWorld, runSlot } from "./slot-runner.ts";
import { localSide, remoteSide } from "./slot-side.ts";

/** What helping stands on. */
export interface SlotHelpOptions extends RunnerWorld {
  readonly shard: ShardId;
  readonly store: Pick<Store, "ownership" | "setOwnership"> & Pick<SlotTransfer, "slotPage">;
  readonly peers: Pick<Peers, "ownership" | "send" | "sendForRows" | "rows" | "announce">;
  readonly log: Logger;
}

/** Told of a slot that is held, with the columns as they were met. Returns at once. */
export type SlotHelp = (address: SlotAddress, met: Ownership) => void;

/** How long one slot is left alone after it has been helped, in milliseconds; also the longest that one help may try. */
const REST_MS = 200;
const HELP_MS_MAX = 2000;

/** Help for this shard's slots, one at a time for each. */
export function createSlotHelp(options: SlotHelpOptions): SlotHelp {
  const helped = new Set<string>();
  return (address, met) => {
    const move = moveOf(options.shard, met);
    const slot = `${address.collection} ${address.slot}`;
    if (move === null || helped.has(slot)) return;
    helped.add(slot);
    helpOnce(options, address, move)
      .catch((error: unknown) => options.log("error", "help-failed", { slot: address.slot, ...describeError(error) }))
      .finally(() => helped.delete(slot));
  };
}

/** The move that a slot is in the middle of, by its columns alone; null when it is in none. */
function moveOf(shard: ShardId, { state, epoch, move, to }: Ownership): SlotMove | null {
  if (move === null || to === null) return null;
  if (state === "FENCED" || state === "GONE") return { move, epoch, source: shard, destination: to };
  return state === "RECEIVING" ? { move, epoch, source: to, destination: shard } : null;
}

async function helpOnce(options: SlotHelpOptions, address: SlotAddress, move: SlotMove): Promise<void> {
  const { shard, store, peers, clock } = options;
  const sideOf = (at: ShardId) => (at === shard ? localSide(store, address) : remoteSide(peers, at, address));
  const over = new AbortController();
  void clock.sleep(HELP_MS_MAX).then(() => over.abort());
  await runSlot({
    ...options,
    ...{ address, move, goal: "help", copying: null, signal: over.signal },
    sides: { source: sideOf(move.source), destination: sideOf(move.destination) },
    onSettled: (destination) => void peers.announce(move.source, address, destination),
  });
  over.abort();
  await clock.sleep(REST_MS);
}
