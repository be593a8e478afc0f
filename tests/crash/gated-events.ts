/**
 * Stands in for shards/mover/slot-event.ts: at the source of a cell that is about a lost reply, a statement stands between its effect and
 * its answer, and where the store's own answer is to be lost, before its effect. It must not change what a statement does.
 */
import type { EventReply } from "../../router/ownership-wire.ts";
import { applyEvent as applyRealEvent, type WantedChange } from "../../shards/mover/slot-event.ts";
import { type Store, StoreError } from "../../shards/store/port.ts";
import { cellOfSlot, reach, stage } from "./gates.ts";
import { AT_SOURCE } from "./steps.ts";

/** Applies the event; a reply that is to be lost is never given. */
export async function applyEvent(
  store: Pick<Store, "ownership" | "setOwnership">,
  change: WantedChange,
): Promise<EventReply> {
  const cell = cellOfSlot(change.address.slot);
  const { kind } = change.event;
  if (cell === null || stage().isStruck || kind === "claim") return applyRealEvent(store, change);
  const gated: typeof store = {
    ownership: (asked) => store.ownership(asked),
    setOwnership: async (...columns) => {
      await reach(cell, { step: kind, point: "unanswered" });
      return store.setOwnership(...columns);
    },
  };
  const reply = await applyRealEvent(gated, change);
  if (!AT_SOURCE.has(kind)) return reply;
  const isLost = await reach(cell, { step: kind, point: "reply-lost" });
  if (isLost) throw new StoreError("unknown", "the reply is lost");
  return reply;
}
