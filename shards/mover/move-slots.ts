/**
 * The slots of a move, prefix by prefix, each with the epoch that was pinned for it.
 * It must not ask any store.
 */
import { epochsOfRuns } from "../../router/epoch-runs.ts";
import { slotsIn } from "../../router/move-plan.ts";
import { type Placement, prefixOfSlot } from "../../router/slot.ts";
import type { SlotMove } from "../../router/slot-stand.ts";
import type { MoveIntent } from "../catalog/port.ts";
import type { SlotAddress } from "../store/port.ts";

/** One slot of a move. `prefix` is shared by its stripes, which have to end the same way: a map cannot tell them apart. */
export interface MovingSlot {
  readonly address: SlotAddress;
  readonly prefix: string;
  readonly move: SlotMove;
}

/** In slot order. Throws an `Error` when the epochs are not as many as the slots: the plan was made for another collection. */
export function slotsOfMove(intent: MoveIntent, placement: Placement): readonly MovingSlot[] {
  const { id, collection, from, to } = intent;
  const slots = slotsIn(placement, intent);
  const epochs = epochsOfRuns(intent.epochs);
  if (epochs.length !== slots.length) {
    throw new Error(`move ${id}: expected an epoch for each of ${slots.length} slots, got ${epochs.length}`);
  }
  return slots.map((slot, index) => ({
    address: { collection, slot },
    prefix: prefixOfSlot(placement, slot),
    move: { move: id, epoch: epochs[index] ?? 0, source: from, destination: to },
  }));
}
