/**
 * Applies a wanted change of a slot's ownership columns to a store, by the table of transitions and a comparison of all columns.
 * It must not want anything by itself.
 */
import { quote } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { EventReply } from "../../router/ownership-wire.ts";
import { type OwnershipEvent, transition } from "../../router/slot-transition.ts";
import { type SlotAddress, type Store, StoreError } from "../store/port.ts";

/** How often the columns may be somebody else's between the read and the write; each time somebody has got further. */
const ATTEMPTS_MAX = 20;

/** An event for a slot. `seen`: its columns as this store has last told them to whoever wants it; null for not at all. */
export interface WantedChange {
  readonly address: SlotAddress;
  readonly event: OwnershipEvent;
  readonly seen: Ownership | null;
}

/**
 * What the event does to the slot, judged again as long as somebody else changes the columns meanwhile. Columns that were seen spare a
 * look: the comparison proves them. What they would not let happen proves nothing. Rejects with `StoreError`; after `unknown`
 * it may have happened.
 */
export async function applyEvent(
  store: Pick<Store, "ownership" | "setOwnership">,
  { address, event, seen }: WantedChange,
): Promise<EventReply> {
  const isPromising = seen !== null && transition(seen, event).kind === "change";
  let ownership = isPromising ? seen : await store.ownership(address);
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
