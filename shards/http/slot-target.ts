/**
 * Which collection, slot or slots an internal request names.
 * It must not touch the store.
 */
import type { CollectionConfig } from "../../config/config.ts";
import { type CollectionName, quote, type SlotId } from "../../router/ids.ts";
import { accepted, type Result, refused } from "../../router/result.ts";
import { slotsOf } from "../../router/slot.ts";
import type { SlotAddress } from "../store/port.ts";
import type { ShardServices } from "./shard-services.ts";

/** Untrusted text to a configured collection. */
export function parseCollection(
  services: Pick<ShardServices, "collections">,
  name: unknown,
): Result<CollectionConfig, "INVALID_PARAMETER"> {
  const collection = typeof name === "string" ? services.collections.get(name) : undefined;
  if (collection !== undefined) return accepted(collection);
  return refused("INVALID_PARAMETER", `collection: expected a configured collection, got ${quote(name)}`);
}

const slotSets = new Map<CollectionName, ReadonlySet<unknown>>();

/** Untrusted text to a slot of the collection. */
export function parseSlotAddress(
  collection: CollectionConfig,
  slot: unknown,
): Result<SlotAddress, "INVALID_PARAMETER"> {
  const slots = slotSets.get(collection.name) ?? new Set<unknown>(slotsOf(collection.placement));
  slotSets.set(collection.name, slots);
  if (slots.has(slot)) return accepted({ collection: collection.name, slot: slot as SlotId });
  return refused("INVALID_PARAMETER", `slot: expected a slot of ${collection.name}, got ${quote(slot)}`);
}
