/**
 * Where a slot lies. It must not know what is in it.
 */
import type { CollectionName, SlotId } from "../../router/ids.ts";

/** One slot of one collection. */
export interface SlotAddress {
  readonly collection: CollectionName;
  readonly slot: SlotId;
}
