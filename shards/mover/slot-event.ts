/**
 * Applies a wanted change of a slot's ownership columns to a store, by the table of transitions and a comparison of all columns.
 * It must not want anything by itself.
 */
import { quote } from "../../router/ids.ts";
import type { EventReply } from "../../router/ownership-wire.ts";
import { type OwnershipEvent, transition } from "../../router/slot-transition.ts";
import { type SlotAddress, type Store, StoreError } from "../store/port.ts";

/** How often the columns may be somebody else's between the read and the write; each time somebody has got further. */
const ATTEMPTS_MAX = 20;

/**
 * What `event` does to the slot, judged again as long as somebody else changes the columns meanwhile. Rejects with `StoreError`; after
 * `unknown` it may have happened.
 */
export async function applyEvent(
  store: Pick<Store, "ownership" | "setOwnership">,
  address: SlotAddress,
  event: OwnershipEvent,
): Promise<EventReply> {
  let ownership = await store.ownership(address);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const verdict = transition(ownership, event);
    if (verdict.kind === "done") return { kind: "done", ownership };
    if (verdict.kind === "refused") return { ...verdict, ownership };
    const { applied, current } = await store.setOwnership(address, ownership, verdict.next);
    ownership = current;
    if (applied) return { kind: "changed", ownership };
  }
  throw new StoreError("busy", `slot ${quote(address.slot)} changed ${ATTEMPTS_MAX} times under a statement`);
}
