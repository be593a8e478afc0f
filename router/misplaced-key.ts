/**
 * Whether a stored key lies in the slot that it belongs to. Whoever asks for a key looks in its slot alone, so one that lies elsewhere
 * is lost to clients. It must not read, nor know how a store names what it holds.
 */
import { parseKey } from "./canonical-key.ts";
import type { SlotId } from "./ids.ts";
import { type Placement, slotOf } from "./slot.ts";

/** A key that lies where it may not. `belongsTo`: its own slot; null for a text that is no canonical key and belongs nowhere. */
export interface MisplacedKey {
  readonly key: string;
  readonly belongsTo: SlotId | null;
}

/** What a shard tells of the misplaced keys of a slot: how many rows they name, and the first of them. */
export interface MisplacedKeys {
  readonly rows: number;
  readonly named: readonly MisplacedKey[];
}

/** Most keys of a slot that are named. */
export const MISPLACED_NAMED_MAX = 20;

/** Most characters of a key as it is named: what is no key has no bound of its own. */
export const MISPLACED_LENGTH_MAX = 300;

/** No misplaced key. */
export const NONE_MISPLACED: MisplacedKeys = { rows: 0, named: [] };

/** What is wrong with a key that lies in `slot`; null when it lies where it belongs. */
export function findMisplaced(placement: Placement, slot: SlotId, key: string): MisplacedKey | null {
  const canonical = parseKey(key);
  if (!canonical.ok || canonical.value !== key) return nowhere(key);
  const belongsTo = slotOf(placement, canonical.value);
  return belongsTo === slot ? null : { key, belongsTo };
}

/** A text that is no key, whatever it looks like: it belongs nowhere. */
export function nowhere(text: string): MisplacedKey {
  return { key: text.slice(0, MISPLACED_LENGTH_MAX), belongsTo: null };
}

/** With one more of them. */
export function addMisplaced({ rows, named }: MisplacedKeys, misplaced: MisplacedKey): MisplacedKeys {
  return { rows: rows + 1, named: named.length < MISPLACED_NAMED_MAX ? [...named, misplaced] : named };
}
